//! Query parameters. Unknown and repeated names are faults, and all faults are collected under `/query/{name}`.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::read::{MAX_ID_CHARS, Reader, Step};
use cutpoint_planner::domain::unit::counted;
use jiff::Timestamp;

use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::http::problem::Problem;
use crate::http::request::limits::MOST_LABELS;

/// The parameters of a request and their faults so far.
#[derive(Debug, Default)]
pub struct Parameters {
    given: Vec<(String, String)>,
    asked_for: Vec<&'static str>,
    /// Names whose rest, after a dot, the caller chooses.
    prefixes: Vec<&'static str>,
    reader: Reader,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let given = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let given = given.map_err(|error| Problem::invalid_parameters(Vec::new()).with_detail(error.body_text()))?;
        Ok(Self { given: given.0, ..Self::default() })
    }
}

/// An extractor for requests without parameters. A request that has any is refused.
#[derive(Debug)]
pub struct NoParameters;

impl<S: Send + Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Parameters::from_request_parts(parts, state).await?.finish()?;
        Ok(Self)
    }
}

impl Parameters {
    /// Returns the value of a parameter that may be given once.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let values = self.all(name);
        if values.len() > 1 {
            self.fault(name, FaultCode::Duplicate, format!("{name} is given {} times", values.len()), "Give it once");
        }
        values.into_iter().next()
    }

    /// Returns `true` if a parameter is given.
    pub fn was_given(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    /// Returns the values of a repeatable parameter.
    pub fn all(&mut self, name: &'static str) -> Vec<String> {
        self.asked_for.push(name);
        self.given.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect()
    }

    /// Reads a value of an enum that must be given.
    pub fn one_of<T: Named>(&mut self, name: &'static str) -> Option<T> {
        let choices: Vec<(&str, T)> = T::ALL.iter().map(|value| (value.name(), *value)).collect();
        if !self.was_given(name) {
            let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            let action = format!("Give one of {}", names.join(", "));
            self.fault(name, FaultCode::Missing, format!("{name} is missing"), &action);
        }
        self.text(name).and_then(|text| self.choice(name, &text, &choices))
    }

    /// Reads the values of a parameter such as `dim=batch=1`, which may also be written as `dim.batch=1`.
    pub fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<(String, T), cutpoint_onnx::Error>,
    ) -> Vec<(String, T)> {
        let texts = self.in_either_form(name);
        let mut values = Vec::with_capacity(texts.len());
        for text in texts {
            match parse(&text) {
                Ok(value) => values.push(value),
                Err(cutpoint_onnx::Error::Option { option, detail, action }) => {
                    self.fault(name, FaultCode::UnknownValue, format!("{option:?}: {detail}"), &action);
                }
                Err(error) => self.fault(name, FaultCode::UnknownValue, error.to_string(), "Give another value"),
            }
        }
        values
    }

    /// Refuses parameters that do not go with what else is given, in either form.
    pub fn refuse(&mut self, names: &[&'static str], because: &str) {
        for &name in names {
            if !self.in_either_form(name).is_empty() {
                self.fault(name, FaultCode::Conflict, format!("{name} does not go with {because}"), "Remove it");
            }
        }
    }

    /// Returns the values of a parameter such as `dim=batch=1`. `dim.batch=1` has the value `batch=1`, too.
    fn in_either_form(&mut self, name: &'static str) -> Vec<String> {
        let mut texts = self.all(name);
        self.prefixes.push(name);
        let rest = |given: &str| given.strip_prefix(name)?.strip_prefix('.').map(str::to_owned);
        texts.extend(self.given.iter().filter_map(|(given, value)| Some(format!("{}={value}", rest(given)?))));
        texts
    }

    /// Reads lists such as `medium=channel-36=pi-1,pi-2`.
    pub fn named_lists(&mut self, name: &'static str) -> Vec<(String, Vec<String>)> {
        let mut lists = Vec::new();
        for text in self.all(name) {
            match text.split_once('=') {
                Some((key, list)) if !key.is_empty() => {
                    lists.push((key.to_owned(), list.split(',').map(|item| item.trim().to_owned()).collect()));
                }
                _ => {
                    let action = "Give a name, an equals sign, and a list with commas";
                    self.fault(name, FaultCode::UnknownValue, format!("{text:?} is not a named list"), action);
                }
            }
        }
        lists
    }

    /// Reads a whole number.
    pub fn integer(&mut self, name: &'static str, least: u64, most: u64) -> Option<u64> {
        let text = self.text(name)?;
        let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let action = format!("Give a whole number from {least} to {most}");
            self.fault(name, FaultCode::OutOfRange, format!("{text:?} is not allowed here"), &action);
        }
        number
    }

    /// Reads a number.
    pub fn number(&mut self, name: &'static str, least: f64, most: f64) -> Option<f64> {
        let text = self.text(name)?;
        let number = text.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let action = format!("Give a number from {least} to {most}");
            self.fault(name, FaultCode::OutOfRange, format!("{text:?} is not allowed here"), &action);
        }
        number
    }

    /// Reads seconds above 0.
    pub fn seconds(&mut self, name: &'static str, most: f64) -> Option<f64> {
        let text = self.text(name)?;
        let seconds = text.parse::<f64>().ok().filter(|&seconds| seconds > 0.0 && seconds <= most);
        if seconds.is_none() {
            let action = format!("Give a number above 0, at most {most}");
            self.fault(name, FaultCode::OutOfRange, format!("{text:?} is not allowed here"), &action);
        }
        seconds
    }

    /// Reads `true` or `false`. An absent parameter is `false`.
    pub fn flag(&mut self, name: &'static str) -> bool {
        let choices = [("true", true), ("false", false)];
        self.text(name).and_then(|text| self.choice(name, &text, &choices)).unwrap_or(false)
    }

    /// Reads values of an enum.
    pub fn choices<T: Named>(&mut self, name: &'static str) -> Vec<T> {
        let choices: Vec<(&str, T)> = T::ALL.iter().map(|value| (value.name(), *value)).collect();
        let values = self.all(name);
        values.iter().filter_map(|text| self.choice(name, text, &choices)).collect()
    }

    /// Reads the id of a stored resource.
    pub fn id(&mut self, name: &'static str, kind: IdKind) -> Option<Id> {
        let text = self.text(name)?;
        let id = Id::parse(kind, &text);
        if id.is_none() {
            let action = format!("Give an id that begins with {}", kind.prefix());
            self.fault(name, FaultCode::UnknownValue, format!("{text:?} is not such an id"), &action);
        }
        id
    }

    /// Reads a time.
    pub fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let time = text.parse::<Timestamp>().ok();
        if time.is_none() {
            let action = "Give a time before the end of 9999 as in RFC 3339, such as 2026-11-23T09:30:00Z";
            self.fault(name, FaultCode::UnknownValue, format!("{text:?} is not a time"), action);
        }
        time
    }

    /// Reads an id that clients choose, such as a node's.
    pub fn chosen_id(&mut self, name: &'static str) -> Option<String> {
        let id = self.text(name)?;
        if id.is_empty() || id.chars().count() > MAX_ID_CHARS {
            let detail = format!("an id of {} characters", id.chars().count());
            self.fault(name, FaultCode::OutOfRange, detail, &format!("Give 1 to {MAX_ID_CHARS} characters"));
            return None;
        }
        Some(id)
    }

    /// Reads labels as `name=value`.
    pub fn labels(&mut self, name: &'static str) -> Vec<String> {
        let values = self.all(name);
        if values.len() > MOST_LABELS {
            let detail = counted(values.len(), "label");
            self.fault(name, FaultCode::OutOfRange, detail, &format!("Give at most {MOST_LABELS}"));
            return Vec::new();
        }
        let mut labels = Vec::with_capacity(values.len());
        for text in values {
            if text.split_once('=').is_some_and(|(label, _)| !label.is_empty()) {
                labels.push(text);
            } else {
                let detail = format!("{text:?} is not a label");
                self.fault(name, FaultCode::UnknownValue, detail, "Give name=value");
            }
        }
        labels
    }

    /// Records a fault of a parameter.
    pub fn fault(&mut self, name: &str, code: FaultCode, detail: impl Into<String>, action: &str) {
        let below = [Step::Field("query"), Step::Key(name.to_owned())];
        self.reader.fault_at(&below, code, detail, action);
    }

    /// Ends the reading. Parameters that were not read are unknown.
    ///
    /// # Errors
    /// 400 with every fault.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.given) {
            let prefix = name.split_once('.').map(|(prefix, _)| prefix);
            let is_below = prefix.is_some_and(|prefix| self.prefixes.contains(&prefix));
            if !is_below && !self.asked_for.contains(&name.as_str()) {
                let action = match self.asked_for.as_slice() {
                    [] => "Remove it; none is known here".to_owned(),
                    known => format!("Remove it; known here: {}", known.join(", ")),
                };
                self.fault(&name, FaultCode::UnknownField, format!("there is no parameter {name:?}"), &action);
            }
        }
        self.reader.finish(Some(())).map_err(Problem::invalid_parameters)
    }

    fn choice<T: Copy>(&mut self, name: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            let action = format!("Give one of: {}", names.join(", "));
            self.fault(name, FaultCode::UnknownValue, format!("{text:?} is not allowed here"), &action);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(given: &[(&str, &str)]) -> Parameters {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Parameters { given, ..Parameters::default() }
    }

    #[test]
    fn every_fault_names_its_parameter() {
        let mut query =
            parameters(&[("limit", "0"), ("latest", "yes"), ("label", "x"), ("limitt", "1"), ("from", "now")]);
        query.integer("limit", 1, 200);
        query.flag("latest");
        query.labels("label");
        query.time("from");
        let problem = query.finish().unwrap_err();
        let pointers: Vec<&str> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/query/limit", "/query/latest", "/query/label", "/query/from", "/query/limitt"]);
        assert_eq!(problem.status, 400);
    }

    #[test]
    fn what_is_refused_is_refused_in_either_form() {
        let refused = |name: &str| {
            let mut query = parameters(&[(name, "batch=1")]);
            query.refuse(&["dim", "model"], "this format");
            query.finish().map_err(|problem| problem.errors[0].pointer.clone())
        };
        assert_eq!(refused("dim"), Err("/query/dim".to_owned()));
        assert_eq!(refused("dim.batch"), Err("/query/dim".to_owned()));
        assert_eq!(refused("dimension"), Err("/query/dimension".to_owned()));
        parameters(&[]).finish().unwrap();
    }

    #[test]
    fn what_is_given_is_read() {
        let mut query = parameters(&[("limit", "7"), ("latest", "true"), ("label", "site=a=b"), ("label", "x=")]);
        assert_eq!(query.integer("limit", 1, 200), Some(7));
        assert!(query.flag("latest"));
        let labels = query.labels("label");
        assert_eq!(labels, ["site=a=b", "x="]);
        query.finish().unwrap();
    }
}
