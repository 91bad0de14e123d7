//! What nodes and shared resources are worth: the prices of the linear relaxation.
//!
//! A price says by how much the relaxation's sum of rates grows with one host more of a class, or with a resource that has
//! twice the time, as long as nothing else begins to limit it (duality of linear programmes). Sets of pipelines are whole,
//! so that they may gain more or less.

use super::MOST_COUNTS;
use super::cheapest::{Cheapest, Search};
use super::classes::Classes;
use super::counts::Counts;
use super::every_column::every_column;
use super::large::{PRECISIONS, values_of};
use super::master::Master;
use super::relaxation::{Relaxation, Space};
use super::within::Network;
use crate::bits::for_width;
use crate::bounds;
use crate::cost::Assignment;
use crate::index::Host;
use crate::pipelines::Packings;
use crate::pipelines::shared_loads::SharedResource;
use crate::stopped::Stopped;

/// Precisions of the relaxation whose prices are told.
const PRECISIONS_OF_WORTH: usize = 3;

/// Rounds of column generation at one precision.
const ROUNDS: usize = 30;

/// Prices in passes per second.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Worth {
    /// The price of each host.
    pub of_host: Vec<(Host, f64)>,
    /// The price of the whole time of each shared resource.
    pub of_resource: Vec<(SharedResource, f64)>,
    /// The sum of rates of the relaxation.
    pub rate_per_s: f64,
}

impl Worth {
    /// Returns the prices of a request. Returns `None` where a pipeline has a period of 0, and where the model has too many
    /// cuts.
    pub fn new(packings: &Packings<'_>, stop: &dyn Fn() -> bool) -> Result<Option<Self>, Stopped> {
        let instance = packings.instance;
        let classes = Classes::new(instance, stop)?;
        let sizes = classes.sizes();
        let counts = Counts::new(&sizes, MOST_COUNTS);
        let (most, most_nodes) = (packings.most_pipelines(), packings.most_hosts());
        let space = Space { room: sizes, most, most_nodes };
        if let Some(columns) = every_column(instance, &classes, counts.as_ref(), stop)? {
            if columns.iter().any(|column| !column.rate_per_s.is_finite()) {
                return Ok(None);
            }
            let mut relaxation = Relaxation::new(space, Vec::new(), &columns);
            relaxation.solve();
            return Ok(Some(Self::of(&relaxation, &classes)));
        }
        let least_s = bounds::of(instance).least_period(stop)?;
        if least_s <= 0.0 || !least_s.is_finite() {
            return Ok(None);
        }
        for_width!(few instance.blocks() + 1, W => {
            let mut search = Search::new(Network::<W>::new(instance, &classes, stop)?, &classes.sizes());
            Self::generated(packings, (&classes, space), &mut search, least_s, stop).map(Some)
        }, else Ok(None))
    }

    fn generated(
        packings: &Packings<'_>,
        (classes, mut space): (&Classes, Space),
        search: &mut dyn Cheapest,
        least_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let values_s = values_of(packings.instance, least_s, stop)?;
        let mut master = Master::new(packings, classes, search, (least_s, values_s));
        if let Some(best) = packings.best() {
            let known: Vec<Assignment> = best.pipelines.into_iter().map(|it| it.assignment).collect();
            known.iter().for_each(|assignment| {
                master.add(assignment);
            });
        }
        space.most = space.most.min(space.most_nodes / master.fewest_hosts(&space, stop)?);
        master.within_periods(&space, stop)?;
        let mut relaxation = Relaxation::new(space, Vec::new(), &master.pool);
        for precision in PRECISIONS.into_iter().take(PRECISIONS_OF_WORTH) {
            master.generate(&mut relaxation, precision, (ROUNDS, false), stop)?;
        }
        Ok(Self::of(&relaxation, classes))
    }

    fn of(relaxation: &Relaxation, classes: &Classes) -> Self {
        let prices = relaxation.prices();
        let space = &relaxation.space;
        let per_host = prices.per_host();
        let of_host = classes.of_host.iter_indexed().map(|(host, &class)| (host, per_host[class]));
        Self {
            of_host: of_host.collect(),
            rate_per_s: prices.of_all(&space.room, (space.most, space.most_nodes), &relaxation.levels),
            of_resource: relaxation.resources().zip(prices.of_resource.iter().copied()).collect(),
        }
    }
}
