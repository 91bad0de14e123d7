//! What a change of an OpenAPI document breaks: for clients that were made from the document before.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];
/// Keywords of which a larger value takes less, and those of which a smaller one does.
const LEAST: [&str; 4] = ["minimum", "exclusiveMinimum", "minLength", "minItems"];
const MOST: [&str; 4] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems"];

/// Whether a version says that clients must look: another major one, below 1.0 another minor one.
pub fn may_break(before: &str, after: &str) -> bool {
    let significant = |version: &str| {
        let mut numbers = version.split('.').map(str::to_owned);
        let major = numbers.next().unwrap_or_default();
        let minor = if major == "0" { numbers.next() } else { None };
        (major, minor)
    };
    significant(before) != significant(after)
}

/// Everything that breaks a client.
pub fn breaks(before: &Value, after: &Value) -> Vec<String> {
    let mut comparison = Comparison { before, after, broken: Vec::new() };
    comparison.paths();
    comparison.messages();
    comparison.components();
    comparison.broken
}

struct Comparison<'d> {
    before: &'d Value,
    after: &'d Value,
    broken: Vec<String>,
}

impl Comparison<'_> {
    fn says(&mut self, place: &str, what: &str) {
        self.broken.push(format!("{place}: {what}"));
    }

    fn paths(&mut self) {
        for (path, item) in members(&self.before["paths"]) {
            let Some(after) = self.after["paths"].get(path) else {
                self.says(path, "the path is gone");
                continue;
            };
            for method in METHODS {
                let place = format!("{method} {path}");
                match (item.get(method), after.get(method)) {
                    (Some(before), Some(after)) => self.operation(&place, before, after),
                    (Some(_), None) => self.says(&place, "the operation is gone"),
                    _ => {}
                }
            }
        }
    }

    /// A receiver waits for a message; what it holds is compared with the schemas.
    fn messages(&mut self) {
        for (name, _) in members(&self.before["webhooks"]) {
            if self.after["webhooks"].get(name).is_none() {
                self.says(name, "the message is gone");
            }
        }
    }

    fn operation(&mut self, place: &str, before: &Value, after: &Value) {
        self.parameters(place, before, after);
        if before.get("operationId") != after.get("operationId") {
            self.says(place, "the operation's id changed");
        }
        if let Some(content) = before.pointer("/requestBody/content") {
            self.contents(&format!("{place} body"), content, &after["requestBody"]["content"], true);
        }
        if before.get("requestBody").is_none() && after["requestBody"]["required"] == true {
            self.says(place, "a body must be given now");
        }
        for (status, response) in members(&before["responses"]) {
            let place = format!("{place} {status}");
            match after["responses"].get(status) {
                Some(after) => {
                    self.contents(&place, &response["content"], &after["content"], false);
                    self.headers(&place, &response["headers"], &after["headers"]);
                }
                None if status.starts_with('2') => self.says(&place, "the answer is gone"),
                None => {}
            }
        }
    }

    fn parameters(&mut self, place: &str, before: &Value, after: &Value) {
        let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
        for parameter in items(&before["parameters"]) {
            let place = format!("{place} parameter {}", parameter["name"]);
            let Some(after) = items(&after["parameters"]).iter().find(|after| same(parameter, after)) else {
                self.says(&place, "it is gone");
                continue;
            };
            if after["required"] == true && parameter["required"] != true {
                self.says(&place, "it must be given now");
            }
            self.schema(&place, &parameter["schema"], &after["schema"], true);
        }
        for parameter in items(&after["parameters"]).iter().filter(|parameter| parameter["required"] == true) {
            if !items(&before["parameters"]).iter().any(|before| same(before, parameter)) {
                self.says(&format!("{place} parameter {}", parameter["name"]), "it is new and must be given");
            }
        }
    }

    fn headers(&mut self, place: &str, before: &Value, after: &Value) {
        for (name, _) in members(before).filter(|(name, _)| after.get(name).is_none()) {
            self.says(place, &format!("the header {name} is gone"));
        }
    }

    fn contents(&mut self, place: &str, before: &Value, after: &Value, is_request: bool) {
        for (media_type, content) in members(before) {
            match after.get(media_type) {
                Some(after) => self.schema(place, &content["schema"], &after["schema"], is_request),
                None => self.says(place, &format!("{media_type} is gone")),
            }
        }
    }

    fn components(&mut self) {
        let requested = requested(self.before);
        for (name, before) in members(&self.before["components"]["schemas"]) {
            match self.after["components"]["schemas"].get(name) {
                Some(after) => self.schema(name, before, after, requested.contains(name)),
                None => self.says(name, "the schema is gone"),
            }
        }
    }

    /// A schema of requests may take more than before, one of answers alone may give less.
    fn schema(&mut self, place: &str, before: &Value, after: &Value, is_request: bool) {
        if before.get("$ref") != after.get("$ref") {
            return self.says(place, "it is another schema");
        }
        let widened = is_request && before["type"] == "integer" && after["type"] == "number";
        if before.get("type") != after.get("type") && !widened {
            return self.says(place, "the type changed");
        }
        for value in items(&before["enum"]) {
            if after.get("enum").is_some_and(|values| !items(values).contains(value)) {
                self.says(place, &format!("the value {value} is gone"));
            }
        }
        if is_request {
            self.narrowed(place, before, after);
        }
        self.required(place, before, after, is_request);
        for (name, property) in members(&before["properties"]) {
            let place = format!("{place}.{name}");
            match after["properties"].get(name) {
                Some(after) => self.schema(&place, property, after, is_request),
                None => self.says(&place, "the field is gone"),
            }
        }
        for inner in ["items", "additionalProperties"] {
            if let (Some(before @ Value::Object(_)), Some(after)) = (before.get(inner), after.get(inner)) {
                self.schema(&format!("{place}[]"), before, after, is_request);
            }
        }
        for member in items(&before["oneOf"]) {
            if !items(&after["oneOf"]).contains(member) {
                self.says(place, &format!("the variant {member} is gone"));
            }
        }
    }

    fn required(&mut self, place: &str, before: &Value, after: &Value, is_request: bool) {
        let (known, wanted) = (items(&before["required"]), items(&after["required"]));
        if is_request {
            for name in wanted.iter().filter(|name| !known.contains(name)) {
                self.says(place, &format!("{name} must be given now"));
            }
        } else {
            let stays =
                |name: &&Value| members(&after["properties"]).any(|(other, _)| Some(other.as_str()) == name.as_str());
            for name in known.iter().filter(|name| !wanted.contains(name)).filter(stays) {
                self.says(place, &format!("{name} may be absent now"));
            }
        }
    }

    fn narrowed(&mut self, place: &str, before: &Value, after: &Value) {
        let number = |schema: &Value, keyword: &str| schema.get(keyword).and_then(Value::as_f64);
        for keyword in LEAST {
            let less = number(before, keyword).unwrap_or(f64::NEG_INFINITY);
            if number(after, keyword).is_some_and(|least| least > less) {
                self.says(place, &format!("{keyword} is larger"));
            }
        }
        for keyword in MOST {
            let more = number(before, keyword).unwrap_or(f64::INFINITY);
            if number(after, keyword).is_some_and(|most| most < more) {
                self.says(place, &format!("{keyword} is smaller"));
            }
        }
        if after["additionalProperties"] == false && before["additionalProperties"] != false {
            self.says(place, "other fields are refused now");
        }
        if before.get("enum").is_none() && after.get("enum").is_some() {
            self.says(place, "only some values are taken now");
        }
    }
}

/// The schemas that a request can hold.
fn requested(document: &Value) -> BTreeSet<String> {
    let bodies = members(&document["paths"]).flat_map(|(_, item)| METHODS.iter().filter_map(|method| item.get(method)));
    let mut to_visit: Vec<String> = bodies.flat_map(|operation| references(&operation["requestBody"])).collect();
    let mut visited = BTreeSet::new();
    while let Some(name) = to_visit.pop() {
        if visited.insert(name.clone()) {
            to_visit.extend(references(&document["components"]["schemas"][&name]));
        }
    }
    visited
}

fn references(json: &Value) -> Vec<String> {
    match json {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(address) if key == "$ref" => address.rsplit('/').next().map(str::to_owned).into_iter().collect(),
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
