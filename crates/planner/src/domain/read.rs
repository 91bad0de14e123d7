//! Reads JSON values into domain types and collects every fault with its JSON pointer (RFC 6901).
//!
//! Reading continues after a fault, so that one answer names all of them. A reading function
//! returns `None` if a fault was recorded or if an optional field is absent. [`Reader::finish`]
//! turns recorded faults into an error.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fault::{Fault, FaultCode};
use super::unit::{MAX_SAFE_INTEGER, counted};

/// The most faults that are listed. A longer list does not help, so the rest are left out.
pub const MAX_FAULTS: usize = 1000;

/// The most characters of an identifier that a document chooses.
pub const MAX_ID_CHARS: usize = 256;

/// The byte-order mark of UTF-8, which some editors put at the start of a text.
pub const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// One step of a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Field(&'static str),
    /// A member of an object whose names the document chooses.
    Key(String),
    /// An element of a list.
    Index(usize),
}

impl From<&'static str> for Step {
    fn from(name: &'static str) -> Self {
        Step::Field(name)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// The layer or node to which a part of a document belongs, by its id. Faults name it because an
/// index is hard for people to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A layer of a model.
    Layer(String),
    /// A node of a cluster.
    Node(String),
}

/// Reads values. It keeps the current place in the document and the faults found.
#[derive(Debug, Default)]
pub struct Reader {
    place: Vec<Step>,
    owner: Option<Owner>,
    faults: Vec<Fault>,
}

impl Reader {
    /// Creates a reader at the root of a document.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses JSON text.
    ///
    /// # Errors
    /// Returns a fault with the place where parsing stopped. Malformed text, numbers too large for
    /// a double, and nesting of more than 127 levels are faults.
    pub fn parse(text: &[u8]) -> Result<Value, Vec<Fault>> {
        if let Some(detail) = encoding_fault(text) {
            let action = "Send UTF-8 without a byte-order mark (RFC 8259, section 8.1)";
            return Err(vec![Fault::new("", FaultCode::Malformed, detail, action)]);
        }
        // Keeping the path takes time, so it is kept only after a fault.
        if let Ok(value) = serde_json::from_slice(text) {
            return Ok(value);
        }
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let parsed = serde_path_to_error::deserialize::<_, Value>(&mut deserializer)
            .map_err(|error| (pointer_of(error.path()), error.into_inner()))
            .and_then(|value| deserializer.end().map(|()| value).map_err(|error| (String::new(), error)));
        parsed.map_err(|(pointer, error)| {
            let text = error.to_string();
            let (code, action) = if text.contains("recursion limit") {
                (FaultCode::TooDeep, "Nest at most 127 levels")
            } else if text.contains("number out of range") {
                (FaultCode::OutOfRange, "Give a number that a double can hold")
            } else {
                (FaultCode::Malformed, "Send valid JSON (RFC 8259); NaN and Infinity are not JSON")
            };
            vec![Fault::new(pointer, code, text, action)]
        })
    }

