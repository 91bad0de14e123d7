//! The service under load on this machine: requests per second and latencies, each beside what it is held against.
//!
//! `cargo bench --bench service`, with names of parts as filters (`reads`, `pages`, `jobs`, `overload`, `retention`,
//! `servers`) and
//! `--seconds N` for the length of each measurement (5), `--workers N` for the jobs that the overloaded service solves at
//! once (the number of cores), `--placements N` for how many placements retention meets (10,000). Load and service share
//! the machine's cores, and every request goes over loopback.

mod client;
mod figures;
mod jobs;
mod overload;
mod pages;
mod reads;
mod retention;
mod servers;
mod target;

#[path = "../../tests/it/postgres_url.rs"]
mod postgres_url;

use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        let number: Option<f64> = arguments.get(at + 1).and_then(|text| text.parse().ok());
        Some(number.unwrap_or_else(|| panic!("{flag} wants a number")))
    };
    let length = Duration::from_secs_f64(number("--seconds").unwrap_or(5.0));
    let workers = number("--workers").map(|count| count as usize);
    let placements = number("--placements").map_or(10_000, |count| count as usize);
    let parts = ["reads", "pages", "jobs", "overload", "retention", "servers"];
    let named: Vec<&str> = parts.into_iter().filter(|part| arguments.iter().any(|argument| argument == part)).collect();
    let wanted = if named.is_empty() { parts.to_vec() } else { named };
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    for part in wanted {
        println!("\n{part}");
        match part {
            "reads" => runtime.block_on(reads::measure(length)),
            "pages" => runtime.block_on(pages::measure()),
            "jobs" => runtime.block_on(jobs::measure(length)),
            "servers" => runtime.block_on(servers::measure(length)),
            "overload" => runtime.block_on(overload::measure(length, workers)),
            _ => runtime.block_on(retention::measure(placements)),
        }
    }
}
