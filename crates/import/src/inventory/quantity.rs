//! Quantities of Kubernetes, such as `3948464Ki`.

use crate::input::MAX_SAFE_INTEGER;

/// The suffixes, each with numerator and denominator of its unit.
const SUFFIXES: [(&str, u128, u128); 16] = [
    ("Ki", 1 << 10, 1),
    ("Mi", 1 << 20, 1),
    ("Gi", 1 << 30, 1),
    ("Ti", 1 << 40, 1),
    ("Pi", 1 << 50, 1),
    ("Ei", 1 << 60, 1),
    ("n", 1, 1_000_000_000),
    ("u", 1, 1_000_000),
    ("m", 1, 1_000),
    ("k", 1_000, 1),
    ("M", 1_000_000, 1),
    ("G", 1_000_000_000, 1),
    ("T", 1_000_000_000_000, 1),
    ("P", 1_000_000_000_000_000, 1),
    ("E", 1_000_000_000_000_000_000, 1),
    ("", 1, 1),
];

/// The most digits of a quantity, so that no product overflows.
const MAX_DIGITS: usize = 18;

/// Reads a quantity as whole bytes, rounded down. Returns `None` for a text that is no quantity, a
/// negative one, and more than 2^53 − 1 bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    let is_number = !digits.is_empty() && digits.len() <= MAX_DIGITS && !fraction.contains('.');
    let digits: u128 = is_number.then(|| digits.parse().ok()).flatten()?;
    let decimals = 10_u128.checked_pow(fraction.len().try_into().ok()?)?;
    let (above, below) = unit(suffix)?;
    let bytes = digits.checked_mul(above)? / decimals.checked_mul(below)?;
    u64::try_from(bytes).ok().filter(|&bytes| bytes <= MAX_SAFE_INTEGER)
}

/// Returns numerator and denominator of a unit: a suffix, or a decimal exponent such as `e3`.
fn unit(suffix: &str) -> Option<(u128, u128)> {
    if let Some(&(_, above, below)) = SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        return Some((above, below));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs()).filter(|_| exponent.abs() <= MAX_DIGITS as i32)?;
    Some(if exponent < 0 { (1, power) } else { (power, 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_exactly() {
        for (text, expected) in [
            ("3948464Ki", Some(3_948_464 * 1024)),
            ("8Gi", Some(8 << 30)),
            ("1.5Gi", Some(3 << 29)),
            ("4G", Some(4_000_000_000)),
            ("129e6", Some(129_000_000)),
            ("12E2", Some(1200)),
            ("1500m", Some(1)),
            ("4147200", Some(4_147_200)),
            ("+1k", Some(1000)),
            ("0", Some(0)),
            ("9Pi", None),
            ("99999999999999999999Ki", None),
            ("1e400", None),
            ("-1", None),
            ("", None),
            ("Ki", None),
            ("1.2.3", None),
            ("1KB", None),
            ("1 Gi", None),
        ] {
            assert_eq!(bytes(text), expected, "{text:?}");
        }
    }
}
