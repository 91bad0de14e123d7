//! Latencies, numbers of nodes, overlap `none` and limits of latency: every proof against brute force.

mod against_brute_force;
mod larger;
mod second;
