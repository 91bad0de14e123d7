//! The schedule of retries: over a day and with jitter, as Standard Webhooks suggests.

use std::time::Duration;

/// The delays between attempts, a day in total. There is one more attempt than there are delays.
pub const DELAYS_S: [u64; 8] = [5, 5 * 60, 30 * 60, 2 * 3600, 4 * 3600, 5 * 3600, 6 * 3600, 7 * 3600];

/// The jitter, as a share of the delay. It spreads the retries of deliveries that failed together.
pub const JITTER: f64 = 0.2;

/// The longest `Retry-After` that is respected.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(12 * 3600);

/// Returns the delay after attempt `try_number`, counted from 1, or `None` after the last. `chance` is a random number
/// from 0 to
/// 1. A longer `Retry-After` is respected up to [`LONGEST_RETRY_AFTER`].
pub fn delay(try_number: u64, chance: f64, retry_after: Option<Duration>) -> Option<Duration> {
    let place = usize::try_from(try_number.checked_sub(1)?).ok()?;
    let delay_s = *DELAYS_S.get(place)? as f64;
    let factor = 1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
    let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
    Some(Duration::from_secs_f64(delay_s * factor).max(asked))
}

/// Converts 8 random bytes to a number from 0 to 1, inclusive.
pub fn chance(bytes: [u8; 8]) -> f64 {
    u64::from_le_bytes(bytes) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_attempts_take_a_day() {
        let delays: Vec<Duration> = (1..).map_while(|number| delay(number, 0.5, None)).collect();
        assert_eq!(delays.len(), DELAYS_S.len());
        assert!(delays.windows(2).all(|pair| pair[0] < pair[1]));
        let total_h = delays.iter().sum::<Duration>().as_secs_f64() / 3600.0;
        assert!((24.0..25.0).contains(&total_h), "{total_h} h");
        assert_eq!(delay(0, 0.5, None), None);
        assert_eq!(delay(DELAYS_S.len() as u64 + 1, 0.5, None), None);
    }

    #[test]
    fn chance_spreads_each_delay_by_a_fifth() {
        assert_eq!(delay(1, 0.0, None), Some(Duration::from_secs(4)));
        assert_eq!(delay(1, 1.0, None), Some(Duration::from_secs(6)));
        assert_eq!((chance([0; 8]), chance([255; 8])), (0.0, 1.0));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_not_for_less_or_for_ever() {
        let asked = |seconds| delay(2, 0.5, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(1), Some(Duration::from_secs(300)));
        assert_eq!(asked(1000), Some(Duration::from_secs(1000)));
        assert_eq!(asked(u64::MAX), Some(LONGEST_RETRY_AFTER));
    }

    proptest! {
        #[test]
        fn every_delay_is_near_its_own(number in 1_u64..=8, bytes: [u8; 8]) {
            let own = DELAYS_S[number as usize - 1] as f64;
            let drawn = delay(number, chance(bytes), None).unwrap().as_secs_f64();
            prop_assert!((0.8 * own - 1e-6..=1.2 * own + 1e-6).contains(&drawn));
        }
    }
}
