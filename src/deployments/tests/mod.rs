//! Tests of deployments: a simulated site, and what is left after a crash.

mod claims;
mod idle;
mod plain;
mod simulation;
mod site;
