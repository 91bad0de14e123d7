//! The order of a model's layers: a stable topological order, and the cycles that prevent one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Returns, for each vertex, the vertices to which its edges lead, in edge order.
pub fn successors(vertices: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut successors = vec![Vec::new(); vertices];
    for &(from, to) in edges {
        successors[from].push(to);
    }
    successors
}

/// Returns a topological order: the smallest vertex whose predecessors are placed comes next (Kahn
/// 1962, with a heap). An order that is topological already stays unchanged. It takes O((V + E) log
/// V).
///
/// # Errors
/// If there are cycles, returns at least one of each group of connected cycles, as vertices in edge
/// order.
pub fn topological_order(vertices: usize, edges: &[(usize, usize)]) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let successors = successors(vertices, edges);
    let mut waiting_for = vec![0_usize; vertices];
    for &(_, to) in edges {
        waiting_for[to] += 1;
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..vertices).filter(|&v| waiting_for[v] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(vertices);
    while let Some(Reverse(vertex)) = ready.pop() {
        order.push(vertex);
        for &next in &successors[vertex] {
            waiting_for[next] -= 1;
            if waiting_for[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() == vertices { Ok(order) } else { Err(cycles(edges, &waiting_for)) }
}

/// Finds cycles by walking backwards among the vertices that still wait for a predecessor. Each of
/// them has a predecessor that also waits, so each walk comes back to a vertex seen before.
fn cycles(edges: &[(usize, usize)], waiting_for: &[usize]) -> Vec<Vec<usize>> {
    let mut waiting_predecessor = vec![None; waiting_for.len()];
    for &(from, to) in edges {
        if waiting_for[from] > 0 && waiting_for[to] > 0 {
            waiting_predecessor[to].get_or_insert(from);
        }
    }
    let mut seen_in_walk = vec![None; waiting_for.len()];
    let mut cycles = Vec::new();
    for start in (0..waiting_for.len()).filter(|&v| waiting_for[v] > 0) {
        let mut walk = Vec::new();
        let mut vertex = start;
        while seen_in_walk[vertex].is_none() {
            seen_in_walk[vertex] = Some(start);
            walk.push(vertex);
            let Some(predecessor) = waiting_predecessor[vertex] else { break };
            vertex = predecessor;
        }
        if seen_in_walk[vertex] == Some(start)
            && let Some(at) = walk.iter().position(|&v| v == vertex)
        {
            let mut cycle = walk.split_off(at);
            cycle.reverse();
            cycles.push(cycle);
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topological_order_is_kept_and_another_is_mended() {
        assert_eq!(topological_order(3, &[(0, 2), (1, 2)]), Ok(vec![0, 1, 2]));
        assert_eq!(topological_order(4, &[(3, 0), (0, 2), (1, 2)]), Ok(vec![1, 3, 0, 2]));
    }

    #[test]
    fn each_tangle_gives_a_cycle() {
        let cycles = topological_order(6, &[(0, 1), (1, 2), (2, 1), (2, 3), (4, 5), (5, 4)]).unwrap_err();
        assert_eq!(cycles, [vec![2, 1], vec![5, 4]]);
    }
}
