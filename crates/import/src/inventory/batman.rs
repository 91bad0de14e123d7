//! Originator tables of batman-adv: what `batctl meshif bat0 originators_json` prints.

use super::address::Address;
use crate::cursor::Cursor;
use crate::fault::Faults;
use crate::input::InputFile;
use crate::report::Warning;

/// The name under which sources stand.
pub(super) const TOOL: &str = "batman-adv";

/// The largest throughput that is read: what batman-adv keeps in 32 bits of 100 kbit/s.
const MAX_KILOBITS: f64 = 4_294_967_295.0 * 100.0;

/// The node's own view of a mesh.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) file: String,
    pub(super) routes: Vec<Route>,
}

/// The best route of the table's node to another one.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) to: Address,
    /// The first hop; the other node itself where it is a neighbour.
    pub(super) via: Address,
    /// Throughput of the route by batman-adv's metric, bits per second.
    pub(super) bits_per_second: f64,
    pub(super) is_wireless: bool,
}

/// Reads the table of one node.
pub(super) fn read(file: &InputFile<'_>, warnings: &mut Vec<Warning>, faults: &mut Faults) -> Option<Table> {
    let document = file.json(faults)?;
    let rows = Cursor::new(file.name, &document).items(faults);
    let without_rate = rows.iter().filter(|row| row.get("throughput").is_none()).count();
    if without_rate > 0 {
        let detail = format!("{without_rate} rows of {} have no throughput", file.name);
        let action =
            "Let the mesh run B.A.T.M.A.N. V, which knows throughputs; the quality of B.A.T.M.A.N. IV is no rate";
        warnings.push(Warning::new("no_throughput", detail, action).about([file.name.to_owned()]));
    }
    // batctl marks the best route of each node. A list without marks has one route of each.
    let is_marked = rows.iter().any(|row| row.get("best").is_some());
    let counts = |row: &&Cursor<'_>| {
        row.get("throughput").is_some() && (!is_marked || row.get("best").is_some_and(|best| best.is_set()))
    };
    let routes = rows.iter().filter(counts).filter_map(|row| read_route(row, faults)).collect();
    Some(Table { file: file.name.to_owned(), routes })
}

fn read_route(row: &Cursor<'_>, faults: &mut Faults) -> Option<Route> {
    let [to, via] = ["orig_address", "neigh_address"].map(|name| {
        let cursor = row.required(&[name], faults)?;
        let address = cursor.text(faults).and_then(Address::parse);
        if address.is_none() {
            cursor.fault(faults, "this is not a MAC address", "Give the unchanged output of batctl");
        }
        address
    });
    let cursor = row.get("throughput")?;
    let kilobits = cursor.amount(faults)?;
    if kilobits > MAX_KILOBITS {
        cursor.fault(faults, format!("{kilobits} kbit/s is not allowed here"), format!("Give at most {MAX_KILOBITS}"));
    }
    let interface = row.get("hard_ifname").and_then(|name| name.value.as_str()).unwrap_or_default();
    let is_wireless =
        ["wl", "mesh", "ath", "phy", "ra", "adhoc", "ibss"].iter().any(|name| interface.starts_with(name));
    let route = Route { to: to?, via: via?, bits_per_second: kilobits * 1e3, is_wireless };
    // A route without throughput is not one that was measured.
    (kilobits > 0.0).then_some(route)
}
