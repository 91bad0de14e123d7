//! Files that were broken at random, with fixed seeds: every import ends in an error or in a document that the planner
//! reads, and never panics.

use std::collections::BTreeMap;

use cutpoint_import::calibration::{CalibrationInput, Measurements, PlannedCosts, calibrate};
use cutpoint_import::inventory::{InventoryInput, OriginatorTable, SharedMedium, inventory};
use cutpoint_import::pipeedge::Choice;
use cutpoint_import::timings::{TimingFormat, TimingOptions, apply};
use cutpoint_import::{ImportError, Imported, InputFile, dnn_partitioning, pipeedge};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use crate::calibration::{document, logs, measured};
use crate::data::{NODES, read};

/// What is put into files: numbers beyond all limits, other types, the syntax of every format.
const PIECES: [&str; 34] = [
    "0",
    "-1",
    "1e308",
    "1e400",
    "-0.0",
    "99999999999999999999999999",
    "5e-324",
    "null",
    "true",
    "\"\"",
    "\"a\"",
    "[]",
    "{}",
    "[[[[",
    "}}}}",
    ",",
    ":",
    "\n",
    "\n  ",
    "- ",
    "? ",
    "&a ",
    "*a",
    "!!binary ",
    "|\n",
    ".inf",
    "'",
    "\"",
    "\u{0}",
    "é\u{1f600}",
    "9007199254740993",
    "1.5",
    "{ForeignNode[a...b]}",
    " + ",
];

fn broken(original: &[u8], rng: &mut Pcg64Mcg) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..30)).min(bytes.len());
        match rng.random_range(0..5) {
            0 => {
                bytes.splice(at..end, std::iter::empty());
            }
            1 => {
                bytes.splice(at..end, PIECES.choose(rng).unwrap().bytes());
            }
            2 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 if at < bytes.len() => bytes[at] = rng.random_range(0..=255) as u8,
            _ => replace_number(&mut bytes, at, rng),
        }
    }
    bytes
}

/// Replaces the first number after a place: syntax stays valid, so that values are judged.
fn replace_number(bytes: &mut Vec<u8>, from: usize, rng: &mut Pcg64Mcg) {
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|start| from + start) else { return };
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'-' | b'+');
    let end = bytes[start..].iter().position(|byte| !is_number(byte)).map_or(bytes.len(), |length| start + length);
    let number = ["0", "-1", "1e308", "1e100", "1e99", "1e-300", "9007199254740991", "9007199254740992", "0.1", "7"]
        .choose(rng)
        .unwrap();
    bytes.splice(start..end, number.bytes());
}

/// Counts endings: a fuzz that only ever fails early proves little.
#[derive(Default)]
struct Endings {
    documents: usize,
    errors: usize,
}

impl Endings {
    fn cluster(&mut self, seed: u64, result: Result<Imported, ImportError>) {
        if let Some(imported) = self.counted(seed, result) {
            let faults = ClusterInventory::from_json(&imported.document).err();
            assert!(faults.is_none(), "seed {seed}: {faults:?} in {}", imported.document);
        }
    }

    fn model(&mut self, seed: u64, result: Result<Imported, ImportError>) {
        if let Some(imported) = self.counted(seed, result) {
            let faults = ModelProfile::from_json(&imported.document).err();
            assert!(faults.is_none(), "seed {seed}: {faults:?} in {}", imported.document);
        }
    }

    fn counted<T>(&mut self, seed: u64, result: Result<T, ImportError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.documents += 1;
                Some(value)
            }
            Err(error) => {
                self.errors += 1;
                assert!(!error.faults.is_empty(), "seed {seed}");
                for fault in &error.faults {
                    assert!(
                        !fault.file.is_empty() && !fault.detail.is_empty() && !fault.action.is_empty(),
                        "{fault:?}"
                    );
                }
                None
            }
        }
    }

    fn assert_both(&self) {
        assert!(self.documents > 20 && self.errors > 20, "{} documents, {} errors", self.documents, self.errors);
    }
}

/// Returns the seeds of a run: 1500, or as many as CUTPOINT_FUZZ_SEEDS says.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("CUTPOINT_FUZZ_SEEDS").map_or(1500, |count| count.parse().unwrap())
}

