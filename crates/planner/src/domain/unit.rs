//! Limits of numbers, and numbers written for people.

use std::fmt::Display;

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1 (RFC 8259, section 6).
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Formats bytes with a binary unit and at most four significant digits: `1536` is `1.5 KiB`.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1023.5 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{} {}", trimmed(amount), UNITS[unit])
}

/// Formats seconds with a decimal unit and at most four significant digits: `0.00125` is `1.25 ms`.
pub fn seconds_text(seconds: f64) -> String {
    let (amount, unit) = match seconds {
        0.0 => (0.0, "s"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", trimmed(amount))
}

/// Formats a count with its noun: `1 node`, `2 nodes`, `0 batches`. A noun that ends in `ch` takes
/// `es`, and every other noun takes `s`.
pub fn counted(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let ending = match count.as_str() {
        "1" => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// Formats a share in percent: `0.0661` is `6.61 %`. A share above 0 is never shown as 0.
pub fn percent_text(share: f64) -> String {
    if share > 0.0 && share < 0.0005 { "under 0.1 %".to_owned() } else { format!("{} %", short_text(share * 100.0)) }
}

/// Formats a number with three significant digits, or with all digits before the point. A number
/// below 1 has at most three decimals.
pub fn short_text(number: f64) -> String {
    let decimals = match number.abs() {
        n if n >= 100.0 => 0,
        n if n >= 10.0 => 1,
        n if n >= 1.0 => 2,
        _ => 3,
    };
    without_trailing_zeros(format!("{number:.decimals$}"))
}

fn trimmed(amount: f64) -> String {
    let decimals = match amount.abs() {
        a if a >= 1000.0 => 0,
        a if a >= 100.0 => 1,
        a if a >= 10.0 => 2,
        _ => 3,
    };
    without_trailing_zeros(format!("{amount:.decimals$}"))
}

fn without_trailing_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_seconds_choose_their_unit() {
        assert_eq!(bytes_text(0), "0 B");
        assert_eq!(bytes_text(1536), "1.5 KiB");
        assert_eq!(bytes_text(4 << 30), "4 GiB");
        assert_eq!(seconds_text(0.0), "0 s");
        assert_eq!(seconds_text(0.00125), "1.25 ms");
        assert_eq!(seconds_text(2e-7), "0.2 µs");
        assert_eq!(seconds_text(1234.5), "1234 s");
    }

    #[test]
    fn a_small_share_is_not_none() {
        assert_eq!(percent_text(0.0), "0 %");
        assert_eq!(percent_text(1e-9), "under 0.1 %");
        assert_eq!(percent_text(0.0661), "6.61 %");
        assert_eq!(percent_text(1.0), "100 %");
    }

    #[test]
    fn one_is_singular_and_every_other_count_plural() {
        assert_eq!(counted(0, "node"), "0 nodes");
        assert_eq!(counted(1_u64, "node"), "1 node");
        assert_eq!(counted(11, "node"), "11 nodes");
        assert_eq!(counted("1", "batch"), "1 batch");
        assert_eq!(counted("1.84", "batch"), "1.84 batches");
    }
}
