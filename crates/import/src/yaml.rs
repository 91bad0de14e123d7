//! YAML as JSON values, within limits: no aliases, no tags, one document.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::{Map, Number, Value};

use crate::fault::Faults;
use crate::input::InputFile;

/// The most bytes of a YAML file.
pub const MAX_YAML_BYTES: usize = 8 << 20;

/// The most levels of lists and maps.
const MAX_DEPTH: usize = 32;

/// The most scalars, lists and maps of a file.
const MAX_VALUES: usize = 1 << 20;

/// Why a file was refused, and the line.
struct Refusal {
    line: usize,
    detail: String,
    action: &'static str,
}

impl Refusal {
    fn at(span: Span, detail: impl Into<String>, action: &'static str) -> Self {
        Self { line: span.start.line(), detail: detail.into(), action }
    }
}

impl From<ScanError> for Refusal {
    fn from(error: ScanError) -> Self {
        let detail = format!("this is not valid YAML: {}", error.info());
        Self { line: error.marker().line(), detail, action: "Give the whole, unchanged YAML file" }
    }
}

/// A list or a map that is being read.
enum Open {
    List(Vec<Value>),
    /// The key whose value comes next, if it was read.
    Map(Map<String, Value>, Option<String>),
}

/// Reads a YAML file. Records a fault for one that is not valid or not within the limits.
pub(crate) fn parse(file: &InputFile<'_>, faults: &mut Faults) -> Option<Value> {
    let text = file.text(MAX_YAML_BYTES, faults)?;
    match read(text) {
        Ok(value) => Some(value),
        Err(refusal) => {
            faults.record(file.name, format!("line {}", refusal.line), refusal.detail, refusal.action);
            None
        }
    }
}

fn read(text: &str) -> Result<Value, Refusal> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut document = None;
    let mut values = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        values += 1;
        if values > 2 * MAX_VALUES {
            return Err(Refusal::at(span, format!("there are more than {MAX_VALUES} values"), "Give a smaller file"));
        }
        let done = match event {
            Event::Alias(_) => {
                let action = "Write the value out in place of the alias";
                return Err(Refusal::at(span, "aliases are not read: they can blow a small file up", action));
            }
            Event::Scalar(_, _, _, Some(tag))
            | Event::SequenceStart(_, Some(tag))
            | Event::MappingStart(_, Some(tag))
                if !tag.is_yaml_core_schema() =>
            {
                return Err(Refusal::at(span, format!("the tag {tag} is not read"), "Remove the tag"));
            }
            Event::DocumentStart(_) if document.is_some() => {
                return Err(Refusal::at(span, "the file has several documents", "Give one document"));
            }
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() == MAX_DEPTH => {
                let detail = format!("the file is nested in more than {MAX_DEPTH} levels");
                return Err(Refusal::at(span, detail, "Nest less deeply"));
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Some(Value::Array(items)),
                Some(Open::Map(map, _)) => Some(Value::Object(map)),
                None => None,
            },
            Event::Scalar(text, style, ..) => Some(match open.last() {
                // A key is a text, whatever it looks like.
                Some(Open::Map(_, None)) => Value::String(text.into_owned()),
                _ if style == ScalarStyle::Plain => plain(&text, span)?,
                _ => Value::String(text.into_owned()),
            }),
            _ => None,
        };
        let Some(value) = done else { continue };
        match open.last_mut() {
            None => document = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(map, key)) => match key.take() {
                Some(key) => {
                    map.insert(key, value);
                }
                None => *key = Some(new_key(map, value, span)?),
            },
        }
    }
    Ok(document.unwrap_or(Value::Null))
}

fn new_key(map: &Map<String, Value>, value: Value, span: Span) -> Result<String, Refusal> {
    let Value::String(key) = value else {
        return Err(Refusal::at(span, "a list or map stands where a key is wanted", "Give keys that are texts"));
    };
    if map.contains_key(&key) {
        return Err(Refusal::at(span, format!("the key {key:?} stands there twice"), "Give each key once"));
    }
    Ok(key)
}

/// Reads a plain scalar by the core schema (YAML 1.2.2, section 10.3.2), without octal and
/// hexadecimal numbers.
fn plain(text: &str, span: Span) -> Result<Value, Refusal> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Ok(Value::from(whole));
    }
    let looks_like_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let is_special = matches!(text.trim_start_matches(['-', '+']), ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    let number = text.parse::<f64>().ok().filter(|_| looks_like_number);
    match number.map(Number::from_f64) {
        Some(Some(number)) => Ok(Value::Number(number)),
        Some(None) => Err(Refusal::at(span, format!("{text} is not a finite number"), "Give a finite number")),
        None if is_special => Err(Refusal::at(span, format!("{text} is not a finite number"), "Give a finite number")),
        None => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(text: &str) -> (usize, String) {
        let refusal = read(text).map_err(|refusal| (refusal.line, refusal.detail));
        refusal.unwrap_err()
    }

    #[test]
    fn scalars_have_the_types_of_the_core_schema() {
        let text = "a: 1\nb: -1.5e3\nc: 'x'\nd: ~\ne: [true, v1.2, '3']\n7: .5\n";
        let expected = json!({"a": 1, "b": -1500.0, "c": "x", "d": null, "e": [true, "v1.2", "3"], "7": 0.5});
        assert_eq!(read(text).map_err(|refusal| refusal.detail), Ok(expected));
    }

    #[test]
    fn what_is_not_read_is_refused_with_its_line() {
        assert_eq!(refused("a: &x [1]\nb: *x\n").0, 2);
        assert!(refused("a: !!python/object:os.system x\nb: !y z").1.contains("the tag"));
        assert_eq!(refused("a: 1\na: 2\n"), (2, "the key \"a\" stands there twice".to_owned()));
        assert!(refused("a: .inf").1.contains("not a finite number"));
        assert!(refused("a: 1e999").1.contains("not a finite number"));
        assert!(refused("--- 1\n--- 2\n").1.contains("several documents"));
        assert!(refused(&"[".repeat(40)).1.contains("more than 32 levels"));
        assert!(refused("a: [1, 2").1.contains("not valid YAML"));
        assert!(refused("? [1]\n: 2\n").1.contains("where a key is wanted"));
    }
}
