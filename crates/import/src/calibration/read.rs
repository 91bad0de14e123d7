//! Reads the document of measurements, with all of its faults.

use serde_json::Value;

use super::inference::seconds;
use super::measurements::{
    AloneStage, LatencyOf, MeasuredHop, MeasuredLatency, MeasuredMemory, MeasuredPipeline, MeasuredStage, Measurements,
    Transfers,
};
use super::paired::MEASURED;
use crate::cursor::Cursor;
use crate::fault::{Faults, ImportError};

const VERSION: u64 = 1;

impl Measurements {
    /// Reads what `cutpoint-runner summarize` prints. Members that are not compared with a plan are passed over.
    ///
    /// # Errors
    /// Returns every fault, each with its JSON pointer.
    pub fn from_json(document: &Value) -> Result<Self, ImportError> {
        let mut faults = Faults::default();
        let found = read(&Cursor::new(MEASURED, document), &mut faults);
        match found {
            Some(found) if faults.is_empty() => Ok(found),
            _ => Err(faults.into_error()),
        }
    }
}

fn read(top: &Cursor<'_>, faults: &mut Faults) -> Option<Measurements> {
    if !top.value.is_object() {
        top.wrong_type("an object", faults);
        return None;
    }
    if let Some(version) = top.required(&["version"], faults)
        && version.count(faults).is_some_and(|number| number != VERSION)
    {
        version.fault(faults, format!("version {} is not known", version.value), format!("Give version {VERSION}"));
    }
    let model = top.required(&["model"], faults).and_then(|model| model.text(faults));
    let warm_up = top.required(&["warm_up_inferences"], faults).and_then(|count| count.count(faults));
    let list = top.required(&["pipelines"], faults);
    let pipelines = list.as_ref().map(|list| list.items(faults)).unwrap_or_default();
    if let Some(list) = list.filter(|list| list.value.as_array().is_some_and(Vec::is_empty)) {
        list.fault(faults, "there is no pipeline", "Give the summary of a folder with logs");
    }
    let pipelines = pipelines.iter().filter_map(|pipeline| read_pipeline(pipeline, faults)).collect();
    Some(Measurements { version: VERSION, model: model?.to_owned(), warm_up_inferences: warm_up?, pipelines })
}

fn read_pipeline(of: &Cursor<'_>, faults: &mut Faults) -> Option<MeasuredPipeline> {
    let number = of.required(&["pipeline"], faults).and_then(|number| number.count(faults));
    let overlap = of.get("overlap").and_then(|it| one_of(&it, &[("full", "full"), ("none", "none")], faults));
    let latency_names = [("one_at_a_time", LatencyOf::OneAtATime), ("stream", LatencyOf::Stream)];
    let latency_of = of.get("latency_of").and_then(|it| one_of(&it, &latency_names, faults));
    let period_s = seconds(of, "period_s", faults);
    let latency = of.get("latency").and_then(|latency| read_latency(&latency, faults));
    let stages = of.required(&["stages"], faults).map(|stages| stages.items(faults)).unwrap_or_default();
    let hops = of.required(&["hops"], faults).map(|hops| hops.items(faults)).unwrap_or_default();
    Some(MeasuredPipeline {
        overlap: overlap.map(str::to_owned),
        period_s,
        latency,
        latency_of,
        stages: stages.iter().filter_map(|stage| read_stage(stage, faults)).collect(),
        hops: hops.iter().filter_map(|hop| read_hop(hop, faults)).collect(),
        pipeline: number?,
    })
}

fn read_latency(of: &Cursor<'_>, faults: &mut Faults) -> Option<MeasuredLatency> {
    of.required(&["mean_s"], faults)?;
    let mean_s = seconds(of, "mean_s", faults);
    let count = of.required(&["count"], faults).and_then(|count| count.count(faults));
    Some(MeasuredLatency { mean_s: mean_s?, count: count? })
}

fn read_stage(of: &Cursor<'_>, faults: &mut Faults) -> Option<MeasuredStage> {
    let index = of.required(&["index"], faults).and_then(|index| index.count(faults));
    let node_id = of.required(&["node_id"], faults).and_then(|node| node.id(faults));
    let counted = of.required(&["counted"], faults).and_then(|counted| counted.count(faults));
    let amount = |name: &str, faults: &mut Faults| of.get(name).and_then(|it| it.amount(faults));
    let peak = of.at(&["memory", "peak_bytes"]).and_then(|peak| peak.bytes(1.0, faults));
    let alone = of.get("alone").and_then(|alone| {
        let counted = alone.required(&["counted"], faults).and_then(|counted| counted.count(faults));
        alone.required(&["compute_s"], faults)?;
        Some(AloneStage { counted: counted?, compute_s: seconds(&alone, "compute_s", faults)? })
    });
    Some(MeasuredStage {
        compute_s: seconds(of, "compute_s", faults),
        received_bytes: amount("received_bytes", faults),
        sent_bytes: amount("sent_bytes", faults),
        pace_s: seconds(of, "pace_s", faults),
        memory: peak.map(|peak_bytes| MeasuredMemory { peak_bytes }),
        alone,
        index: index?,
        node_id: node_id?.to_owned(),
        counted: counted?,
    })
}

fn read_hop(of: &Cursor<'_>, faults: &mut Faults) -> Option<MeasuredHop> {
    let from = of.required(&["from"], faults).and_then(|from| from.text(faults));
    let to = of.required(&["to"], faults).and_then(|to| to.text(faults));
    let transfers = read_transfers(of, faults);
    let alone = of.get("alone").and_then(|alone| read_transfers(&alone, faults));
    Some(MeasuredHop::new(from?.to_owned(), to?.to_owned(), transfers?, alone))
}

fn read_transfers(of: &Cursor<'_>, faults: &mut Faults) -> Option<Transfers> {
    let measured = of.required(&["measured"], faults).and_then(|measured| measured.count(faults));
    let bytes = of.get("bytes").and_then(|bytes| bytes.amount(faults));
    let transfer_s = seconds(of, "transfer_s", faults);
    let goodput_bps = of.get("goodput_bps").and_then(|goodput| goodput.positive(faults));
    Some(Transfers { measured: measured?, bytes, transfer_s, goodput_bps })
}

fn one_of<T: Copy>(of: &Cursor<'_>, names: &[(&str, T)], faults: &mut Faults) -> Option<T> {
    let text = of.text(faults)?;
    let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        let names = names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ");
        of.fault(faults, format!("{text:?} is not known here"), format!("Give {names}"));
    }
    found
}
