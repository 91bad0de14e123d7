//! Reads what was entered into the form, and makes the request of it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Multipart;
use axum::extract::multipart::Field as Part;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use futures::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};

use super::fields::{FIELDS, Kind};
use crate::http::page::parts::str_of;
use crate::http::page::text::encoded;
use crate::http::page::visitor::{self, Visitor};
use crate::http::problem::{Problem, ProblemType};

/// The most bytes of a text.
pub(in crate::http::page) const MOST_TEXT: usize = 64 * 1024;

/// What was entered.
#[derive(Default)]
pub(super) struct Entered {
    /// The texts of fields by their names.
    pub(super) texts: BTreeMap<String, String>,
    /// Documents of files, which are sent with the request.
    documents: BTreeMap<&'static str, Value>,
}

impl Entered {
    /// Returns the request. A text that is no number stays a text, which the API refuses at its place.
    pub(super) fn request(&self) -> Value {
        let mut request = Map::new();
        for kind in ["model", "cluster"] {
            if let Some(document) = self.documents.get(kind) {
                request.insert(kind.to_owned(), document.clone());
            } else if let Some(id) = self.texts.get(&format!("{kind}_id")).filter(|id| !id.is_empty()) {
                request.insert(format!("{kind}_id"), json!(id));
            }
        }
        for field in &FIELDS {
            let Some(text) = self.texts.get(field.name).map(|text| text.trim()).filter(|text| !text.is_empty()) else {
                continue;
            };
            let value = value(field.kind, text);
            match field.name.split_once('.') {
                Some((group, member)) => request.entry(group).or_insert_with(|| json!({}))[member] = value,
                None => drop(request.insert(field.name.to_owned(), value)),
            }
        }
        Value::Object(request)
    }
}

fn value(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Choice(_) | Kind::Text => json!(text),
        Kind::Number => serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| json!(text)),
        Kind::List => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
        // What has no arrow is a pin without a node, which the API refuses at its place.
        Kind::Pins => lines(text, |line| match line.rsplit_once("->") {
            Some((layer, node)) => json!({"layer_id": layer.trim(), "node_id": node.trim()}),
            None => json!({"layer_id": line}),
        }),
        Kind::Groups => {
            let layers = |line: &str| line.split(',').map(str::trim).filter(|it| !it.is_empty()).collect::<Value>();
            lines(text, |line| json!({"layer_ids": layers(line)}))
        }
        Kind::Pairs => {
            let pairs = text.split(',').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            Value::Object(pairs.map(|(name, value)| (name.trim().to_owned(), json!(value.trim()))).collect())
        }
    }
}

/// Reads each line that is not empty.
fn lines(text: &str, read: impl Fn(&str) -> Value) -> Value {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(read).collect()
}

/// Reads the parts of the form. An ONNX file is imported while it arrives, so that it may be large.
///
/// # Errors
/// The form breaks off, a part is too large, or a file cannot be read.
pub(super) async fn entered(visitor: &Visitor, mut parts: Multipart) -> Result<Entered, Problem> {
    let mut entered = Entered::default();
    let broken = |_| Problem::malformed_body(Vec::new()).with_detail("the form broke off");
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let kind = match name.as_str() {
            "model_file" => "model",
            "cluster_file" => "cluster",
            name if is_text(name) => {
                let text = read_whole(part, Vec::new(), MOST_TEXT).await?;
                entered.texts.insert(name.to_owned(), String::from_utf8_lossy(&text).into_owned());
                continue;
            }
            _ => continue,
        };
        if part.file_name().is_some_and(|file| !file.is_empty()) {
            read_file(visitor, &mut entered, kind, part).await?;
        }
    }
    Ok(entered)
}

/// Returns `true` if the form has a text of this name.
fn is_text(name: &str) -> bool {
    matches!(name, "model_id" | "cluster_id" | "action" | "dim") || FIELDS.iter().any(|field| field.name == name)
}

