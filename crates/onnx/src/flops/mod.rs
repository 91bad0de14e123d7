//! The operations of an operator for one pass: two for a multiply-add. `docs/onnx.md` has the table.

mod elementwise;
mod formulas;

use crate::shapes::{Call, Fact};

/// The operations of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A rule says how many.
    Counted(u64),
    /// There is no rule: as many as the outputs have elements.
    Elements(u64),
}

/// Returns the operations of an operator. Numbers that are too large become the largest.
pub(crate) fn work(call: &Call, outputs: &[Fact]) -> Work {
    let is_known = matches!(call.domain, "" | "com.microsoft" | "com.microsoft.nchwc");
    let counted = if is_known { counted(call, outputs) } else { None };
    let elements = || outputs.iter().filter_map(Fact::elements).map(u128::from).sum();
    counted.map_or_else(|| Work::Elements(clamped(elements())), |work| Work::Counted(clamped(work)))
}

fn counted(call: &Call, outputs: &[Fact]) -> Option<u128> {
    match elementwise::for_each_element(call.operator) {
        Some(0) => Some(0),
        Some(each) => Some(u128::from(each) * u128::from(outputs.first()?.elements()?)),
        None => formulas::counted(call, outputs),
    }
}

fn clamped(work: u128) -> u64 {
    u64::try_from(work).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::elementwise::TABLE;

    const TABLE_OF_THE_DOCUMENTATION: &str = include_str!("../../../../docs/onnx.md");

    #[test]
    fn the_documentation_has_each_row() {
        for (each, operators) in TABLE {
            let operations = if each == 0 { "0".to_owned() } else { format!("{each} n") };
            let row = format!("| {} | {operations} |", operators.join(", "));
            assert!(TABLE_OF_THE_DOCUMENTATION.contains(&row), "docs/onnx.md lacks: {row}");
        }
    }
}
