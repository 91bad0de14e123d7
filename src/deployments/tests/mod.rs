//! Tests of deployments: a simulated site, and what is left after a crash.

mod claims;
mod deletions;
mod idle;
mod losses;
mod measured;
mod plain;
mod policies;
mod simulation;
mod site;
mod together;
mod turns;
