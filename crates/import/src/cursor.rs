//! A value of a document together with its file and JSON pointer, so that each fault says where it
//! is.

use serde_json::Value;

use crate::fault::Faults;
use crate::input::{MAX_ID_CHARS, MAX_SAFE_INTEGER};

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    pub(crate) file: &'a str,
    pub(crate) pointer: String,
    pub(crate) value: &'a Value,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(file: &'a str, value: &'a Value) -> Self {
        Self { file, pointer: String::new(), value }
    }

    /// Returns a member that is present and not null.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { file: self.file, pointer: format!("{}/{}", self.pointer, escaped(key)), value })
    }

    /// Returns the value at the end of a path of members, all of them present.
    pub(crate) fn at(&self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self.clone(), |cursor, key| cursor.get(key))
    }

    /// Returns the value at the end of a path. Records a fault if it is absent.
    pub(crate) fn required(&self, path: &[&str], faults: &mut Faults) -> Option<Self> {
        let found = self.at(path);
        if found.is_none() {
            let missing = path.iter().map(|key| escaped(key)).collect::<Vec<_>>().join("/");
            self.fault(faults, format!("{missing} is missing"), format!("Give {missing}"));
        }
        found
    }

    /// Returns the elements of a list. Records a fault for another type.
    pub(crate) fn items(&self, faults: &mut Faults) -> Vec<Self> {
        let Some(items) = self.value.as_array() else {
            self.wrong_type("a list", faults);
            return Vec::new();
        };
        let of = |(index, value)| Self { file: self.file, pointer: format!("{}/{index}", self.pointer), value };
        items.iter().enumerate().map(of).collect()
    }

    /// Returns the members of an object with their names. Records a fault for another type.
    pub(crate) fn members(&self, faults: &mut Faults) -> Vec<(&'a str, Self)> {
        let Some(map) = self.value.as_object() else {
            self.wrong_type("an object", faults);
            return Vec::new();
        };
        let of = |(key, value): (&'a String, &'a Value)| {
            let pointer = format!("{}/{}", self.pointer, escaped(key));
            (key.as_str(), Self { file: self.file, pointer, value })
        };
        map.iter().map(of).collect()
    }

    pub(crate) fn text(&self, faults: &mut Faults) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type("a text", faults);
        }
        text
    }

    /// Reads an id: a text of 1 to 256 characters.
    pub(crate) fn id(&self, faults: &mut Faults) -> Option<&'a str> {
        let text = self.text(faults)?;
        if is_id(text) {
            return Some(text);
        }
        let action = format!("Give 1 to {MAX_ID_CHARS} characters");
        self.fault(faults, format!("a text of {} characters", text.chars().count()), action);
        None
    }

    /// Reads a number from 0 to 1e100, the range of the documents of Cutpoint.
    pub(crate) fn amount(&self, faults: &mut Faults) -> Option<f64> {
        let Some(number) = self.value.as_f64() else {
            self.wrong_type("a number", faults);
            return None;
        };
        if (0.0..=1e100).contains(&number) {
            return Some(number + 0.0);
        }
        self.fault(faults, format!("{} is not allowed here", self.value), "Give a number from 0 to 1e100");
        None
    }

    /// Reads a number above 0.
    pub(crate) fn positive(&self, faults: &mut Faults) -> Option<f64> {
        let number = self.amount(faults)?;
        if number >= 1e-100 {
            return Some(number);
        }
        self.fault(faults, format!("{number} is not allowed here"), "Give a number above 0");
        None
    }

    /// Reads a whole number, at most the largest that every JSON reader keeps exactly.
    pub(crate) fn count(&self, faults: &mut Faults) -> Option<u64> {
        // 18.0 is an integer to JSON Schema.
        let whole = |number: f64| {
            (number.fract() == 0.0 && (0.0..=MAX_SAFE_INTEGER as f64).contains(&number)).then_some(number as u64)
        };
        let number = self.value.as_u64().or_else(|| self.value.as_f64().and_then(whole));
        let number = number.filter(|&number| number <= MAX_SAFE_INTEGER);
        if number.is_none() {
            let action = format!("Give a whole number from 0 to {MAX_SAFE_INTEGER}");
            self.fault(faults, format!("{} is not a whole number", self.value), action);
        }
        number
    }

    /// Reads a number and multiplies it to a whole number of bytes, rounded up.
    pub(crate) fn bytes(&self, unit: f64, faults: &mut Faults) -> Option<u64> {
        let number = self.amount(faults)?;
        let bytes = (number * unit).ceil();
        if bytes <= MAX_SAFE_INTEGER as f64 {
            return Some(bytes as u64);
        }
        let detail = format!("{} is {bytes:e} bytes, more than {MAX_SAFE_INTEGER}", self.value);
        self.fault(faults, detail, "Give a smaller number");
        None
    }

    /// Returns `true` for `true` and for numbers other than 0.
    pub(crate) fn is_set(&self) -> bool {
        self.value.as_bool().unwrap_or(self.value.as_f64().is_some_and(|number| number != 0.0))
    }

    pub(crate) fn fault(&self, faults: &mut Faults, detail: impl Into<String>, action: impl Into<String>) {
        faults.record(self.file, self.pointer.clone(), detail, action);
    }

    pub(crate) fn wrong_type(&self, wanted: &str, faults: &mut Faults) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.fault(faults, format!("expected {wanted}, found {found}"), format!("Give {wanted}"));
    }
}

/// Returns `true` if a text can be an id of Cutpoint: it has 1 to 256 characters.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().nth(MAX_ID_CHARS).is_none()
}

/// Returns the first 256 characters of a text.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(MAX_ID_CHARS).collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
