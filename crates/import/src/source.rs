//! Where each figure of an imported document comes from.

use std::collections::BTreeMap;

use serde::Serialize;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

/// The most characters of a description in a document of Cutpoint.
const MAX_DESCRIPTION_CHARS: usize = 4096;

/// The most files that a description names for a figure.
const FILES_NAMED: usize = 3;

/// The prefix of labels that say where a figure of a node comes from.
pub(crate) const SOURCE_LABEL: &str = "source.";

/// How much a figure is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema), schema(as = ImportOrigin))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A tool has measured it.
    Measured,
    /// A file or the caller states it.
    Stated,
    /// It follows from other figures by a rule.
    Derived,
    /// It is likely, but nothing says so.
    Guessed,
    /// It was computed from measured figures of others of its kind.
    Estimated,
    /// Nothing says anything about it: what is taken where a figure is absent.
    Default,
}

impl Origin {
    /// Returns the word that documents use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Stated => "stated",
            Self::Derived => "derived",
            Self::Guessed => "guessed",
            Self::Estimated => "estimated",
            Self::Default => "default",
        }
    }
}

/// Where a figure of one or more nodes, links or layers comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The member of the document, such as `memory_bytes` or `time_s/pi-4`.
    pub figure: String,
    /// Ids of nodes or layers, or links as `a -> b`.
    pub of: Vec<String>,
    /// How much the figure is worth.
    pub origin: Origin,
    /// The program whose file it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The files, in the order in which they were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The place in the file, where all is from one place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What was done to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Source {
    pub(crate) fn new(figure: impl Into<String>, origin: Origin) -> Self {
        let figure = figure.into();
        Self { figure, of: Vec::new(), origin, tool: None, files: Vec::new(), place: None, note: None }
    }

    pub(crate) fn of(mut self, id: impl Into<String>) -> Self {
        self.of.push(id.into());
        self
    }

    pub(crate) fn of_all(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.of.extend(ids);
        self
    }

    pub(crate) fn by(mut self, tool: &str, file: &str) -> Self {
        self.tool = Some(tool.to_owned());
        self.files.push(file.to_owned());
        self
    }

    /// Names the program; files are named apart.
    pub(crate) fn with_tool(mut self, tool: &str) -> Self {
        self.tool = Some(tool.to_owned());
        self
    }

    pub(crate) fn at(mut self, place: &str) -> Self {
        self.place = Some(place.to_owned());
        self
    }

    pub(crate) fn because(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Returns the source in one line, for a label: `stated by kubernetes in nodes.json at /items/0`.
    pub(crate) fn line(&self) -> String {
        let mut line = self.origin.name().to_owned();
        if let Some(tool) = &self.tool {
            line.push_str(&format!(" by {tool}"));
        }
        if !self.files.is_empty() {
            line.push_str(&format!(" in {}", named(&self.files)));
        }
        if let Some(place) = &self.place {
            line.push_str(&format!(" at {place}"));
        }
        if let Some(note) = &self.note {
            line.push_str(&format!(": {note}"));
        }
        line
    }
}

/// How many figures of one kind there are, and the files that have them.
#[derive(Default)]
struct Figures {
    count: usize,
    files: Vec<String>,
}

/// Describes sources for the `description` of a document: how many figures of each kind, by which
/// tool, in which files.
pub(crate) fn description(sources: &[Source]) -> String {
    let mut groups: BTreeMap<(&str, Origin, Option<&str>), Figures> = BTreeMap::new();
    for source in sources {
        let figures = groups.entry((&source.figure, source.origin, source.tool.as_deref())).or_default();
        figures.count += source.of.len();
        figures
            .files
            .extend(source.files.iter().filter(|file| !figures.files.contains(file)).cloned().collect::<Vec<_>>());
    }
    let lines = groups.into_iter().map(|((figure, origin, tool), Figures { count, files })| {
        let tool = tool.map(|tool| format!(" by {tool}")).unwrap_or_default();
        let files = if files.is_empty() { String::new() } else { format!(" in {}", named(&files)) };
        format!("{figure}: {count} {}{tool}{files}", origin.name())
    });
    let text = format!("Imported. {}.", lines.collect::<Vec<_>>().join("; "));
    joined("", &text)
}

/// Describes a document for people: what was said of it before, and where its figures come from.
pub fn describe(before: &str, sources: &[Source]) -> String {
    joined(before, &description(sources))
}

/// Returns two texts, the first one shortened so that both fit into a description.
pub(crate) fn joined(before: &str, text: &str) -> String {
    let text: String = text.chars().take(MAX_DESCRIPTION_CHARS).collect();
    let left = MAX_DESCRIPTION_CHARS - text.chars().count();
    let kept: String = before.chars().take(left.saturating_sub(1)).collect();
    if kept.is_empty() { text } else { format!("{kept} {text}") }
}

/// Names a few files, and says how many more there are.
fn named(files: &[String]) -> String {
    let first = files.iter().take(FILES_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(FILES_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
