//! Files of PipeEdge: what they become, and that Cutpoint then counts as PipeEdge's scheduler does.

mod brute_force;
mod published;

use cutpoint_import::pipeedge::{self, Choice};
use cutpoint_import::{ImportError, Imported, InputFile, Origin};
use serde_json::{Value, json};

use crate::data::{cluster, codes, model, read};

fn import(choice: Choice<'_>) -> Result<Vec<Imported>, ImportError> {
    let (models, types) = (read("pipeedge/models.yml"), read("pipeedge/device_types.yml"));
    let models = InputFile { name: "models.yml", content: &models };
    pipeedge::models(&models, Some(&InputFile { name: "device_types.yml", content: &types }), &choice)
}

fn hosts(devices: &str) -> Result<Imported, ImportError> {
    let types = read("pipeedge/device_types.yml");
    let types = InputFile { name: "device_types.yml", content: &types };
    pipeedge::cluster(&types, &InputFile { name: "devices.yml", content: devices.as_bytes() }, "boards")
}

fn faults<T: std::fmt::Debug>(result: Result<T, ImportError>) -> Vec<String> {
    result.unwrap_err().faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_model_is_a_chain_with_times_by_device_type() {
    let imported = import(Choice { batch_size: Some(8), ..Choice::default() }).unwrap();
    let [imported] = &imported[..] else { panic!("{imported:?}") };
    let profile = model(imported);
    assert_eq!((profile.name.as_str(), profile.batch_size, profile.layers.len()), ("lab/tiny-vit", 8, 5));
    let layer = |index: usize| &profile.layers[index];
    assert_eq!((layer(0).id.as_str(), layer(0).output_bytes), ("input", 3072 * 32));
    // The first stage has one buffer of the input, where the cost model counts three.
    assert_eq!(layer(1).param_bytes, 6_815_744 - 2 * 3072 * 32);
    assert_eq!((layer(4).param_bytes, layer(4).output_bytes), (7_471_104, 320));
    assert_eq!(layer(4).time_s, [("fast-board".to_owned(), 0.12), ("slow-board".to_owned(), 0.25)].into());
    let times = imported.report.sources.iter().find(|source| source.figure == "time_s/slow-board").unwrap();
    assert_eq!(times.origin, Origin::Measured);
    assert_eq!(times.place.as_deref(), Some("/slow-board/model_profiles/lab~1tiny-vit/0/time_s"));
    assert_eq!(codes(imported), ["model_left_out"]);
    assert!(imported.document["description"].as_str().unwrap().contains("time_s/fast-board: 4 measured by pipeedge"));
}

#[test]
fn several_batches_need_a_choice() {
    let found = faults(import(Choice::default()));
    assert!(found[0].contains("models.yml at /lab~1tiny-vit: the device types have several batches"), "{found:?}");
    assert!(found[0].ends_with("1 of torch.float32, 8 of torch.float32"), "{found:?}");
    let one = import(Choice { batch_size: Some(1), ..Choice::default() }).unwrap();
    assert_eq!(model(&one[0]).layers[1].time_s, [("fast-board".to_owned(), 0.03)].into());
    let none = faults(import(Choice { dtype: Some("torch.int8"), ..Choice::default() }));
    assert!(none[0].contains("no profile of the wanted batch"), "{none:?}");
    let absent = faults(import(Choice { model: Some("vit"), ..Choice::default() }));
    assert!(absent[0].contains("there is no model \"vit\""), "{absent:?}");
}

#[test]
fn hosts_are_nodes_whose_ports_bound_the_rates() {
    let devices = String::from_utf8(read("pipeedge/devices.yml")).unwrap();
    let imported = hosts(&devices).unwrap();
    let boards = cluster(&imported);
    let nodes: Vec<(&str, Option<&str>, u64, Option<f64>)> = boards
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node.device_class.as_deref(), node.free_bytes(), node.port_bps))
        .collect();
    let mega = f64::from(1 << 20);
    assert_eq!(
        nodes,
        [
            ("fast-0", Some("fast-board"), (64 << 20) - 1, Some(100.0 * mega)),
            ("slow-0", Some("slow-board"), (20 << 20) - 1, Some(10.0 * mega)),
            ("slow-1", Some("slow-board"), (20 << 20) - 1, Some(10.0 * mega)),
        ]
    );
    let memory = "stated by pipeedge in device_types.yml at /slow-board/mem_MB";
    assert_eq!(boards.nodes[1].labels["source.memory_bytes"], memory);
}

#[test]
fn an_unknown_type_is_a_fault_and_all_faults_come_at_once() {
    let found = faults(hosts("fast-board: [a, a]\nmissing: [b]\nDummyDeviceType: [c]\n"));
    let wanted = "devices.yml at /missing: device_types.yml has no type \"missing\". Add the type there, or name one of: \
                  DummyDeviceType, fast-board, slow-board";
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|fault| fault == wanted), "{found:?}");
    assert!(found.iter().any(|fault| fault.contains("/DummyDeviceType/bw_Mbps: 0 is not allowed")), "{found:?}");
    assert!(found.iter().any(|fault| fault.contains("the host \"a\" is listed twice")), "{found:?}");
}

/// Returns the request that counts as PipeEdge does.
fn request(model: &Imported, cluster: &Imported) -> Value {
    json!({
        "model": model.document,
        "cluster": cluster.document,
        "cost_model": model.report.cost_model,
        "solver": { "tolerance": 0, "time_limit_s": 60 },
    })
}