#[test]
fn broken_inventories_are_errors_or_clusters() {
    let (kubernetes, nomad, table) = (read("kubernetes.json"), read("nomad.json"), read("originators.json"));
    let result = read("iperf3/h1-h2-bidir.json");
    let alone = [read("iperf3/h1-h2.json"), read("iperf3/h1-h2-reverse.json")];
    let mut endings = Endings::default();
    for seed in seeds() {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut files = [kubernetes.clone(), nomad.clone(), table.clone(), result.clone(), NODES.as_bytes().to_vec()];
        let which = rng.random_range(0..files.len());
        files[which] = broken(&files[which], &mut rng);
        let [kubernetes, nomad, table, result, nodes] = &files;
        let file = |name, content| InputFile { name, content };
        let with_orchestrators = which < 3;
        endings.cluster(
            seed,
            inventory(&InventoryInput {
                name: "site",
                kubernetes: with_orchestrators.then(|| file("k", kubernetes)).into_iter().collect(),
                nomad: with_orchestrators.then(|| file("n", nomad)).into_iter().collect(),
                nodes: (!with_orchestrators).then(|| file("c", nodes)).into_iter().collect(),
                iperf3: vec![file("i", result), file("j", &alone[0]), file("k", &alone[1])],
                batman: with_orchestrators
                    .then(|| OriginatorTable { node_id: Some("nuc-1"), file: file("b", table) })
                    .into_iter()
                    .collect(),
                addresses: Vec::new(),
                media: if with_orchestrators {
                    vec![SharedMedium { name: "air", node_ids: vec!["nuc-1", "nuc-2"] }]
                } else {
                    Vec::new()
                },
            }),
        );
    }
    endings.assert_both();
}

#[test]
fn broken_files_of_peers_are_errors_or_documents() {
    let files = ["models.yml", "device_types.yml", "devices.yml"].map(|name| read(&format!("pipeedge/{name}")));
    let graph = read("dnn-partitioning.json");
    let mut endings = Endings::default();
    for seed in seeds() {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut files = files.clone();
        let which = rng.random_range(0..files.len());
        files[which] = broken(&files[which], &mut rng);
        let [models, types, devices] = &files;
        let file = |name, content| InputFile { name, content };
        let choice = Choice { batch_size: Some(8), ..Choice::default() };
        let imported = pipeedge::models(&file("models.yml", models), Some(&file("device_types.yml", types)), &choice);
        if let Some(imported) = endings.counted(seed, imported) {
            imported.into_iter().for_each(|model| endings.model(seed, Ok(model)));
        }
        endings.cluster(
            seed,
            pipeedge::cluster(&file("device_types.yml", types), &file("devices.yml", devices), "boards"),
        );
        let graph = broken(&graph, &mut rng);
        if let Some(instance) = endings.counted(seed, dnn_partitioning::import(&file("graph.json", &graph), "graph")) {
            endings.model(seed, Ok(instance.model));
            endings.cluster(seed, Ok(instance.cluster));
        }
    }
    endings.assert_both();
}

#[test]
fn broken_times_are_errors_or_profiles() {
    let profile: Value = serde_json::from_slice(&read("timings/magika-profile.json")).unwrap();
    let mut plain = profile.clone();
    for layer in plain["layers"].as_array_mut().unwrap() {
        layer.as_object_mut().unwrap().remove("operator");
    }
    let ids: Vec<&str> = plain["layers"].as_array().unwrap().iter().filter_map(|layer| layer["id"].as_str()).collect();
    let rows: String = ids.iter().take(20).map(|id| format!("{id},pi-4,0.001\n")).collect();
    let table = format!("layer_id,device_class,seconds\n{rows}").into_bytes();
    let tflite: String =
        ids.iter().take(5).map(|id| format!("CONV_2D, 0, 1, 1.5, 40%, 40%, 0, 1, [{id}]:0\n")).collect();
    let tflite =
        format!("title\nnode type, start, first, avg_ms, %, cdf%, mem KB, times called, name\n{tflite}").into_bytes();
    let engine = format!(
        r#"[{{"count": 3}}, {{"name": "{} + {}", "averageMs": 1.5}}, {{"name": "x", "averageMs": 1}}]"#,
        ids[3], ids[4]
    );
    let list = |name: &str| format!(r#"{{"cat":"Node","name":"{name}_kernel_time","ts":1,"dur":7}}"#);
    let events = format!("[{}]", ids.iter().take(9).map(|id| list(id)).collect::<Vec<_>>().join(","));
    let files = [
        (TimingFormat::Csv, table),
        (TimingFormat::TfLite, tflite),
        (TimingFormat::TensorRt, engine.into_bytes()),
        (TimingFormat::OnnxRuntime, events.into_bytes()),
    ];
    let mut endings = Endings::default();
    for seed in seeds() {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let (format, content) = files.choose(&mut rng).unwrap();
        let content = broken(content, &mut rng);
        let session_s = rng.random_bool(0.5).then_some(0.02);
        let format = Some(*format).filter(|_| rng.random_bool(0.8));
        let options = TimingOptions { format, device_class: "pi-4", session_s, ..TimingOptions::default() };
        endings.model(seed, apply(&plain, &InputFile { name: "times", content: &content }, &options));
    }
    endings.assert_both();
}

#[test]
fn blow_ups_are_errors_within_the_limits() {
    let laughs: String =
        (1..40).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1)).collect();
    let cases: Vec<Vec<u8>> = vec![
        format!("a0: &a0 x\n{laughs}").into_bytes(),
        "[".repeat(100_000).into_bytes(),
        "{\"a\":".repeat(100_000).into_bytes(),
        "- ".repeat(100_000).into_bytes(),
        b"a:\n".to_vec(),
        (0..2000).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<String>().into_bytes(),
        "? ".repeat(100_000).into_bytes(),
        vec![b'x'; 9 << 20],
        vec![0xff; 1000],
        b"1e999999999999".to_vec(),
        Vec::new(),
    ];
    for content in &cases {
        let start = String::from_utf8_lossy(&content[..content.len().min(20)]).into_owned();
        let file = InputFile { name: "file", content };
        assert!(pipeedge::models(&file, Some(&file), &Choice::default()).is_err(), "{start}");
        assert!(pipeedge::cluster(&file, &file, "x").is_err(), "{start}");
        assert!(dnn_partitioning::import(&file, "x").is_err(), "{start}");
        for input in [
            InventoryInput { name: "x", kubernetes: vec![file], ..InventoryInput::default() },
            InventoryInput { name: "x", nomad: vec![file], ..InventoryInput::default() },
            InventoryInput { name: "x", nodes: vec![file], ..InventoryInput::default() },
        ] {
            assert!(inventory(&input).is_err(), "{start}");
        }
        for (_, format) in TimingFormat::NAMES {
            let options = TimingOptions { format: Some(format), device_class: "pi-4", ..TimingOptions::default() };
            let profile = serde_json::json!({ "layers": [{ "id": "a", "flops": 5 }] });
            assert!(apply(&profile, &file, &options).is_err(), "{start}");
        }
    }
}

