//! Recognises a file by its content, so that a message can name the document that was given in place of the wanted one.

use std::path::Path;

use serde_json::Value;

/// The documents that the command and the service read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    Cluster,
    Request,
    /// A request that names a stored model or cluster.
    JobRequest,
    Placement,
    Explanation,
    Job,
    /// A model as the service returns it.
    StoredModel,
    /// A cluster as the service returns it.
    StoredCluster,
}

impl Kind {
    /// Returns the kind that a document looks like, or `None` if it looks like none of them.
    pub(super) fn of(document: &Value) -> Option<Self> {
        let has = |name: &str| document.get(name).is_some();
        let holds = |name: &str, member: &str| document.get(name).is_some_and(|inner| inner.get(member).is_some());
        let kinds = [
            (holds("placement", "status") || (has("status") && has("solver_version")), Self::Placement),
            (has("binding") && has("upgrades"), Self::Explanation),
            (has("request") || (has("model") && has("cluster")), Self::Request),
            (has("model_id") && has("cluster_id") && has("status"), Self::Job),
            (has("model_id") || has("cluster_id"), Self::JobRequest),
            (holds("profile", "layers"), Self::StoredModel),
            (holds("inventory", "nodes"), Self::StoredCluster),
            (has("layers"), Self::Model),
            (has("nodes"), Self::Cluster),
            (has("pipelines") || has("stages"), Self::Placement),
        ];
        kinds.into_iter().find_map(|(looks_so, kind)| looks_so.then_some(kind))
    }

    /// Returns the kind's name for messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Model => "a model profile",
            Self::Cluster => "a cluster inventory",
            Self::Request => "a request",
            Self::JobRequest => "a request that names what a service has stored",
            Self::Placement => "a placement document",
            Self::Explanation => "an explanation",
            Self::Job => "a job",
            Self::StoredModel => "a stored model",
            Self::StoredCluster => "a stored cluster",
        }
    }

    /// Returns how to use a document of this kind.
    fn advice(self) -> &'static str {
        match self {
            Self::Model => "give it as --model",
            Self::Cluster => "give it as --cluster",
            Self::Request => "give it as --request",
            Self::JobRequest => "post it to the service, or put model and cluster into it and give it as --request",
            Self::Placement => "give it as --base or --occupied-by",
            Self::Explanation => "leave it out; --explain makes one",
            Self::Job => "give the placement that it made as --base or --occupied-by",
            Self::StoredModel => "give what its member `profile` holds as --model",
            Self::StoredCluster => "give what its member `inventory` holds as --cluster",
        }
    }
}

/// Returns a message if the document is recognised as another kind than the wanted one.
pub(super) fn misplaced(file: &Path, document: &Value, wanted: Kind) -> Option<String> {
    let found = Kind::of(document).filter(|&found| found != wanted)?;
    Some(format!("{} is {}, not {}: {}", file.display(), found.name(), wanted.name(), found.advice()))
}

/// Returns a message if the profile and the inventory are swapped.
pub(super) fn swapped(model_file: &Path, model: &Value, cluster: &Value) -> Option<String> {
    let is_swapped = Kind::of(model) == Some(Kind::Cluster) && Kind::of(cluster) == Some(Kind::Model);
    let file = model_file.display();
    is_swapped.then(|| format!("{file} is a cluster inventory, not a model profile: swap --model and --cluster"))
}

/// Returns `true` if a file is an ONNX model. Its first bytes are the field `ir_version` of the protobuf message and
/// the tag of a later field. JSON does not begin with these bytes.
pub(super) fn is_onnx(file: &Path, content: &[u8]) -> bool {
    /// The tags of `producer_name` and the fields up to `graph`, of `opset_import` and of `metadata_props`.
    const TAGS: [u8; 8] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72];
    let by_content = matches!(content, [0x08, 1..=0x7f, tag, ..] if TAGS.contains(tag));
    by_content || file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_known_by_its_members() {
        let kinds = [
            (json!({"name": "m", "layers": []}), Some(Kind::Model)),
            (json!({"name": "c", "nodes": []}), Some(Kind::Cluster)),
            (json!({"model": {}, "cluster": {}}), Some(Kind::Request)),
            (json!({"name": "x", "request": {}}), Some(Kind::Request)),
            (json!({"model_id": "mdl_1", "cluster": {}}), Some(Kind::JobRequest)),
            (json!({"id": "job_1", "status": "queued", "model_id": "m", "cluster_id": "c"}), Some(Kind::Job)),
            (json!({"status": "optimal", "solver_version": "0", "pipelines": []}), Some(Kind::Placement)),
            (json!({"id": "plc_1", "model_id": "m", "placement": {"status": "optimal"}}), Some(Kind::Placement)),
            (json!({"pipelines": []}), Some(Kind::Placement)),
            (json!({"stages": []}), Some(Kind::Placement)),
            (json!({"status": "optimal", "binding": [], "upgrades": []}), Some(Kind::Explanation)),
            (json!({"id": "mdl_1", "profile": {"layers": []}}), Some(Kind::StoredModel)),
            (json!({"id": "cls_1", "nodes": 2, "inventory": {"nodes": []}}), Some(Kind::StoredCluster)),
            (json!({"name": "m"}), None),
            (json!([1]), None),
        ];
        for (document, kind) in kinds {
            assert_eq!(Kind::of(&document), kind, "{document}");
        }
    }

    #[test]
    fn onnx_is_known_by_content_or_by_name() {
        assert!(is_onnx(Path::new("model.bin"), b"\x08\x07\x12\x07pytorch"));
        assert!(is_onnx(Path::new("model.ONNX"), b""));
        assert!(!is_onnx(Path::new("model.json"), b"{\"name\": 1"));
        assert!(!is_onnx(Path::new("model.json"), b""));
    }
}
