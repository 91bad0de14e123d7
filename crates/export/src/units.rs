//! Amounts in few characters, for drawings and pages.

/// Returns bytes with a binary unit and three significant digits: `1.5 KiB`.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(amount), UNITS[unit])
}

/// Returns seconds with a decimal unit and three significant digits: `1.25 ms`.
pub fn seconds_text(seconds: f64) -> String {
    let (amount, unit) = match seconds {
        s if s <= 0.0 => (0.0, "s"),
        s if s < 0.999_5e-6 => (s * 1e9, "ns"),
        s if s < 0.999_5e-3 => (s * 1e6, "µs"),
        s if s < 0.999_5 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    if amount >= 1e6 { format!("{amount:.1e} {unit}") } else { format!("{} {unit}", three_digits(amount)) }
}

/// Returns a share in percent without decimals, at most `999 %`.
pub fn percent_text(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).clamp(0.0, 999.0))
}

/// Returns a rate with three significant digits.
pub fn rate_text(rate: f64) -> String {
    if rate >= 1e6 { format!("{rate:.1e}") } else { three_digits(rate) }
}

/// Returns a count with its noun: `1 layer`, `2 layers`.
pub fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

fn three_digits(amount: f64) -> String {
    let decimals = match amount {
        a if a >= 99.95 => 0,
        a if a >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{amount:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_choose_their_unit_and_stay_short() {
        assert_eq!(
            [0, 1, 999, 1000, 1536, 4 << 30].map(bytes_text),
            ["0 B", "1 B", "999 B", "0.98 KiB", "1.5 KiB", "4 GiB"]
        );
        assert_eq!(
            [0.0, 1e-9, 0.000_999_9, 0.542_116, 1234.5].map(seconds_text),
            ["0 s", "1 ns", "1 ms", "542 ms", "1234 s"]
        );
        assert_eq!([0.0, 0.004, 0.996, 1.0, 1e9].map(percent_text), ["0 %", "0 %", "100 %", "100 %", "999 %"]);
        for exponent in -12..=12 {
            let amount = 1.23456 * 10_f64.powi(exponent);
            assert!(seconds_text(amount).chars().count() <= 9, "{}", seconds_text(amount));
            assert!(rate_text(amount).len() <= 7, "{}", rate_text(amount));
        }
    }
}