async fn read_file(
    visitor: &Visitor,
    entered: &mut Entered,
    kind: &'static str,
    mut part: Part<'_>,
) -> Result<(), Problem> {
    let broken = |_| Problem::malformed_body(Vec::new()).with_detail("the file broke off");
    let Some(first) = part.chunk().await.map_err(broken)? else { return Ok(()) };
    let is_json = first.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'{');
    if kind == "model" && !is_json {
        let id =
            import_model(visitor, ("onnx", entered.texts.get("dim").map_or("", String::as_str)), first.into(), part)
                .await?;
        entered.texts.insert("model_id".to_owned(), id);
        return Ok(());
    }
    let bytes = read_whole(part, first.into(), visitor.api.limits.body_bytes).await?;
    let document = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(ProblemType::MalformedBody, format!("the file of the {kind} is not JSON: {error}"))
    })?;
    entered.documents.insert(kind, document);
    Ok(())
}

/// Returns a part of a form, with the bytes that were already read in front.
///
/// # Errors
/// The form breaks off, or the part is too large.
pub(in crate::http::page) async fn read_whole(
    mut part: Part<'_>,
    mut bytes: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, Problem> {
    let broken = |_| Problem::malformed_body(Vec::new()).with_detail("the form broke off");
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::new(ProblemType::BodyTooLarge, format!("it may have {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Passes the file of a model on to the import while it arrives, with dimensions that its input leaves open, as `name=number` with
/// commas between. Returns the id of the model.
///
/// # Errors
/// The API's problem.
pub(in crate::http::page) async fn import_model(
    visitor: &Visitor,
    (format, dimensions): (&str, &str),
    first: Vec<u8>,
    mut part: Part<'_>,
) -> Result<String, Problem> {
    let (mut sender, receiver) = futures::channel::mpsc::channel::<Result<Vec<u8>, axum::Error>>(2);
    let pump = async move {
        let mut next = Some(Ok(first));
        while let Some(chunk) = next {
            // The import may have ended early.
            if sender.send(chunk).await.is_err() {
                break;
            }
            next = match part.chunk().await {
                Ok(chunk) => chunk.map(|chunk| Ok(chunk.to_vec())),
                Err(error) => Some(Err(axum::Error::new(error))),
            };
        }
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let body = Body::from_stream(receiver.map(|chunk| chunk));
    let mut path = format!("/v1/models/import?format={format}");
    for dimension in dimensions.split(',').map(str::trim).filter(|dimension| !dimension.is_empty()) {
        path.push_str("&dim=");
        path.push_str(&encoded(dimension));
    }
    let import = visitor.send(Method::POST, &path, headers, body);
    let (answer, ()) = futures::join!(import, pump);
    let model: Value = visitor::json(answer?).await?;
    Ok(str_of(&model, "id").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_a_request() {
        let pairs = [
            ("model_id", "mdl_1"),
            ("objective.kind", "min_nodes"),
            ("objective.target_period_s", "0.5"),
            ("constraints.max_stages", "three"),
            ("constraints.exclude_nodes", "a, b,"),
            ("constraints.node_selector", "site=hall"),
            ("cost_model.memory", ""),
            ("constraints.pins", "conv -> a\r\n\r\ndense"),
            ("constraints.colocate", "conv, dense\nx"),
            ("occupied_by", "plc_1, plc_2"),
            ("max_period_ratio", "1.5"),
            ("labels", "who=me"),
        ];
        let texts = pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let entered = Entered { texts, ..Entered::default() };
        assert_eq!(
            entered.request(),
            json!({
                "model_id": "mdl_1",
                "objective": {"kind": "min_nodes", "target_period_s": 0.5},
                "constraints": {"max_stages": "three", "exclude_nodes": ["a", "b"], "node_selector": {"site": "hall"},
                    "pins": [{"layer_id": "conv", "node_id": "a"}, {"layer_id": "dense"}],
                    "colocate": [{"layer_ids": ["conv", "dense"]}, {"layer_ids": ["x"]}]},
                "occupied_by": ["plc_1", "plc_2"],
                "max_period_ratio": 1.5,
                "labels": {"who": "me"},
            })
        );
    }
}
