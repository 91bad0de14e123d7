//! The media that two transfers of one placement may use at once.
//!
//! Most media need no sum: a full-duplex port of a node that is no end carries one transfer of a placement at most. Of the
//! others, one that only the transfers to and from one host use is that host's own; the rest are summed along the whole
//! pipeline. A search looks at few of these at a time: those that have been found to be too busy.

use std::sync::{Arc, RwLock};

use rustc_hash::FxHashMap;

use super::cost::{Assignment, ROUNDING};
use super::links::{Links, MOST_WIDEST};
use super::routes::{Medium, Routes};
use super::stopped::Stopped;
use crate::index::{Grid, Host, Index, IndexVec, Position};

/// The most media that a search sums at a time.
pub const MOST_IN_PLAY: usize = 4;

/// The most media of a relaxation in which hosts pass on what comes in.
const MOST_PASSED_ON: usize = 8;

/// A medium, as an index into the list of those that are shared.
type SharedIndex = usize;

/// A medium that a transfer occupies, with the bit rate that its turns come to.
type Use = (SharedIndex, f64);

/// A medium that a search sums.
#[derive(Debug)]
pub struct InPlay {
    medium: SharedIndex,
    /// Bits per second of each hop, by sender and receiver; infinite where it does not use the medium.
    pub hop_bps: Grid<Host, Host, f64>,
    /// Bits per second of the input's transfer to each host.
    pub input_bps: IndexVec<Host, f64>,
    /// Bits per second of the output's transfer from each host.
    pub output_bps: IndexVec<Host, f64>,
}

/// Bits per second of each host's own medium: infinite where there is none.
#[derive(Debug)]
pub struct OwnMedia {
    /// On the sender's, by sender and receiver.
    pub sent_bps: Grid<Host, Host, f64>,
    /// On the receiver's, by sender and receiver.
    pub received_bps: Grid<Host, Host, f64>,
    /// On that of the host that receives the input.
    pub input_bps: IndexVec<Host, f64>,
    /// On that of the host that sends the output.
    pub output_bps: IndexVec<Host, f64>,
}

/// All media that two transfers may use.
#[derive(Debug)]
pub struct SharedMedia {
    media: Vec<Medium>,
    /// For each directed pair of hosts its first use, and behind all pairs the number of uses.
    offsets: Vec<u32>,
    uses: Vec<Use>,
    input: IndexVec<Host, Vec<Use>>,
    output: IndexVec<Host, Vec<Use>>,
    /// The media that each host has to itself.
    pub own: Option<OwnMedia>,
    is_own: Vec<bool>,
    carries_few: bool,
    in_play: RwLock<Arc<Vec<Arc<InPlay>>>>,
}

/// None, one or several hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Who {
    #[default]
    Nobody,
    One(Host),
    Several,
}

impl Who {
    fn add(&mut self, host: Host) {
        *self = match *self {
            Self::Nobody => Self::One(host),
            Self::One(other) if other == host => Self::One(host),
            _ => Self::Several,
        };
    }

    fn is_at_most(self, host: Host) -> bool {
        self == Self::Nobody || self == Self::One(host)
    }
}

/// Which transfers may use a medium.
#[derive(Debug, Default)]
struct Users {
    senders: Who,
    receivers: Who,
    /// The hosts that all hops on it have in common, the first two where there is no hop yet.
    at_every_hop: Option<[Option<Host>; 2]>,
    input: Who,
    output: Who,
}

/// What a medium means for a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// One transfer at most uses it.
    Single,
    /// Only the transfers to and from this host use it.
    Own(Host),
    /// Transfers of several hosts use it; `few` are two at most.
    Common { few: bool },
}

impl Users {
    fn add_hop(&mut self, from: Host, to: Host) {
        self.senders.add(from);
        self.receivers.add(to);
        let both = [Some(from), Some(to)];
        let known = self.at_every_hop.unwrap_or(both);
        self.at_every_hop = Some(known.map(|host| host.filter(|_| both.contains(&host))));
    }