    /// Returns what was read.
    ///
    /// # Errors
    /// Returns every recorded fault. `None` without a fault would be a defect of the reading
    /// function.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Vec<Fault>> {
        match read {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults),
        }
    }

    /// Returns `true` if a fault was recorded.
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Records a fault at the current place.
    pub fn fault(&mut self, code: FaultCode, detail: impl Into<String>, action: impl Into<String>) {
        self.fault_at(&[], code, detail, action);
    }

    /// Records a fault some steps below the current place.
    pub fn fault_at(&mut self, below: &[Step], code: FaultCode, detail: impl Into<String>, action: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            let pointer = pointer_text(self.place.iter().chain(below));
            let (layer_id, node_id) = match &self.owner {
                Some(Owner::Layer(id)) => (Some(id.clone()), None),
                Some(Owner::Node(id)) => (None, Some(id.clone())),
                None => (None, None),
            };
            self.faults.push(Fault { layer_id, node_id, ..Fault::new(pointer, code, detail, action) });
        }
    }

    /// Reads one step below the current place.
    pub fn within<T>(&mut self, step: impl Into<Step>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.place.push(step.into());
        let value = read(self);
        self.place.pop();
        value
    }

    /// Reads what belongs to a layer or a node. Every fault recorded meanwhile names it.
    pub fn owned_by<T>(&mut self, owner: Option<Owner>, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.owner, owner);
        let value = read(self);
        self.owner = before;
        value
    }

    /// Reads a layer or a node from its document. Every fault of it names its id if the id is
    /// valid.
    pub fn owned<'v, T>(
        &mut self,
        value: &'v Value,
        owner: impl FnOnce(String) -> Owner,
        read: impl FnOnce(&mut Self, &'v Value) -> T,
    ) -> T {
        let id = value.get("id").and_then(Value::as_str).filter(|id| is_id(id));
        self.owned_by(id.map(|id| owner(id.to_owned())), |reader| read(reader, value))
    }

    /// Returns the members of an object. Records a fault for another type, and for each member that
    /// is not in `known`.
    pub fn object<'v>(&mut self, value: &'v Value, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let map = self.map(value)?;
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            let action = format!("Remove it; known here: {}", known.join(", "));
            let step = Step::Key(name.clone());
            self.fault_at(&[step], FaultCode::UnknownField, format!("there is no field {name:?}"), action);
        }
        Some(map)
    }

    /// Returns the members of an object whose names the document chooses. Records a fault for
    /// another type.
    pub fn map<'v>(&mut self, value: &'v Value) -> Option<&'v Map<String, Value>> {
        let map = value.as_object();
        if map.is_none() {
            self.wrong_type(value, "an object");
        }
        map
    }

    /// Reads a field that must be present.
    pub fn required<'v, T>(
        &mut self,
        map: &'v Map<String, Value>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'v Value) -> Option<T>,
    ) -> Option<T> {
        if !map.contains_key(name) {
            self.fault_at(&[name.into()], FaultCode::Missing, format!("{name} is missing"), format!("Give {name}"));
        }
        self.optional(map, name, read)
    }

    /// Reads a field that may be absent. A null does not count as absent: it is a fault of type.
    pub fn optional<'v, T>(
        &mut self,
        map: &'v Map<String, Value>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'v Value) -> Option<T>,
    ) -> Option<T> {
        let value = map.get(name)?;
        self.within(name, |reader| read(reader, value))
    }

    /// Reads every element of a list, in order. An element that could not be read is `None`.
    pub fn items<'v, T>(
        &mut self,
        value: &'v Value,
        mut read: impl FnMut(&mut Self, &'v Value) -> Option<T>,
    ) -> Option<Vec<Option<T>>> {
        let Some(items) = value.as_array() else {
            self.wrong_type(value, "a list");
            return None;
        };
        let items = items.iter().enumerate();
        Some(items.map(|(index, item)| self.within(index, |reader| read(reader, item))).collect())
    }

    /// Reads a text of 1 to `longest` characters.
    pub fn text(&mut self, value: &Value, longest: usize) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.wrong_type(value, "a text");
            return None;
        };
        let length = text.chars().count();
        if length == 0 || length > longest {
            let action = format!("Give 1 to {longest} characters");
            self.fault(FaultCode::OutOfRange, format!("a text of {}", counted(length, "character")), action);
            return None;
        }
        Some(text.to_owned())
    }

    /// Reads an identifier: a text of 1 to 256 characters.
    pub fn id(&mut self, value: &Value) -> Option<String> {
        self.text(value, MAX_ID_CHARS)
    }

    /// Reads labels: texts of 1 to 256 characters under names of 1 to 256.
    pub fn labels(&mut self, value: &Value) -> Option<BTreeMap<String, String>> {
        let map = self.map(value)?;
        let mut labels = BTreeMap::new();
        for (key, text) in map {
            self.name(key);
            if let Some(text) = self.within(Step::Key(key.clone()), |reader| reader.id(text)) {
                labels.insert(key.clone(), text);
            }
        }
        Some(labels)
    }

    /// Checks a name that the document chooses. It must have 1 to 256 characters.
    pub fn name(&mut self, name: &str) {
        if !is_id(name) {
            let below = [Step::Key(name.to_owned())];
            let action = "Name it in 1 to 256 characters";
            self.fault_at(&below, FaultCode::OutOfRange, "the name is empty or too long", action);
        }
    }

    /// Reads a boolean.
    pub fn flag(&mut self, value: &Value) -> Option<bool> {
        let flag = value.as_bool();
        if flag.is_none() {
            self.wrong_type(value, "true or false");
        }
        flag
    }

    /// Reads a whole number from `least` to `most`. `18.0` is a whole number (JSON Schema 2020-12,
    /// section 6.1.1).
    pub fn integer(&mut self, value: &Value, least: u64, most: u64) -> Option<u64> {
        let Some(number) = value.as_number() else {
            self.wrong_type(value, "a whole number");
            return None;
        };
        let exact = number.as_u64().or_else(|| {
            let double = number.as_f64()?;
            (double.fract() == 0.0 && (0.0..=MAX_SAFE_INTEGER as f64).contains(&double)).then_some(double as u64)
        });
        match exact.filter(|whole| (least..=most).contains(whole)) {
            Some(whole) => Some(whole),
            None => {
                self.fault(
                    FaultCode::OutOfRange,
                    format!("{number} is not allowed here"),
                    format!("Give a whole number from {least} to {most}"),
                );
                None
            }
        }
    }

    /// Reads a number of bytes or operations: a whole number that every JSON reader keeps exactly.
    pub fn size(&mut self, value: &Value) -> Option<u64> {
        self.integer(value, 0, MAX_SAFE_INTEGER)
    }

    /// Reads a finite number for which `allowed` returns `true`. `range` describes in words what is
    /// allowed.
    pub fn number(&mut self, value: &Value, range: &str, allowed: impl Fn(f64) -> bool) -> Option<f64> {
        let Some(number) = value.as_number() else {
            self.wrong_type(value, "a number");
            return None;
        };
        match number.as_f64().filter(|double| double.is_finite() && allowed(*double)) {
            // Adding zero turns -0.0 into 0.0, so that both have the same hash.
            Some(double) => Some(double + 0.0),
            None => {
                let action = format!("Give a finite number {range}");
                self.fault(FaultCode::OutOfRange, format!("{number} is not allowed here"), action);
                None
            }
        }
    }

    /// Reads a number above 0. Its range is limited so that no product, quotient or sum of such
    /// numbers overflows a double.
    pub fn positive(&mut self, value: &Value) -> Option<f64> {
        self.number(value, "from 1e-100 to 1e100", |number| (1e-100..=1e100).contains(&number))
    }

    /// Reads a number that is at least 0 and within the same range.
    pub fn non_negative(&mut self, value: &Value) -> Option<f64> {
        self.number(value, "from 0 to 1e100", |number| (0.0..=1e100).contains(&number))
    }

    /// Reads one of a closed list of texts.
    pub fn one_of<T: Copy>(&mut self, value: &Value, choices: &[(&str, T)]) -> Option<T> {
        let Some(text) = value.as_str() else {
            self.wrong_type(value, "a text");
            return None;
        };
        let found = choices.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let action = format!("Give one of: {}", names.join(", "));
            self.fault(FaultCode::UnknownValue, format!("{text:?} is not allowed here"), action);
        }
        found.map(|(_, choice)| *choice)
    }

    /// Records that a value has another type than wanted.
    pub fn wrong_type(&mut self, value: &Value, wanted: &str) {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let action = if value.is_null() {
            format!("Give {wanted}; null stands for nothing here")
        } else {
            format!("Give {wanted}")
        };
        self.fault(FaultCode::WrongType, format!("expected {wanted}, found {found}"), action);
    }
}

