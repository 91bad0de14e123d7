//! Markdown tables, and the texts of their cells.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::unit::seconds_text;

/// A heading and rows. The first column is aligned to the left, the others to the right.
pub(super) struct Table {
    lines: Vec<String>,
}

impl Table {
    pub(super) fn new<const N: usize>(heading: [&str; N]) -> Self {
        let rule = format!("|---|{}", "--:|".repeat(N - 1));
        Self { lines: vec![format!("| {} |", heading.join(" | ")), rule] }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.lines.push(format!("| {} |", cells.join(" | ")));
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

pub(super) fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

pub(super) fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), seconds_text)
}

pub(super) fn share(part: usize, whole: usize) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.0} %", 100.0 * part as f64 / whole as f64) }
}
