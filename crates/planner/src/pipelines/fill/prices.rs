//! Prices of what a set of pipelines uses: the dual values of the linear relaxation.

/// At most this many pipelines of a set have at most this period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The period, in seconds.
    pub period_s: f64,
    /// The number of pipelines.
    pub most: usize,
}

/// Prices, in passes per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// Of a host of each class.
    pub of_class: Vec<f64>,
    /// Of a host of any class, in addition.
    pub of_host: f64,
    /// Of a pipeline.
    pub of_pipeline: f64,
    /// Of a pipeline that is within each level, in addition.
    pub of_level: Vec<f64>,
    /// Of the whole time of each shared resource.
    pub of_resource: Vec<f64>,
}

impl Prices {
    /// Returns prices between these, at a share of 0, and others.
    pub fn towards(&self, others: &Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| a + (b - a) * share;
        let all = |a: &[f64], b: &[f64]| {
            let at = |list: &[f64], index: usize| list.get(index).copied().unwrap_or(0.0);
            (0..a.len().max(b.len())).map(|index| mix(at(a, index), at(b, index))).collect()
        };
        Self {
            of_class: all(&self.of_class, &others.of_class),
            of_host: mix(self.of_host, others.of_host),
            of_pipeline: mix(self.of_pipeline, others.of_pipeline),
            of_level: all(&self.of_level, &others.of_level),
            of_resource: all(&self.of_resource, &others.of_resource),
        }
    }

    /// Returns these prices where other classes have the prices of some of these ones.
    pub fn for_classes(&self, classes: impl Iterator<Item = usize>) -> Self {
        Self { of_class: classes.map(|class| self.of_class[class]).collect(), ..self.clone() }
    }

    /// Returns what all hosts cost together, if pipelines may use at most `most_nodes` of them.
    pub fn of_hosts(&self, room: &[usize], most_nodes: usize) -> f64 {
        let of_classes: f64 = self.of_class.iter().zip(room).map(|(price, &room)| price * room as f64).sum();
        of_classes + self.of_host * most_nodes as f64
    }

    /// Returns what everything costs together: no set of pipelines that all cost at least their rates has a larger sum.
    pub fn of_all(&self, room: &[usize], (most, most_nodes): (usize, usize), levels: &[Level]) -> f64 {
        let of_levels: f64 = self.of_level.iter().zip(levels).map(|(price, level)| price * level.most as f64).sum();
        let of_resources: f64 = self.of_resource.iter().sum();
        self.of_hosts(room, most_nodes) + self.of_pipeline * most as f64 + of_levels + of_resources
    }

    /// Returns what a pipeline of a period costs beside its hosts and what it shares.
    pub fn of_period(&self, period_s: f64, levels: &[Level]) -> f64 {
        let within = self.of_level.iter().zip(levels).filter(|(_, level)| period_s <= level.period_s);
        self.of_pipeline + within.map(|(price, _)| price).sum::<f64>()
    }

    /// Returns the price of a host of each class in all.
    pub fn per_host(&self) -> Vec<f64> {
        self.of_class.iter().map(|price| price + self.of_host).collect()
    }
}
