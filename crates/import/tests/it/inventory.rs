//! Node lists of Kubernetes and Nomad, joined with one another and with measurements.

use cutpoint_import::inventory::{InventoryInput, SharedMedium, inventory};
use cutpoint_import::{ImportError, InputFile, Origin};

use crate::data::{cluster, codes, link, read};

/// Passes the input of a site with both orchestrators to a test.
fn site<T>(test: impl FnOnce(InventoryInput<'_>) -> T) -> T {
    let (kubernetes, nomad, result) = (read("kubernetes.json"), read("nomad.json"), read("iperf3/a-b.json"));
    test(InventoryInput {
        name: "site",
        kubernetes: vec![InputFile { name: "kubernetes.json", content: &kubernetes }],
        nomad: vec![InputFile { name: "nomad.json", content: &nomad }],
        iperf3: vec![InputFile { name: "a-b.json", content: &result }],
        ..InventoryInput::default()
    })
}

fn faults(input: &InventoryInput<'_>) -> Vec<String> {
    inventory(input).map(|imported| imported.document).unwrap_err().faults.iter().map(ToString::to_string).collect()
}

#[test]
fn nodes_of_two_orchestrators_are_joined_by_their_addresses() {
    let imported = site(|input| inventory(&input)).unwrap();
    let cluster = cluster(&imported);
    let ids: Vec<&str> = cluster.nodes.iter().map(|node| node.id.as_str()).collect();
    // Nomad's pi-2-nomad has the address of pi-2.
    assert_eq!(ids, ["pi-1", "pi-2", "pi-3", "pi-4", "nuc-1", "nuc-2", "nuc-3"]);
    let [pi_1, pi_2, .., nuc_1, _, nuc_3] = &cluster.nodes[..] else { panic!("{ids:?}") };
    assert_eq!((pi_1.memory_bytes, pi_1.reserved_bytes), (3_948_464 << 10, 0));
    assert_eq!((pi_2.memory_bytes, pi_2.flops_per_s), (3845 << 20, Some(1.2e10)));
    assert_eq!((nuc_1.memory_bytes, nuc_1.reserved_bytes), (7820 << 20, 512 << 20));
    assert_eq!(nuc_1.device_class.as_deref(), Some("intel-n100"));
    assert_eq!(pi_1.device_class.as_deref(), Some("raspberry-pi-4"));
    assert_eq!(
        (pi_1.labels["site"].as_str(), pi_1.labels["node-role.kubernetes.io/control-plane"].as_str()),
        ("roof", "true")
    );
    // A taint, a cordon, a silent kubelet; an ineligible node of Nomad.
    let schedulable: Vec<bool> = cluster.nodes.iter().map(|node| node.schedulable).collect();
    assert_eq!(schedulable, [false, true, false, false, true, true, false]);
    assert_eq!(nuc_3.device_class, None);
    assert_eq!(link(&cluster, "pi-1", "pi-2"), Some((19193360.070611186, 0.00289)));
}

#[test]
fn each_figure_says_where_it_comes_from() {
    let imported = site(|input| inventory(&input)).unwrap();
    let label =
        |node: usize, label: &str| imported.document["nodes"][node]["labels"][label].as_str().unwrap().to_owned();
    let memory = "stated by kubernetes in kubernetes.json at /items/0/status/allocatable/memory";
    assert_eq!(label(0, "source.memory_bytes"), memory);
    assert_eq!(label(0, "source.port_bps"), "derived by iperf3 in a-b.json: the largest rate of the node");
    assert_eq!(
        label(4, "source.reserved_bytes"),
        "stated by nomad in nomad.json at /0/ReservedResources/Memory/MemoryMB"
    );
    assert_eq!(label(4, "source.device_class"), "stated by nomad in nomad.json at /0/NodeClass");
    let description = imported.document["description"].as_str().unwrap();
    assert!(description.contains("bandwidth_bps: 1 measured by iperf3 in a-b.json"), "{description}");
    assert!(description.contains("memory_bytes: 4 stated by kubernetes in kubernetes.json"), "{description}");
    let link = imported.report.sources.iter().find(|source| source.figure == "bandwidth_bps").unwrap();
    assert_eq!((link.origin, link.of.as_slice()), (Origin::Measured, &["pi-1 -> pi-2".to_owned()][..]));
}

#[test]
fn what_nobody_measured_is_absent_and_warned_of() {
    let imported = site(|input| inventory(&input)).unwrap();
    assert_eq!(cluster(&imported).links.len(), 1);
    let of = |code: &str| imported.report.warnings.iter().find(|warning| warning.code == code).unwrap();
    assert_eq!(of("pairs_unmeasured").detail, "nobody measured 41 of 42 directed pairs");
    assert_eq!(of("pairs_unmeasured").about.len(), 41);
    assert_eq!(of("compute_unknown").about, ["pi-3", "nuc-3"]);
    assert_eq!(codes(&imported).iter().filter(|&&code| code == "node_unschedulable").count(), 4);
}

#[test]
fn all_faults_come_at_once_with_file_and_place() {
    let bad_memory = br#"{"items": [{"metadata": {"name": "a"}, "status": {"allocatable": {"memory": "1KB"}}},
        {"metadata": {"name": "b"}, "status": {}}, {"metadata": {}, "status": {"allocatable": {"memory": 5}}}]}"#;
    let without_resources = br#"[{"Name": "n", "Status": "ready"}]"#;
    let input = InventoryInput {
        name: "",
        kubernetes: vec![InputFile { name: "k.json", content: bad_memory }],
        nomad: vec![InputFile { name: "n.json", content: without_resources }],
        iperf3: vec![InputFile { name: "i.json", content: b"{\"start\": " }],
        media: vec![SharedMedium { name: "air", node_ids: vec!["a", "z"] }],
        addresses: vec![("localhost", "a"), ("10.0.0.1", "z")],
        ..InventoryInput::default()
    };
    assert_eq!(
        faults(&input),
        [
            "--name: the name of the cluster is empty or too long. Give 1 to 256 characters",
            "k.json at /items/0/status/allocatable/memory: \"1KB\" is not allowed here. Give a quantity of Kubernetes of at \
             most 8Pi, such as 3948464Ki",
            "k.json at /items/1: status/allocatable/memory is missing. Give status/allocatable/memory",
            "k.json at /items/2: metadata/name is missing. Give metadata/name",
            "n.json at /0: NodeResources/Memory/MemoryMB is missing. Ask for it: /v1/nodes?resources=true",
            "--address at localhost: this is no IP or MAC address. Give an address",
            "--address at z: no list names this node. Name a node of a list",
            "i.json at line 1, column 10: this is not valid JSON: EOF while parsing a value at line 1 column 10. Give the \
             whole, unchanged JSON that the tool prints",
            "--medium at air: no list names the node \"a\". Name nodes of the lists: ",
            "--medium at air: no list names the node \"z\". Name nodes of the lists: ",
        ]
    );
}