/// Returns `true` if a text can be an id: it has 1 to 256 characters.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().nth(MAX_ID_CHARS).is_none()
}

/// Returns what is wrong with the encoding of a text, judged by its first bytes. JSON begins with
/// two ASCII characters or is a single digit. A zero among the first two bytes therefore means
/// UTF-16 or UTF-32 without a mark.
fn encoding_fault(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xef, 0xbb, 0xbf, ..] => Some("the text begins with a byte-order mark"),
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, _, ..] | [_, 0, ..] => Some("the text is UTF-16 or UTF-32"),
        _ => None,
    }
}

fn pointer_text<'s>(steps: impl Iterator<Item = &'s Step>) -> String {
    steps.fold(String::new(), |mut text, step| {
        text.push('/');
        match step {
            Step::Field(name) => text.push_str(name),
            Step::Key(key) => text.push_str(&escaped(key)),
            Step::Index(index) => text.push_str(&index.to_string()),
        }
        text
    })
}

/// Returns a key as a step of a JSON pointer (RFC 6901, section 3): `~` as `~0` and `/` as `~1`.
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut text, segment| {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("/{index}")),
            Segment::Map { key } => text.push_str(&format!("/{}", escaped(key))),
            // If parsing stopped inside a key, there is no step to name.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_is_kept_with_its_pointer() {
        let value = json!({"a": -1, "b": "x", "c/d": 0, "e": null});
        let mut reader = Reader::new();
        let map = reader.object(&value, &["a", "b", "e", "f"]).unwrap();
        reader.required(map, "a", Reader::size);
        reader.required(map, "b", Reader::size);
        reader.optional(map, "e", Reader::size);
        reader.required(map, "f", Reader::size);
        let faults = reader.finish(Some(())).unwrap_err();
        let found: Vec<(&str, FaultCode)> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(
            found,
            [
                ("/c~1d", FaultCode::UnknownField),
                ("/a", FaultCode::OutOfRange),
                ("/b", FaultCode::WrongType),
                ("/e", FaultCode::WrongType),
                ("/f", FaultCode::Missing),
            ]
        );
    }

    #[test]
    fn whole_numbers_may_be_written_as_doubles() {
        let mut reader = Reader::new();
        assert_eq!(reader.size(&json!(18.0)), Some(18));
        assert_eq!(reader.size(&json!(MAX_SAFE_INTEGER)), Some(MAX_SAFE_INTEGER));
        assert_eq!(reader.size(&json!(MAX_SAFE_INTEGER + 1)), None);
        assert_eq!(reader.size(&json!(1.5)), None);
    }

    #[test]
    fn parsing_says_where_it_stopped() {
        let pointer_and_code = |text: &str| {
            let faults = Reader::parse(text.as_bytes()).unwrap_err();
            (faults[0].pointer.clone(), faults[0].code)
        };
        assert_eq!(pointer_and_code(r#"{"a": [1, 1e400]}"#), ("/a/1".to_owned(), FaultCode::OutOfRange));
        assert_eq!(pointer_and_code(r#"{"a": NaN}"#), ("/a".to_owned(), FaultCode::Malformed));
        assert_eq!(pointer_and_code("{} x").1, FaultCode::Malformed);
        assert_eq!(pointer_and_code(&"[".repeat(10_000)).1, FaultCode::TooDeep);
    }
}
