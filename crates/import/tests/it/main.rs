//! Tests of imports: files of other programs become documents that the planner reads.

mod all_pairs;
mod batman;
mod calibration;
mod data;
mod dnn_partitioning;
mod fuzz;
mod inventory;
mod iperf3;
mod pipeedge;
mod timings;
