//! Writes Graphviz's language. All names and values are quoted texts.

use std::fmt::Write;

/// Writes one directed graph.
pub(super) struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    pub(super) fn new(name: &str) -> Self {
        Self { text: format!("digraph {} {{\n", quoted(name)), depth: 1 }
    }

    /// Writes what holds for all nodes, edges or graphs that follow.
    pub(super) fn defaults(&mut self, of: &'static str, attributes: &[(&str, &str)]) {
        self.line(&format!("{of} {}", list(attributes)));
    }

    pub(super) fn node(&mut self, id: &str, attributes: &[(&str, &str)]) {
        self.line(&format!("{} {}", quoted(id), list(attributes)));
    }

    pub(super) fn edge(&mut self, from: &str, to: &str, attributes: &[(&str, &str)]) {
        self.line(&format!("{} -> {} {}", quoted(from), quoted(to), list(attributes)));
    }

    /// Begins a frame around the nodes that follow.
    pub(super) fn begin_cluster(&mut self, id: &str, attributes: &[(&str, &str)]) {
        self.line(&format!("subgraph {} {{", quoted(id)));
        self.depth += 1;
        self.line(&format!("graph {}", list(attributes)));
    }

    pub(super) fn end(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    pub(super) fn finish(mut self) -> String {
        self.end();
        self.text
    }

    fn line(&mut self, text: &str) {
        let indent = 2 * self.depth;
        // Writing to a text does not fail.
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }
}

fn list(attributes: &[(&str, &str)]) -> String {
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    format!("[{}]", attributes.join(", "))
}

/// Quotes a text that is shown as it is: in labels, Graphviz expands escapes that begin with a backslash, and entities of HTML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '&' => quoted.push_str("&amp;"),
            '\n' => quoted.push_str("\\n"),
            sign if sign.is_control() => quoted.push('\u{fffd}'),
            sign => quoted.push(sign),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a quoted text as Graphviz does: its scanner undoes `\"` alone, its labels undo the rest.
    fn shown(quoted: &str) -> String {
        let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap();
        let mut scanned = String::new();
        let mut signs = inner.chars().peekable();
        while let Some(sign) = signs.next() {
            match (sign, signs.peek()) {
                ('\\', Some('"')) => scanned.extend(signs.next()),
                ('\\', Some('\\')) => scanned.extend(['\\'].into_iter().chain(signs.next())),
                ('"', _) => panic!("{quoted} ends early"),
                (sign, _) => scanned.push(sign),
            }
        }
        let mut label = String::new();
        let mut signs = scanned.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '\\' => match signs.next() {
                    Some('n') => label.push('\n'),
                    Some('\\') => label.push('\\'),
                    other => panic!("{quoted} has the escape {other:?}"),
                },
                sign => label.push(sign),
            }
        }
        label.replace("&amp;", "&")
    }

    #[test]
    fn what_graphviz_expands_is_escaped() {
        assert_eq!(quoted("a\"b\\N&lt;\nc\0"), "\"a\\\"b\\\\N&amp;lt;\\nc\u{fffd}\"");
    }

    proptest! {
        #[test]
        fn texts_are_shown_as_they_are(text in "([a-zN]|\\\\|\"|&amp;|&|\n|ü){0,12}") {
            prop_assert_eq!(shown(&quoted(&text)), text);
        }
    }
}
