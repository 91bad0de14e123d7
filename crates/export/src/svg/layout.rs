//! Where the stages of a pipeline stand: in rows that are read like a ploughed field, so that neighbours stay beside each other.

/// Stages in a row.
const COLUMNS: usize = 4;
/// Between the drawing and its edge.
pub(super) const MARGIN: f64 = 24.0;
pub(super) const CARD: [f64; 2] = [200.0, 110.0];
/// Between two cards of a row, with the transfer between them.
pub(super) const GAP: f64 = 96.0;
/// Between two rows, with the transfer between them.
pub(super) const ROW_GAP: f64 = 84.0;
/// The least width: that of the texts at the top.
const LEAST_WIDTH: f64 = 640.0;

/// Where something stands in the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Which way a transfer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Right,
    Left,
    Down,
}

/// Returns the width of a drawing whose longest pipeline has so many places.
pub(super) fn width(places: usize) -> f64 {
    let columns = places.clamp(1, COLUMNS) as f64;
    (2.0 * MARGIN + columns * CARD[0] + (columns - 1.0) * GAP).max(LEAST_WIDTH)
}

/// Returns the height of a pipeline with so many places.
pub(super) fn height(places: usize) -> f64 {
    let rows = places.div_ceil(COLUMNS).max(1) as f64;
    rows * CARD[1] + (rows - 1.0) * ROW_GAP
}

/// Returns the upper left corner of a place, below a line.
pub(super) fn place(at: usize, top: f64) -> Place {
    let (row, column) = (at / COLUMNS, at % COLUMNS);
    let column = if row % 2 == 0 { column } else { COLUMNS - 1 - column };
    Place { x: MARGIN + column as f64 * (CARD[0] + GAP), y: top + row as f64 * (CARD[1] + ROW_GAP) }
}

/// Returns the way from a place to the next.
pub(super) fn way_after(at: usize) -> Way {
    match (at % COLUMNS == COLUMNS - 1, (at / COLUMNS) % 2) {
        (true, _) => Way::Down,
        (false, 0) => Way::Right,
        (false, _) => Way::Left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_beside_each_other_and_none_is_outside() {
        for places in 1..50 {
            let (right, bottom) = (width(places), 100.0 + height(places));
            for at in 0..places {
                let Place { x, y } = place(at, 100.0);
                assert!(x >= MARGIN && x + CARD[0] <= right - MARGIN + 0.1, "{at} of {places}");
                assert!(y >= 100.0 && y + CARD[1] <= bottom + 0.1, "{at} of {places}");
                let next = place(at + 1, 100.0);
                let step = match way_after(at) {
                    Way::Right => (CARD[0] + GAP, 0.0),
                    Way::Left => (-CARD[0] - GAP, 0.0),
                    Way::Down => (0.0, CARD[1] + ROW_GAP),
                };
                assert_eq!((next.x - x, next.y - y), step, "{at} of {places}");
            }
        }
    }
}
