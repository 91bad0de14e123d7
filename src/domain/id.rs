//! Identifiers of stored resources: a prefix for the kind, and a UUIDv7 (RFC 9562) that sorts by time.

use serde::Serialize;
use uuid::Uuid;

/// The kind of a stored resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// A registered model profile, `mdl_`.
    Model,
    /// A registered cluster inventory, `cls_`.
    Cluster,
    /// A planning job, `job_`.
    Job,
    /// A stored placement, `plc_`.
    Placement,
    /// An API key, `key_`.
    Key,
    /// A webhook, `whk_`.
    Webhook,
    /// A message to webhooks, `msg_`: one event, however often it is delivered.
    Message,
    /// What the runners of a placement measured, `msr_`.
    Measurement,
    /// A deployment, `dpl_`.
    Deployment,
    /// An entry of a deployment's history. It has a number and no id.
    HistoryEntry,
}

impl IdKind {
    /// Returns what ids of this kind name, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Cluster => "cluster",
            Self::Job => "job",
            Self::Placement => "placement",
            Self::Key => "key",
            Self::Webhook => "webhook",
            Self::Message => "message",
            Self::Measurement => "measurement",
            Self::Deployment => "deployment",
            Self::HistoryEntry => "history entry",
        }
    }

    /// Returns the prefix with its underscore.
    pub fn prefix(self) -> &'static str {
        match self {
            IdKind::Model => "mdl_",
            IdKind::Cluster => "cls_",
            IdKind::Job => "job_",
            IdKind::Placement => "plc_",
            IdKind::Key => "key_",
            IdKind::Webhook => "whk_",
            IdKind::Message => "msg_",
            IdKind::Measurement => "msr_",
            IdKind::Deployment => "dpl_",
            IdKind::HistoryEntry => "hst_",
        }
    }
}

/// The identifier of a stored resource, such as `job_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// Creates the identifier of this kind with this number.
    pub fn new(kind: IdKind, uuid: Uuid) -> Self {
        Self(format!("{}{uuid}", kind.prefix()))
    }

    /// Parses an identifier of this kind. Returns `None` for any other text.
    pub fn parse(kind: IdKind, text: &str) -> Option<Self> {
        let number = text.strip_prefix(kind.prefix())?;
        let uuid = Uuid::try_parse(number).ok()?;
        (uuid.hyphenated().to_string() == number).then(|| Self(text.to_owned()))
    }

    /// Parses an identifier of any of these kinds.
    pub fn parse_any(kinds: &[IdKind], text: &str) -> Option<Self> {
        kinds.iter().find_map(|kind| Self::parse(*kind, text))
    }

    /// Returns the whole text with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const KINDS: [IdKind; 4] = [IdKind::Placement, IdKind::Deployment, IdKind::Job, IdKind::Measurement];
        let text = String::deserialize(deserializer)?;
        Self::parse_any(&KINDS, &text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no id")))
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_text_is_an_id() {
        let id = Id::new(IdKind::Job, Uuid::nil());
        assert_eq!(Id::parse(IdKind::Job, id.as_str()), Some(id.clone()));
        assert_eq!(Id::parse(IdKind::Model, id.as_str()), None);
        assert_eq!(Id::parse(IdKind::Job, "job_"), None);
        assert_eq!(Id::parse(IdKind::Job, "job_00000000000000000000000000000000"), None);
    }
}
