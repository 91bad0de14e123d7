//! Results of `iperf3 --json`, of a client or a server.

use super::address::Address;
use super::measurement::Measurement;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;
use crate::report::Warning;

/// The name under which sources stand.
pub(super) const TOOL: &str = "iperf3";

/// What arrived backwards in a test of both directions at once.
const BACKWARD_SUM: &str = "sum_received_bidir_reverse";

/// Reads a file of one or more results. Counts their tests in `tests`.
pub(super) fn read(
    file: &InputFile<'_>,
    tests: &mut usize,
    warnings: &mut Vec<Warning>,
    faults: &mut Faults,
) -> Vec<Measurement> {
    let documents = file.json_documents(faults).unwrap_or_default();
    let mut measurements = Vec::new();
    for document in &documents {
        *tests += 1;
        let result = Cursor::new(file.name, document);
        if let Some(why) = failure(&result) {
            let detail = format!("{}: {why}", file.name);
            let warning = Warning::new("test_failed", detail, "Measure this pair again: nothing of it was read");
            warnings.push(warning.about([file.name.to_owned()]));
            continue;
        }
        warn_of_limits(&result, warnings);
        measurements.extend(read_result(&result, *tests, warnings, faults));
    }
    measurements
}

/// Why a result says nothing of a link.
fn failure(result: &Cursor<'_>) -> Option<String> {
    if let Some(error) = result.get("error") {
        return Some(format!("iperf3 failed: {}", error.value.as_str().unwrap_or("without saying why")));
    }
    let protocol = result.at(&["start", "test_start", "protocol"])?;
    (protocol.value == "UDP").then(|| "a test over UDP measures what was sent, not what the link carries".to_owned())
}

fn warn_of_limits(result: &Cursor<'_>, warnings: &mut Vec<Warning>) {
    let target = result.at(&["start", "test_start", "target_bitrate"]).and_then(|target| target.value.as_f64());
    if let Some(target) = target.filter(|&target| target > 0.0) {
        let detail = format!("{} was limited to {target} bit/s by --bitrate", result.file);
        let warning = Warning::new("rate_limited", detail, "Measure without --bitrate: the link may be faster");
        warnings.push(warning.about([result.file.to_owned()]));
    }
}

fn read_result(result: &Cursor<'_>, test: usize, warnings: &mut Vec<Warning>, faults: &mut Faults) -> Vec<Measurement> {
    let Some(connected) = result.required(&["start", "connected"], faults) else { return Vec::new() };
    let streams = connected.items(faults);
    let Some(first) = streams.first() else {
        connected.fault(faults, "the test had no connection", "Measure this pair again");
        return Vec::new();
    };
    let ends = ["local_host", "remote_host"].map(|name| {
        let host = first.required(&[name], faults)?;
        let address = host.text(faults).and_then(Address::parse);
        if address.is_none() {
            host.fault(faults, "this is not an IP address", "Give the unchanged output of iperf3 --json");
        }
        address
    });
    let [Some(local), Some(remote)] = ends else { return Vec::new() };
    let is_reverse = result.at(&["start", "test_start", "reverse"]).is_some_and(|flag| flag.is_set());
    // Not every version says in its settings that a test goes both ways.
    let is_both_ways = result.at(&["end", BACKWARD_SUM]).is_some();
    // A client sends, unless the test is reversed. A server's own result is the mirror image.
    let is_server = result.at(&["start", "accepted_connection"]).is_some();
    let local_sends = is_reverse == is_server;
    let (from, to) = if local_sends { (local, remote) } else { (remote, local) };
    let file = result.file.to_owned();
    let mut measured = |sum: &str, from, to, round_trip_s| {
        let bits_per_second = rate(result, sum, warnings, faults)?;
        Some(Measurement { from, to, bits_per_second, round_trip_s, is_both_ways, test, file: file.clone() })
    };
    let round_trip_s = round_trip_s(result, local_sends);
    let forward = measured("sum_received", from, to, round_trip_s);
    let backward = is_both_ways.then(|| measured(BACKWARD_SUM, to, from, None)).flatten();
    forward.into_iter().chain(backward).collect()
}

/// Reads the bit rate that arrived. Warns where nothing did: a server that sends does not know what
/// arrives. Records a fault where there is no figure.
fn rate(result: &Cursor<'_>, sum: &str, warnings: &mut Vec<Warning>, faults: &mut Faults) -> Option<f64> {
    let rate = result.required(&["end", sum, "bits_per_second"], faults)?.amount(faults)?;
    if rate >= 1.0 {
        return Some(rate);
    }
    let detail = format!("{}: no byte arrived by its {sum}", result.file);
    let action = "Give the result of the receiving end or of the client, or measure this pair again";
    warnings.push(Warning::new("nothing_arrived", detail, action).about([result.file.to_owned()]));
    None
}

/// Returns the least round-trip time of the streams that the local end sends. The figures of the
/// other streams are those of connections that only acknowledge; some versions write zeros or
/// other units there.
fn round_trip_s(result: &Cursor<'_>, local_sends: bool) -> Option<f64> {
    let streams = result.at(&["end", "streams"])?;
    let senders = streams.value.as_array()?.iter().filter_map(|stream| stream.get("sender"));
    let own = senders.filter(|sender| sender.get("sender").and_then(|flag| flag.as_bool()).unwrap_or(local_sends));
    let microseconds = own.filter_map(|sender| sender.get("min_rtt")?.as_f64()).filter(|&time| time > 0.0);
    microseconds.min_by(f64::total_cmp).filter(|&time| time <= 1e12).map(|time| time / 1e6)
}
