//! PipeEdge's documented example, where its files lie beside the repository.

use std::path::PathBuf;

use cutpoint_import::InputFile;
use cutpoint_import::pipeedge::{self, Choice};
use cutpoint_planner::domain::placement::Status;

use super::request;
use crate::data::plan;

fn published(name: &str) -> Option<Vec<u8>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/peers/pipeedge").join(name);
    let content = std::fs::read(&beside).ok();
    if content.is_none() {
        eprintln!("LEFT OUT: {} is not there, and PipeEdge's own example was not planned", beside.display());
    }
    content
}

/// The proven least period of a model on hosts, by PipeEdge's rules.
fn period(model: &str, devices: &str) -> Option<f64> {
    let (models, types) = (published("models.yml")?, published("device_types.yml")?);
    let types = InputFile { name: "device_types.yml", content: &types };
    let choice = Choice { model: Some(model), ..Choice::default() };
    let models = pipeedge::models(&InputFile { name: "models.yml", content: &models }, Some(&types), &choice).unwrap();
    let devices = InputFile { name: "devices.yml", content: devices.as_bytes() };
    let cluster = pipeedge::cluster(&types, &devices, "boards").unwrap();
    let answer = plan(&request(&models[0], &cluster));
    assert_eq!(answer.status, Status::Optimal);
    answer.least_period_s
}

const BASE: &str = "google/vit-base-patch16-224";
const LARGE: &str = "google/vit-large-patch16-224";

#[test]
fn four_and_four_hosts_are_at_least_as_fast_as_the_known_optimum() {
    let Some(devices) = published("devices.yml").and_then(|devices| String::from_utf8(devices).ok()) else { return };
    for (model, most) in [(BASE, 1.549), (LARGE, 5.043)] {
        let period = period(model, &devices).unwrap();
        println!("{model}: {period}");
        assert!(period <= most + 0.0005 && period > most - 0.01, "{model}: {period}");
    }
}

#[test]
fn one_host_of_each_type_gives_the_known_optimum() {
    for (model, known) in [(BASE, 5.844), (LARGE, 19.909)] {
        let Some(period) = period(model, "Minnowboard-E3845: [mb]\nRCC-VE-C2000: [rcc]\n") else { return };
        println!("{model}: {period}");
        assert!((period - known).abs() < 0.0005, "{model}: {period}");
    }
}