    /// What its users can do at the same time. Each host sends one hop and receives one, or has the input or the output in
    /// its place.
    fn sharing(&self, is_pair: bool, ends: Ends) -> Sharing {
        let both_ends = self.input != Who::Nobody && self.output != Who::Nobody;
        if is_pair {
            return if both_ends { Sharing::Common { few: true } } else { Sharing::Single };
        }
        let at_every_hop: Vec<Host> = self.at_every_hop.unwrap_or_default().into_iter().flatten().collect();
        let several_hops = self.senders == Who::Several && self.receivers == Who::Several && at_every_hop.len() < 2;
        let own = match at_every_hop[..] {
            [host] if self.input.is_at_most(host) && self.output.is_at_most(host) => Some(host),
            _ => None,
        };
        if let Some(host) = own.filter(|_| several_hops) {
            return Sharing::Own(host);
        }
        // Hosts of several pipelines receive inputs or send outputs at once. Two hops on a medium of this kind are of one
        // pipeline, since no two pipelines have a host in common.
        let of_several = ends.of_several && (self.input == Who::Several || self.output == Who::Several);
        let has_hop = self.senders != Who::Nobody;
        let in_place_of_hop = |end: Who, hop: Who| matches!((end, hop), (Who::One(a), Who::One(b)) if a == b);
        let with_input = has_hop && self.input != Who::Nobody && !in_place_of_hop(self.input, self.receivers);
        let with_output = has_hop && self.output != Who::Nobody && !in_place_of_hop(self.output, self.senders);
        if several_hops || of_several {
            return Sharing::Common { few: at_every_hop.len() == 1 && !ends.of_several };
        }
        if with_input || with_output || both_ends { Sharing::Common { few: true } } else { Sharing::Single }
    }
}

/// What of the ends is a node of the inventory.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Where inputs come from.
    pub source: Option<usize>,
    /// Where outputs are wanted.
    pub sink: Option<usize>,
    /// Whether several pipelines may have these ends in common.
    pub of_several: bool,
}

