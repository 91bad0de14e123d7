//! Finds the simple path on k hosts whose slowest link is fastest, by colour coding.
//!
//! Source: N. Alon, R. Yuster, U. Zwick, "Color-coding", Journal of the ACM 42(4), 1995, doi
//! 10.1145/210332.210337. Hosts get k random colours. A dynamic programme over sets of colours
//! finds a path of k different colours, which uses no host twice. A path of k hosts gets k colours
//! with probability k! / k^k > e^-k, so 2 e^k repetitions miss it with probability below e^-2. A
//! binary search over the bandwidths of the links finds the fastest slowest link.
//!
//! With at most [`DISTINCT_COLOURS`] hosts each has a colour of its own, and one repetition
//! decides. For many hosts [`MOST_WORK`] limits the repetitions, and only some of the bandwidths
//! are tried. The search is a heuristic then.
//!
//! A repetition costs O(2^k (n² / 64 + k n / 64)).

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::bits::{Bits, for_width};
use crate::index::Host;
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The most hosts to choose from for which each has a colour of its own.
pub const DISTINCT_COLOURS: usize = 12;

/// The most words that the repetitions for one bandwidth read.
const MOST_WORK: f64 = 8_000_000.0;

/// The number of repetitions is this factor times e^k.
const CONFIDENCE: f64 = 2.0;

/// The most pairs of hosts whose bandwidths the binary search considers, approximately.
const MOST_BANDWIDTHS: usize = 1 << 16;

/// The path to search for.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The host at which the path starts, if it is fixed.
    pub before: Option<Host>,
    /// The number of hosts to choose.
    pub between: usize,
    /// The host at which the path ends, if it is fixed.
    pub after: Option<Host>,
}

/// Returns hosts out of `unused` such that the slowest link of the path is as fast as was found.
/// Returns `None` if no path was found.
pub fn widest(
    instance: &Instance,
    unused: &[Host],
    path: Path,
    rng: &mut Pcg64Mcg,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<Host>>, Stopped> {
    if path.between == 0 {
        let (Some(before), Some(after)) = (path.before, path.after) else { return Ok(None) };
        return Ok(instance.link(before, after).exists().then(Vec::new));
    }
    if path.between > unused.len() {
        return Ok(None);
    }
    for_width!(unused.len(), W => PathSearch::<W>::new(instance, unused, path, rng, stop).widest(), else Ok(None))
}

struct PathSearch<'a, const W: usize> {
    instance: &'a Instance,
    unused: &'a [Host],
    path: Path,
    rng: &'a mut Pcg64Mcg,
    stop: &'a dyn Fn() -> bool,
    /// For each set of colours, the last hosts (as indices in `unused`) of paths with exactly these
    /// colours.
    reached: Vec<Bits<W, usize>>,
}

/// The links that are fast enough. Hosts are indices in `unused`.
struct FastLinks<const W: usize> {
    /// For each host, the hosts to which its links lead.
    onward: Vec<Bits<W, usize>>,
    /// The hosts at which the path may begin.
    first: Bits<W, usize>,
    /// For each number of further hops, the hosts from which a walk of that many hops reaches a
    /// host at which the path may end.
    finishing: Vec<Bits<W, usize>>,
}

impl<'a, const W: usize> PathSearch<'a, W> {
    fn new(
        instance: &'a Instance,
        unused: &'a [Host],
        path: Path,
        rng: &'a mut Pcg64Mcg,
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { instance, unused, path, rng, stop, reached: Vec::new() }
    }

    /// Searches the bandwidths by bisection. The slowest link of each path found can be faster than
    /// the bandwidth asked for, so the search goes on from that link's bandwidth.
    fn widest(mut self) -> Result<Option<Vec<Host>>, Stopped> {
        let bandwidths = self.bandwidths()?;
        let Some(mut widest) = self.with_links_of(0.0)? else { return Ok(None) };
        let rank = |bandwidth_bps: f64| bandwidths.partition_point(|&other| other <= bandwidth_bps);
        let mut reached = rank(self.slowest_bps(&widest));
        let mut unreached = bandwidths.len();
        while reached < unreached && !(self.stop)() {
            let middle = reached + (unreached - reached) / 2;
            match self.with_links_of(bandwidths[middle]) {
                Ok(Some(path)) => {
                    reached = rank(self.slowest_bps(&path));
                    widest = path;
                }
                Ok(None) => unreached = middle,
                // The path found so far is still valid.
                Err(Stopped) => break,
            }
        }
        Ok(Some(widest))
    }

    /// Returns the distinct bandwidths of the links that the path may use, in ascending order.
    /// Where there are very many pairs of hosts, only some of them are read.
    fn bandwidths(&self) -> Result<Vec<f64>, Stopped> {
        let (unused, instance) = (self.unused, self.instance);
        let stride = (unused.len() * unused.len()).div_ceil(MOST_BANDWIDTHS);
        let mut bandwidths = Vec::new();
        let mut pairs = 0_usize;
        for &from in unused.iter().chain(&self.path.before) {
            if (self.stop)() {
                return Err(Stopped);
            }
            for &to in unused.iter().chain(&self.path.after) {
                let link = instance.link(from, to);
                pairs += 1;
                if link.exists() && pairs.is_multiple_of(stride) {
                    bandwidths.push(link.bandwidth_bps);
                }
            }
        }
        bandwidths.sort_unstable_by(f64::total_cmp);
        bandwidths.dedup();
        Ok(bandwidths)
    }