#[test]
fn without_a_node_list_there_is_no_inventory() {
    let result = read("iperf3/a-b.json");
    let input = InventoryInput {
        name: "lab",
        iperf3: vec![InputFile { name: "a-b.json", content: &result }],
        ..InventoryInput::default()
    };
    assert_eq!(faults(&input).len(), 1);
    assert!(faults(&input)[0].contains("there is no node"), "{:?}", faults(&input));
}

#[test]
fn one_address_belongs_to_one_node_and_one_pair_to_one_medium() {
    let twice = br#"{"nodes": [{"id": "a", "memory_bytes": 1, "addresses": ["10.0.0.1"]},
        {"id": "b", "memory_bytes": 1, "addresses": ["10.0.0.1"]}, {"id": "c", "memory_bytes": 1}]}"#;
    let input = InventoryInput {
        name: "lab",
        nodes: vec![InputFile { name: "twice.json", content: twice }],
        ..InventoryInput::default()
    };
    assert!(faults(&input)[0].contains("of one list have one name or address"), "{:?}", faults(&input));
    let media = vec![
        SharedMedium { name: "one", node_ids: vec!["pi-1", "pi-2", "pi-3"] },
        SharedMedium { name: "two", node_ids: vec!["pi-2", "pi-3"] },
        SharedMedium { name: "three", node_ids: vec!["pi-1"] },
    ];
    let found = site(|input| faults(&InventoryInput { media, ..input }));
    assert!(found[0].contains("pi-2 and pi-3 share the medium \"one\" already"), "{found:?}");
    assert!(found[1].contains("fewer than two nodes"), "{found:?}");
}

#[test]
fn addresses_that_no_node_has_are_named() {
    let (nodes, result) = (br#"{"nodes": [{"id": "a", "memory_bytes": 1}]}"#, read("iperf3/a-b.json"));
    let input = InventoryInput {
        name: "lab",
        nodes: vec![InputFile { name: "nodes.json", content: nodes }],
        iperf3: vec![InputFile { name: "a-b.json", content: &result }],
        addresses: vec![("10.9.0.1", "a")],
        ..InventoryInput::default()
    };
    let imported: Result<_, ImportError> = inventory(&input);
    let warning = imported.unwrap().report.warnings.into_iter().find(|warning| warning.code == "unknown_address");
    assert_eq!(warning.unwrap().about, ["10.9.0.2 (a-b.json)"]);
}
