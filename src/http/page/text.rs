//! Figures and times as texts, and texts in addresses.

use jiff::Timestamp;

pub(super) use cutpoint_export::units::{bytes_text, counted, percent_text, rate_text, seconds_text};

/// Returns a text as a part of an address: everything but letters, digits and `-_.~` is encoded (RFC 3986).
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Returns a text with a full stop and a large first letter, unless it begins with a name such as `memory_bytes`.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let is_name = text.split(' ').next().is_some_and(|first| first.contains(['_', '/', '=']));
    let mut characters = text.chars();
    match characters.next() {
        Some(_) if is_name => format!("{text}."),
        Some(first) => first.to_uppercase().chain(characters).chain(['.']).collect(),
        None => String::new(),
    }
}

/// Returns a number with a decimal prefix and three digits: `1.2 G`.
pub(super) fn amount_text(amount: f64) -> String {
    const PREFIXES: [&str; 6] = ["", "k", "M", "G", "T", "P"];
    let mut rest = amount;
    let mut prefix = 0;
    while rest >= 999.5 && prefix + 1 < PREFIXES.len() {
        rest /= 1000.0;
        prefix += 1;
    }
    let text = rate_text(rest);
    if prefix == 0 { text } else { format!("{text} {}", PREFIXES[prefix]) }
}

/// Returns bits a second: `94 Mbit/s`.
pub(super) fn bandwidth_text(bps: f64) -> String {
    let text = amount_text(bps);
    if text.contains(' ') { format!("{text}bit/s") } else { format!("{text} bit/s") }
}

/// Returns operations: `12 GFLOP`.
pub(super) fn operations_text(flops: f64) -> String {
    let text = amount_text(flops);
    if text.contains(' ') { format!("{text}FLOP") } else { format!("{text} FLOP") }
}

/// Returns operations a second: `12 GFLOP/s`.
pub(super) fn speed_text(flops_per_s: f64) -> String {
    let text = amount_text(flops_per_s);
    if text.contains(' ') { format!("{text}FLOP/s") } else { format!("{text} FLOP/s") }
}

/// Returns a time to the minute, UTC: `2026-11-29 13:05`.
pub(super) fn time_text(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..16).map_or(text.clone(), |minute| minute.replace('T', " "))
}

/// Returns a relative gap: `1.3 %`, with as many digits as tell it from zero.
pub(super) fn gap_text(gap: f64) -> String {
    let percent = gap * 100.0;
    match percent {
        gap if gap <= 0.0 => "0 %".to_owned(),
        gap if gap < 0.01 => "less than 0.01 %".to_owned(),
        gap => format!("{} %", rate_text(gap)),
    }
}

/// Returns a factor: `1.5 ×`.
pub(super) fn factor_text(factor: f64) -> String {
    format!("{} ×", rate_text(factor))
}

/// Returns a change of seconds with its sign: `+1.2 ms`, `−3 ms`.
pub(super) fn change_text(seconds: f64) -> String {
    match seconds {
        change if change > 0.0 => format!("+{}", seconds_text(change)),
        change if change < 0.0 => format!("−{}", seconds_text(-change)),
        _ => "unchanged".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_prefixes_and_addresses_no_signs() {
        assert_eq!([0.0, 999.0, 1500.0, 3.2e9].map(amount_text), ["0", "999", "1.5 k", "3.2 G"]);
        assert_eq!(bandwidth_text(94e6), "94 Mbit/s");
        assert_eq!([speed_text(12.0), operations_text(16.6e9)], ["12 FLOP/s", "16.6 GFLOP"]);
        assert_eq!(
            ["there is none", "Über.", "", "a_b is not"].map(sentence),
            ["There is none.", "Über.", "", "a_b is not."]
        );
        assert_eq!(encoded("a/b ü?"), "a%2Fb%20%C3%BC%3F");
        assert_eq!([0.0, 0.00001, 0.125].map(gap_text), ["0 %", "less than 0.01 %", "12.5 %"]);
        assert_eq!(time_text("2026-11-29T13:05:59Z".parse().unwrap()), "2026-11-29 13:05");
        assert_eq!([0.002, -0.5, 0.0].map(change_text), ["+2 ms", "−500 ms", "unchanged"]);
    }
}