    fn slowest_bps(&self, path: &[Host]) -> f64 {
        let whole: Vec<Host> = self.path.before.iter().chain(path).chain(&self.path.after).copied().collect();
        whole.windows(2).map(|ends| self.instance.link(ends[0], ends[1]).bandwidth_bps).fold(f64::INFINITY, f64::min)
    }

    /// Returns a path over links of at least this bandwidth, if one is found.
    fn with_links_of(&mut self, bandwidth_bps: f64) -> Result<Option<Vec<Host>>, Stopped> {
        let links = self.fast_links(bandwidth_bps)?;
        if !links.first.meets(&links.finishing[self.path.between - 1]) {
            return Ok(None);
        }
        let has_own = self.unused.len() <= DISTINCT_COLOURS;
        let colours = if has_own { self.unused.len() } else { self.path.between };
        let repetitions = if has_own { 1 } else { self.repetitions() };
        let mut colour_of: Vec<usize> = (0..self.unused.len()).collect();
        for _ in 0..repetitions {
            if (self.stop)() {
                return Err(Stopped);
            }
            if !has_own {
                colour_of.fill_with(|| self.rng.random_range(0..colours));
            }
            if let Some(path) = self.with_colours(&links, &colour_of, colours) {
                return Ok(Some(path.into_iter().map(|place| self.unused[place]).collect()));
            }
        }
        Ok(None)
    }

    fn repetitions(&self) -> usize {
        let by_chance = CONFIDENCE * (self.path.between as f64).exp();
        let words = (W * self.unused.len()) as f64 * 2.0_f64.powi(self.path.between as i32);
        by_chance.min(MOST_WORK / words).ceil() as usize
    }

    fn fast_links(&self, bandwidth_bps: f64) -> Result<FastLinks<W>, Stopped> {
        let is_fast = |from: Host, to: Host| {
            let link = self.instance.link(from, to);
            link.exists() && link.bandwidth_bps >= bandwidth_bps
        };
        let places = |is_in: &dyn Fn(Host) -> bool| {
            let mut bits = Bits::EMPTY;
            let inside = self.unused.iter().enumerate().filter(|&(_, &host)| is_in(host));
            inside.for_each(|(place, _)| bits.insert(place));
            bits
        };
        let mut onward: Vec<Bits<W, usize>> = Vec::with_capacity(self.unused.len());
        for &from in self.unused {
            if (self.stop)() {
                return Err(Stopped);
            }
            onward.push(places(&|host| is_fast(from, host)));
        }
        let first = places(&|host| self.path.before.is_none_or(|before| is_fast(before, host)));
        let mut finishing = vec![places(&|host| self.path.after.is_none_or(|after| is_fast(host, after)))];
        for hops in 1..self.path.between {
            let mut bits = Bits::EMPTY;
            let linked = (0..onward.len()).filter(|&place| onward[place].meets(&finishing[hops - 1]));
            linked.for_each(|place| bits.insert(place));
            finishing.push(bits);
        }
        Ok(FastLinks { onward, first, finishing })
    }

    /// Returns a path of different colours, as indices in `unused`. Sets of colours are visited in
    /// numerical order, so each comes after all its subsets.
    fn with_colours(&mut self, links: &FastLinks<W>, colour_of: &[usize], colours: usize) -> Option<Vec<usize>> {
        let between = self.path.between;
        let mut coloured = vec![Bits::EMPTY; colours];
        for (place, &colour) in colour_of.iter().enumerate() {
            coloured[colour].insert(place);
        }
        self.reached.clear();
        self.reached.resize(1 << colours, Bits::EMPTY);
        let first = links.first.and(&links.finishing[between - 1]);
        for (colour, coloured) in coloured.iter().enumerate() {
            self.reached[1 << colour] = first.and(coloured);
        }
        for set in 1_usize..1 << colours {
            let visited = set.count_ones() as usize;
            let lasts = self.reached[set];
            if visited > between || lasts.is_empty() {
                continue;
            }
            if visited == between {
                return self.path_to(links, colour_of, set, lasts.iter().next()?);
            }
            let onward = lasts.iter().fold(Bits::EMPTY, |onward, place| links.onward[place].or(&onward));
            let onward = onward.and(&links.finishing[between - visited - 1]);
            for (colour, coloured) in coloured.iter().enumerate().filter(|(colour, _)| set >> colour & 1 == 0) {
                let grown = set | 1 << colour;
                self.reached[grown] = self.reached[grown].or(&onward.and(coloured));
            }
        }
        None
    }

    /// Reads the path back from its last host: each step removes one colour from the set.
    fn path_to(&self, links: &FastLinks<W>, colour_of: &[usize], set: usize, last: usize) -> Option<Vec<usize>> {
        let mut path = vec![last];
        let (mut set, mut at) = (set, last);
        while path.len() < self.path.between {
            set &= !(1 << colour_of[at]);
            at = self.reached[set].iter().find(|&place| links.onward[place].contains(at))?;
            path.push(at);
        }
        path.reverse();
        Some(path)
    }
}