impl SharedMedia {
    /// The media that two transfers may use; `None` where there are none. `counts` says which media are summed at all.
    pub fn new(
        routes: &Routes<'_>,
        hosts: &IndexVec<Host, usize>,
        ends: Ends,
        counts: impl Fn(Medium) -> bool,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, Stopped> {
        let is_pair = |medium: Medium| routes.media.is_pair(medium);
        let input_of = |host: Host| {
            let to = hosts[host];
            ends.source.filter(|&from| from != to).and_then(|from| routes.occupied(from, to))
        };
        let output_of = |host: Host| {
            let from = hosts[host];
            ends.sink.filter(|&to| from != to).and_then(|to| routes.occupied(from, to))
        };
        let mut users: FxHashMap<Medium, Users> = FxHashMap::default();
        for host in hosts.indices() {
            for &(medium, _) in input_of(host).iter().flat_map(|(_, occupied)| occupied) {
                users.entry(medium).or_default().input.add(host);
            }
            for &(medium, _) in output_of(host).iter().flat_map(|(_, occupied)| occupied) {
                users.entry(medium).or_default().output.add(host);
            }
        }
        if routes.may_share() {
            for from in hosts.indices() {
                if stop() {
                    return Err(Stopped);
                }
                for to in hosts.indices().filter(|&to| to != from) {
                    for &(medium, _) in
                        routes.occupied(hosts[from], hosts[to]).iter().flat_map(|(_, occupied)| occupied)
                    {
                        users.entry(medium).or_default().add_hop(from, to);
                    }
                }
            }
        }
        let mut shared: Vec<(Medium, Sharing)> =
            users.into_iter().map(|(medium, users)| (medium, users.sharing(is_pair(medium), ends))).collect();
        shared.retain(|&(medium, sharing)| sharing != Sharing::Single && counts(medium));
        shared.sort_unstable_by_key(|&(medium, _)| medium);
        if shared.is_empty() {
            return Ok(None);
        }
        let index_of: FxHashMap<Medium, SharedIndex> =
            shared.iter().enumerate().map(|(index, &(medium, _))| (medium, index)).collect();
        let used = |occupied: Option<(f64, Vec<(Medium, f64)>)>| -> Vec<Use> {
            let occupied = occupied.into_iter().flat_map(|(_, occupied)| occupied);
            occupied.filter_map(|(medium, bandwidth_bps)| Some((*index_of.get(&medium)?, bandwidth_bps))).collect()
        };
        let (mut offsets, mut uses) = (vec![0], Vec::new());
        for from in hosts.indices() {
            if stop() {
                return Err(Stopped);
            }
            for to in hosts.indices() {
                if from != to {
                    uses.extend(used(routes.occupied(hosts[from], hosts[to])));
                }
                offsets.push(uses.len() as u32);
            }
        }
        let mut media = Self {
            media: shared.iter().map(|&(medium, _)| medium).collect(),
            offsets,
            uses,
            input: hosts.indices().map(|host| used(input_of(host))).collect(),
            output: hosts.indices().map(|host| used(output_of(host))).collect(),
            own: None,
            is_own: vec![false; shared.len()],
            carries_few: shared.iter().all(|(_, sharing)| !matches!(sharing, Sharing::Common { few: false })),
            in_play: RwLock::default(),
        };
        let mut own_of: IndexVec<Host, Option<SharedIndex>> = IndexVec::filled(None, hosts.len());
        for (index, &(_, sharing)) in shared.iter().enumerate() {
            if let Sharing::Own(host) = sharing
                && own_of[host].is_none()
            {
                own_of[host] = Some(index);
                media.is_own[index] = true;
            }
        }
        media.own = own_of.iter().any(Option::is_some).then(|| media.own_media(&own_of));
        Ok(Some(media))
    }

    fn own_media(&self, own_of: &IndexVec<Host, Option<SharedIndex>>) -> OwnMedia {
        let hosts = own_of.len();
        let of = |host: Host, uses: &[Use]| {
            let found = own_of[host].and_then(|own| uses.iter().find(|&&(medium, _)| medium == own));
            found.map_or(f64::INFINITY, |&(_, bandwidth_bps)| bandwidth_bps)
        };
        let pairs = || Host::first(hosts).flat_map(|from| Host::first(hosts).map(move |to| (from, to)));
        OwnMedia {
            sent_bps: Grid::of_cells(pairs().map(|(from, to)| of(from, self.hop(from, to))).collect(), hosts),
            received_bps: Grid::of_cells(pairs().map(|(from, to)| of(to, self.hop(from, to))).collect(), hosts),
            input_bps: Host::first(hosts).map(|host| of(host, &self.input[host])).collect(),
            output_bps: Host::first(hosts).map(|host| of(host, &self.output[host])).collect(),
        }
    }

    /// The media where a host may pass on what comes in without a stage: no way between two hosts that leads through others
    /// occupies a medium for less than the hop in its place. The transfers of source and sink are left out. O(n³) for each of
    /// the media that most hops use; `None` for many hosts.
    pub fn passing_on(&self, links: &Links) -> Option<Self> {
        let hosts = self.input.len();
        if hosts > MOST_WIDEST {
            return None;
        }
        let mut hops_of = vec![0_usize; self.media.len()];
        self.uses.iter().for_each(|&(medium, _)| hops_of[medium] += 1);
        let mut kept: Vec<SharedIndex> = (0..self.media.len()).filter(|&medium| !self.is_own[medium]).collect();
        kept.sort_by_key(|&medium| (std::cmp::Reverse(hops_of[medium]), medium));
        kept.truncate(MOST_PASSED_ON);
        let least: Vec<Grid<Host, Host, f64>> =
            kept.iter().map(|&medium| self.least_seconds_per_bit(medium, links)).collect();
        let (mut offsets, mut uses) = (vec![0], Vec::new());
        for (from, to) in Host::first(hosts).flat_map(|from| Host::first(hosts).map(move |to| (from, to))) {
            let seconds = least.iter().map(|least| least[(from, to)]).enumerate();
            let occupied = seconds.filter(|&(_, seconds)| from != to && seconds > 0.0 && seconds.is_finite());
            uses.extend(occupied.map(|(medium, seconds)| (medium, 1.0 / (seconds * (1.0 - ROUNDING)))));
            offsets.push(uses.len() as u32);
        }
        let nothing = || IndexVec::filled(Vec::new(), hosts);
        Some(Self {
            media: kept.iter().map(|&medium| self.media[medium]).collect(),
            offsets,
            uses,
            input: nothing(),
            output: nothing(),
            own: None,
            is_own: vec![false; kept.len()],
            carries_few: false,
            in_play: RwLock::default(),
        })
    }

    /// For each two hosts the least seconds for which a bit occupies a medium on any way over hosts (Floyd 1962 and Warshall
    /// 1962); infinite where there is no way.
    fn least_seconds_per_bit(&self, medium: SharedIndex, links: &Links) -> Grid<Host, Host, f64> {
        let hosts = Host::first(self.input.len());
        let mut least: Grid<Host, Host, f64> = Grid::filled(f64::INFINITY, self.input.len(), self.input.len());
        for (from, to) in hosts.clone().flat_map(|from| hosts.clone().map(move |to| (from, to))) {
            if links.get(from, to).exists() {
                let used = self.hop(from, to).iter().find(|&&(other, _)| other == medium);
                least[(from, to)] = used.map_or(0.0, |&(_, bandwidth_bps)| 1.0 / bandwidth_bps);
            }
        }
        for by in hosts.clone() {
            let onwards: Vec<f64> = least.row(by).iter().copied().collect();
            for from in hosts.clone().filter(|&from| from != by) {
                let to_by = least[(from, by)];
                let mut row = least.row_mut(from);
                row.iter_mut().zip(&onwards).for_each(|(direct, onwards)| *direct = direct.min(to_by + onwards));
            }
        }
        least
    }

    /// Returns `true` if no medium can carry more than two transfers of a placement.
    pub fn carries_few(&self) -> bool {
        self.carries_few
    }

    #[inline]
    fn hop(&self, from: Host, to: Host) -> &[Use] {
        let pair = from.number() * self.input.len() + to.number();
        &self.uses[self.offsets[pair] as usize..self.offsets[pair + 1] as usize]
    }

    /// The media of an assignment's transfers, each with the number of transfers, and with the seconds that they take
    /// together: from the input on, in order.
    pub fn occupied_s(&self, assignment: &Assignment, load_bits: &IndexVec<Position, f64>) -> Vec<MediumLoad> {
        let mut occupied: Vec<MediumLoad> = Vec::new();
        let mut add = |uses: &[Use], load_bits: f64, stage: usize| {
            for &(medium, bandwidth_bps) in uses {
                let seconds = load_bits / bandwidth_bps;
                match occupied.iter_mut().find(|load| load.index == medium) {
                    Some(load) => {
                        load.transfers += 1;
                        load.seconds += seconds;
                    }
                    None => {
                        let id = self.media[medium];
                        occupied.push(MediumLoad { index: medium, medium: id, transfers: 1, seconds, stage });
                    }
                }
            }
        };
        let mut before: Option<Host> = None;
        for (stage, (start, _, host)) in assignment.spans().enumerate() {
            match before {
                None => add(&self.input[host], load_bits[start], 0),
                Some(before) => add(self.hop(before, host), load_bits[start], stage - 1),
            }
            before = Some(host);
        }
        if let Some(&(end, host)) = assignment.stages.last() {
            add(&self.output[host], load_bits[end], assignment.stages.len() - 1);
        }
        occupied
    }

    /// The media that searches sum now.
    pub fn in_play(&self) -> Arc<Vec<Arc<InPlay>>> {
        Arc::clone(&self.in_play.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Brings the busiest medium into play that an assignment occupies for longer than a period and that is not in play yet.
    /// `known` are summed already by the search that asks.
    pub fn bring_in(&self, loads: &[MediumLoad], period_s: f64, known: usize) -> BroughtIn {
        let in_play = self.in_play();
        let is_in_play = |index: SharedIndex| in_play.iter().any(|other| other.medium == index);
        let too_busy = loads.iter().filter(|load| load.seconds > period_s);
        let news = too_busy.clone().filter(|load| !is_in_play(load.index) && !self.is_own[load.index]);
        if in_play.len() > known && too_busy.clone().count() > 0 {
            return BroughtIn::Another;
        }
        match news.max_by(|a, b| a.seconds.total_cmp(&b.seconds)) {
            None if too_busy.count() == 0 => BroughtIn::NotNeeded,
            Some(load) if in_play.len() < MOST_IN_PLAY => {
                let mut more = Vec::clone(&in_play);
                more.push(Arc::new(self.summed(load.index)));
                *self.in_play.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(more);
                BroughtIn::Another
            }
            _ => BroughtIn::NoMore,
        }
    }

    /// Returns the busiest of the media in play, or `None` if no load is of one.
    pub fn busiest_in_play(&self, loads: &[MediumLoad]) -> Option<Arc<InPlay>> {
        let in_play = self.in_play();
        let of = |load: &MediumLoad| in_play.iter().find(|other| other.medium == load.index).cloned();
        let found = loads.iter().filter_map(|load| Some((load.seconds, of(load)?)));
        found.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, medium)| medium)
    }

    fn summed(&self, medium: SharedIndex) -> InPlay {
        let hosts = self.input.len();
        let of = |uses: &[Use]| {
            uses.iter().find(|&&(other, _)| other == medium).map_or(f64::INFINITY, |&(_, bandwidth_bps)| bandwidth_bps)
        };
        let pairs = Host::first(hosts).flat_map(|from| Host::first(hosts).map(move |to| (from, to)));
        InPlay {
            medium,
            hop_bps: Grid::of_cells(pairs.map(|(from, to)| of(self.hop(from, to))).collect(), hosts),
            input_bps: self.input.iter().map(|uses| of(uses)).collect(),
            output_bps: self.output.iter().map(|uses| of(uses)).collect(),
        }
    }
}

/// What the transfers of an assignment take of a medium.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MediumLoad {
    index: SharedIndex,
    /// The medium.
    pub medium: Medium,
    /// How many transfers use it.
    pub transfers: usize,
    /// Seconds that they take together.
    pub seconds: f64,
    /// The first stage that sends or receives on it.
    pub stage: usize,
}

/// Whether another medium is summed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BroughtIn {
    /// No medium is too busy.
    NotNeeded,
    /// One more is summed.
    Another,
    /// All that are too busy are summed already, or no more can be.
    NoMore,
}
