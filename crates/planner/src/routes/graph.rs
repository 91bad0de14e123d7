//! Shortest routes over the segments of a topology.
//!
//! One search backwards from each receiver (Dijkstra 1959) gives the next vertex from everywhere; of equal routes the one
//! whose vertices come first is taken.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::domain::cluster::ClusterInventory;
use crate::domain::network::Topology;

/// The most that a segment costs: sums of so many stay whole numbers.
const MOST_COST: u128 = 1 << 96;

/// No vertex.
const NOWHERE: u32 = u32::MAX;

/// A graph whose vertices are the nodes, in the inventory's order, and behind them the switches.
#[derive(Debug)]
pub struct Graph {
    /// For each vertex its neighbours, ascending, each with the segment between them.
    neighbours: Vec<Vec<(usize, usize)>>,
    /// For each segment what a route over it costs.
    costs: Vec<u128>,
    /// For each segment the vertex of its first end.
    first_ends: Vec<usize>,
    /// For each receiving node the next vertex from every vertex; found when it is asked for.
    next: Vec<OnceCell<Vec<u32>>>,
}

impl Graph {
    /// The graph of a cluster's topology.
    pub fn new(cluster: &ClusterInventory, topology: &Topology) -> Self {
        let nodes = cluster.nodes.len();
        let switches = topology.switches.iter().enumerate();
        let switch_of: BTreeMap<&str, usize> = switches.map(|(at, id)| (id.as_str(), nodes + at)).collect();
        let vertex = |id: &str| cluster.node_index(id).or_else(|| switch_of.get(id).copied());
        let mut neighbours = vec![Vec::new(); nodes + topology.switches.len()];
        for (segment, it) in topology.segments.iter().enumerate() {
            if let (Some(a), Some(b)) = (vertex(&it.a), vertex(&it.b)) {
                neighbours[a].push((b, segment));
                neighbours[b].push((a, segment));
            }
        }
        neighbours.iter_mut().for_each(|vertices| vertices.sort_unstable());
        let cost = |bandwidth_bps: f64| ((1e21 / bandwidth_bps).floor() as u128).clamp(1, MOST_COST);
        let costs = topology.segments.iter().map(|segment| cost(segment.bandwidth_bps)).collect();
        let first_ends = topology.segments.iter().map(|segment| vertex(&segment.a).unwrap_or(usize::MAX)).collect();
        Self { neighbours, costs, first_ends, next: vec![OnceCell::new(); nodes] }
    }

    /// Returns `true` if a vertex is the first end of a segment.
    pub fn is_first_end(&self, segment: usize, vertex: usize) -> bool {
        self.first_ends[segment] == vertex
    }

    /// Calls `visit` with each segment of the route between two nodes in order, and with the vertices that it leads from and
    /// to. Returns `false` if there is no route.
    pub fn walk(&self, from: usize, to: usize, mut visit: impl FnMut(usize, usize, usize)) -> bool {
        let next = self.next[to].get_or_init(|| self.towards(to));
        let mut at = from;
        while at != to {
            let ahead = next[at];
            if ahead == NOWHERE {
                return false;
            }
            let ahead = ahead as usize;
            let row = &self.neighbours[at];
            let segment = row[row.partition_point(|&(vertex, _)| vertex < ahead)].1;
            visit(segment, at, ahead);
            at = ahead;
        }
        true
    }

    /// For each vertex the next one on the way to a node.
    fn towards(&self, to: usize) -> Vec<u32> {
        let mut distance = vec![u128::MAX; self.neighbours.len()];
        let mut ahead = BinaryHeap::from([Reverse((0, to))]);
        distance[to] = 0;
        while let Some(Reverse((reached, vertex))) = ahead.pop() {
            if reached > distance[vertex] {
                continue;
            }
            for &(other, segment) in &self.neighbours[vertex] {
                let through = reached.saturating_add(self.costs[segment]);
                if through < distance[other] {
                    distance[other] = through;
                    ahead.push(Reverse((through, other)));
                }
            }
        }
        let next = |vertex: usize| {
            let on_the_way = |&&(other, segment): &&(usize, usize)| {
                distance[vertex] < u128::MAX && distance[other].saturating_add(self.costs[segment]) == distance[vertex]
            };
            self.neighbours[vertex].iter().find(on_the_way).map_or(NOWHERE, |&(other, _)| other as u32)
        };
        (0..self.neighbours.len()).map(next).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn route(cluster: &ClusterInventory, from: usize, to: usize) -> Option<Vec<usize>> {
        let Some(crate::domain::network::Network::Topology(topology)) = &cluster.network else { return None };
        let mut vertices = vec![from];
        Graph::new(cluster, topology).walk(from, to, |_, _, ahead| vertices.push(ahead)).then_some(vertices)
    }

    #[test]
    fn of_equal_routes_the_one_whose_vertices_come_first_is_taken() {
        let node = |id: &str| json!({"id": id, "memory_bytes": 1});
        let segment = |a: &str, b: &str, bandwidth_bps: f64| json!({"a": a, "b": b, "bandwidth_bps": bandwidth_bps});
        let cluster = ClusterInventory::from_json(&json!({
            "name": "ring", "nodes": [node("a"), node("b"), node("c"), node("d")],
            "network": {"kind": "topology", "switches": ["s"], "segments": [
                segment("a", "s", 1e9), segment("s", "d", 1e9),
                segment("a", "c", 1e9), segment("c", "d", 1e9),
                segment("a", "b", 1e9), segment("b", "d", 9e8)
            ]}
        }))
        .unwrap();
        // By way of b it is slower; of c and s, the node comes first.
        assert_eq!(route(&cluster, 0, 3), Some(vec![0, 2, 3]));
        assert_eq!(route(&cluster, 1, 2), Some(vec![1, 0, 2]));
    }
}
