//! The least sum, and the least sum with a different next host. Walks without cycles of two hosts
//! need both.

use crate::index::Host;

/// The least sum with its next host, and the least sum with another next host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestTwo {
    /// The least sum.
    pub least: f64,
    /// The next host of that sum; [`Host::NOWHERE`] at the end of a walk.
    pub next: Host,
    /// The least sum with another next host.
    pub other: f64,
    /// The next host of that sum.
    pub other_next: Host,
}

impl BestTwo {
    /// No sum: no walk is possible.
    pub const NONE: Self =
        Self { least: f64::INFINITY, next: Host::NOWHERE, other: f64::INFINITY, other_next: Host::NOWHERE };

    /// Adds a sum with its next host.
    #[inline]
    pub fn add(&mut self, sum: f64, next: Host) {
        if sum < self.least {
            if next != self.next {
                (self.other, self.other_next) = (self.least, self.next);
            }
            (self.least, self.next) = (sum, next);
        } else if sum < self.other && next != self.next {
            (self.other, self.other_next) = (sum, next);
        }
    }

    /// Adds `stage` plus each of the two sums of `rest`.
    #[inline]
    pub fn follow(&mut self, stage: f64, rest: &Self) {
        self.add(stage + rest.least, rest.next);
        if rest.other.is_finite() {
            self.add(stage + rest.other, rest.other_next);
        }
    }

    /// Returns the least sum whose next host is not `host`.
    #[inline]
    pub fn avoiding(&self, host: Host) -> f64 {
        if self.next == host { self.other } else { self.least }
    }

    /// Returns the least total of a sum of `self` and a sum of `other` with different next hosts.
    #[inline]
    pub fn and(&self, other: &Self) -> f64 {
        if self.next != other.next || self.next == Host::NOWHERE {
            return self.least + other.least;
        }
        (self.least + other.other).min(self.other + other.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Index;

    #[test]
    fn the_two_least_have_different_hosts() {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(Host::nth);
        let mut best_two = BestTwo::NONE;
        for (sum, host) in [(5.0, b), (3.0, c), (2.0, c), (4.0, d), (6.0, e)] {
            best_two.add(sum, host);
        }
        assert_eq!((best_two.avoiding(a), best_two.avoiding(c), best_two.avoiding(d)), (2.0, 4.0, 2.0));
        let mut behind = BestTwo::NONE;
        behind.follow(1.0, &best_two);
        assert_eq!((behind.avoiding(a), behind.avoiding(c)), (3.0, 5.0));
        let mut ends = BestTwo::NONE;
        ends.add(0.0, Host::NOWHERE);
        assert_eq!((best_two.and(&behind), best_two.and(&ends), ends.and(&ends)), (7.0, 2.0, 0.0));
        let mut alone = BestTwo::NONE;
        alone.add(1.0, c);
        assert_eq!((alone.and(&alone), alone.and(&best_two)), (f64::INFINITY, 5.0));
    }
}