#[test]
fn broken_logs_of_runners_are_errors_or_calibrations() {
    let (profile, placement, cluster) = (document("model"), document("placement"), document("cluster"));
    let logs = logs();
    let classes = BTreeMap::new();
    let mut endings = Endings::default();
    for seed in seeds() {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut contents = logs.clone();
        let which = rng.random_range(0..contents.len());
        contents[which] = broken(&contents[which], &mut rng);
        let calibration = measured(&contents).and_then(|measurements| {
            calibrate(&CalibrationInput {
                profile: &profile,
                placement: &placement,
                measurements: &measurements,
                cluster: Some(&cluster),
                device_classes: &classes,
                device_class: Some("board"),
                costs: PlannedCosts::default(),
                files: &["logs".to_owned()],
            })
        });
        if let Some(calibration) = endings.counted(seed, calibration) {
            let faults = ModelProfile::from_json(&calibration.profile).err();
            assert!(faults.is_none(), "seed {seed}: {faults:?}");
            let faults = ClusterInventory::from_json(&calibration.cluster.unwrap()).err();
            assert!(faults.is_none(), "seed {seed}: {faults:?}");
        }
    }
    endings.assert_both();
}

#[test]
fn broken_documents_of_a_calibration_are_errors_or_calibrations() {
    let names = ["model", "placement", "cluster", "summary"];
    let originals = names.map(|name| read(&format!("runner/{name}.json")));
    let classes = BTreeMap::new();
    let mut endings = Endings::default();
    for seed in seeds() {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut texts = originals.clone();
        let which = rng.random_range(0..texts.len());
        for _ in 0..rng.random_range(1..20) {
            let at = rng.random_range(0..texts[which].len());
            replace_number(&mut texts[which], at, &mut rng);
        }
        if rng.random_bool(0.3) {
            texts[which] = broken(&texts[which], &mut rng);
        }
        let parsed = texts.iter().map(|text| serde_json::from_slice(text).ok()).collect::<Option<Vec<Value>>>();
        let Some([profile, placement, cluster, summary]) = parsed.as_deref() else { continue };
        let calibration = Measurements::from_json(summary).and_then(|measurements| {
            calibrate(&CalibrationInput {
                profile,
                placement,
                measurements: &measurements,
                cluster: Some(cluster),
                device_classes: &classes,
                device_class: Some("board"),
                costs: PlannedCosts::default(),
                files: &[],
            })
        });
        if let Some(calibration) = endings.counted(seed, calibration) {
            // What the planner reads, it reads after the correction, too.
            if ModelProfile::from_json(profile).is_ok() {
                let faults = ModelProfile::from_json(&calibration.profile).err();
                assert!(faults.is_none(), "seed {seed}: {faults:?}");
            }
            if ClusterInventory::from_json(cluster).is_ok() {
                let faults = ClusterInventory::from_json(&calibration.cluster.unwrap()).err();
                assert!(faults.is_none(), "seed {seed}: {faults:?}");
            }
        }
    }
    endings.assert_both();
}
