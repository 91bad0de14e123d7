//! Drawings: well-formed, without styles, with all that a placement says.

use cutpoint_export::{Format, Options};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::documents::{exported_with, pipeline, placement, stages, text};

/// What an SVG consists of.
pub struct Parts {
    pub texts: Vec<String>,
    pub elements: Vec<String>,
}

/// Reads an SVG, and checks that a strict page takes it.
pub fn check_svg(bytes: &[u8]) -> Parts {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut reader = Reader::from_str(text);
    let mut parts = Parts { texts: vec![String::new()], elements: Vec::new() };
    let mut depth = 0_i32;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                depth += 1;
                check_element(&element, &mut parts);
                parts.texts.push(String::new());
            }
            Event::Empty(element) => check_element(&element, &mut parts),
            Event::End(_) => {
                depth -= 1;
                parts.texts.push(String::new());
            }
            Event::Text(text) => parts.texts.last_mut().unwrap().push_str(&text),
            Event::GeneralRef(name) => {
                let shown = match &*name {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "apos" => "'",
                    other => panic!("{other}"),
                };
                parts.texts.last_mut().unwrap().push_str(shown);
            }
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(depth, 0);
    assert!(!text.contains(|sign: char| sign.is_control() && sign != '\n'));
    parts
}

fn check_element(element: &quick_xml::events::BytesStart<'_>, parts: &mut Parts) {
    let name = element.name().as_ref().to_owned();
    assert!(["svg", "title", "g", "rect", "path", "text"].contains(&name.as_str()), "{name}");
    for attribute in element.attributes() {
        let attribute = attribute.unwrap();
        let key = attribute.key.as_ref();
        assert!(key != "style" && key != "class" && !key.starts_with("on"), "{name}");
    }
    parts.elements.push(name);
}

fn drawn(placement: &Value) -> (Parts, String) {
    let export = exported_with(Format::Svg, placement, None, &Options::default());
    (check_svg(&export.files[0].bytes), text(&export, "pipeline.svg").to_owned())
}

#[test]
fn stages_stand_in_order_with_their_figures() {
    let names: Vec<String> = (0..40).map(|i| format!("node-{i:02}")).collect();
    for count in [1, 3, 12, 40] {
        let nodes: Vec<&str> = names.iter().take(count).map(String::as_str).collect();
        let (parts, _) = drawn(&placement(&nodes));
        let shown: Vec<_> = parts.texts.iter().filter(|text| names.contains(text)).collect();
        assert_eq!(shown, names.iter().take(count).collect::<Vec<_>>());
        assert_eq!(parts.texts.iter().filter(|text| *text == "4 KiB").count(), count - 1);
        assert_eq!(parts.texts.iter().filter(|text| *text == "10 MiB of 1 GiB").count(), count);
        assert_eq!(parts.texts.iter().filter(|text| *text == "250 ms, 50 %").count(), count);
        assert_eq!(parts.texts.iter().filter(|text| *text == "bottleneck").count(), 1);
    }
}

#[test]
fn sources_sinks_media_and_pipelines_are_drawn() {
    let mut document = placement(&["a", "b"]);
    let transfer = |end: &str, node: &str| json!({end: node, "bytes": 7, "transfer_s": 0.0625});
    let stages = &mut document["pipelines"][0]["stages"];
    stages[0]["receive"] = transfer("from_node_id", "camera");
    stages[1]["send"] = transfer("to_node_id", "gateway");
    document["media"] = json!([{"id": "air <&>", "occupied_s": 0.5}, {"id": "wire", "occupied_s": 0.0}]);
    document["pipelines"][0]["bottleneck"] = json!({"kind": "medium", "stage_index": 0, "medium_id": "air <&>"});
    document["pipelines"].as_array_mut().unwrap().push(pipeline(&["c"]));
    let (parts, _) = drawn(&document);
    for text in [
        "camera",
        "gateway",
        "source",
        "sink",
        "air <&>",
        "500 ms, 100 %",
        "0 s, 0 %",
        "pipeline 0: period 500 ms, latency 1 s",
        "c",
    ] {
        assert!(parts.texts.iter().any(|it| it == text), "{text}: {:?}", parts.texts);
    }
    assert_eq!(parts.texts.iter().filter(|text| *text == "bottleneck").count(), 2);
    assert_eq!(parts.texts.iter().filter(|text| *text == "7 B").count(), 2);
}

#[test]
fn odd_figures_do_not_break_a_drawing() {
    for (period_s, seconds) in [(0.0, 0.0), (1e-300, 1e300), (1e7, 1e-12), (-1.0, -1.0)] {
        let mut document = placement(&["a", "b"]);
        document["pipelines"][0]["period_s"] = json!(period_s);
        document["pipelines"][0]["stages"][0]["compute_s"] = json!(seconds);
        document["pipelines"][0]["stages"][0]["memory_capacity_bytes"] = json!(0);
        document["pipelines"][0]["stages"][0]["send"]["transfer_s"] = json!(seconds);
        let (_, text) = drawn(&document);
        assert!(!["NaN", "\"inf", "-inf", ">inf"].iter().any(|odd| text.contains(odd)), "{text}");
    }
}

#[test]
fn graphs_and_cuts_name_all_that_travels() {
    let document = placement(&["a", "b", "c"]);
    let graph = exported_with(Format::Dot, &document, None, &Options::default());
    let graph = text(&graph, "pipeline.dot");
    assert_eq!(graph.matches(" -> ").count(), 2);
    assert!(graph.contains(r#""p0_stage0" -> "p0_stage1" [label="4 KiB\n125 ms"]"#), "{graph}");
    assert!(graph.contains(r#""p0_stage0" [label="0  a\n1 layer\n10 MiB of 1 GiB\n250 ms", color="#), "{graph}");
    let cuts = |stages: Option<&Value>| {
        let export = exported_with(Format::Cuts, &document, stages, &Options::default());
        let cuts: Value = serde_json::from_str(text(&export, "cuts.json")).unwrap();
        cuts["pipelines"][0]["stages"].clone()
    };
    let by_layer = json!({"index": 1, "node_id": "b", "layers": 1, "receives": ["layer-0"], "sends": ["layer-1"]});
    assert_eq!(cuts(None)[1], by_layer);
    let by_tensor = json!({"index": 0, "node_id": "a", "layers": 1, "receives": ["t0"], "sends": ["t1"]});
    assert_eq!(cuts(Some(&stages("m", &["a", "b", "c"])))[0], by_tensor);
}
