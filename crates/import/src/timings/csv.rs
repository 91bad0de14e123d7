//! Times that anybody can write: `layer_id,device_class,seconds`.

use std::collections::BTreeMap;

use super::kernel::Kernel;
use crate::fault::Faults;
use crate::input::{InputFile, MAX_FILE_BYTES};

/// The columns, in any order.
const COLUMNS: [&str; 3] = ["layer_id", "device_class", "seconds"];

/// Reads the times of one class. Of several rows of one layer the mean counts.
pub(super) fn read(file: &InputFile<'_>, class: &str, faults: &mut Faults) -> Option<Vec<Kernel>> {
    let content = file.bytes(MAX_FILE_BYTES, faults)?;
    let mut reader = ::csv::ReaderBuilder::new().trim(::csv::Trim::All).from_reader(content);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            faults.record(file.name, "line 1", format!("this is not CSV: {error}"), "Save the file as CSV in UTF-8");
            return None;
        }
    };
    let places = COLUMNS.map(|column| header.iter().position(|title| title == column));
    let [Some(layer), Some(device), Some(seconds)] = places else {
        let detail = format!("the first line is not {}", COLUMNS.join(","));
        faults.record(file.name, "line 1", detail, "Name the columns in the first line");
        return None;
    };
    let mut times: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    let mut others = std::collections::BTreeSet::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map(|position| format!("line {}", position.line())).unwrap_or_default();
                faults.record(file.name, line, error.to_string(), "Give three fields in each line");
                continue;
            }
        };
        if &record[device] != class {
            others.insert(record[device].to_owned());
            continue;
        }
        match record[seconds].parse::<f64>().ok().filter(|time| (0.0..=1e100).contains(time)) {
            Some(time) => {
                let (sum, count) = times.entry(record[layer].to_owned()).or_default();
                *sum += time;
                *count += 1.0;
            }
            None => {
                let line = record.position().map(|position| format!("line {}", position.line())).unwrap_or_default();
                let detail = format!("{:?} is not allowed as seconds", &record[seconds]);
                faults.record(file.name, line, detail, "Give a number of 0 or more");
            }
        }
    }
    if times.is_empty() && faults.is_empty() {
        let others = others.into_iter().take(10).collect::<Vec<_>>().join(", ");
        let detail = format!("there is no row of the device class {class:?}");
        faults.record(file.name, "", detail, format!("Name a class of the file: {others}"));
        return None;
    }
    Some(times.into_iter().map(|(layer, (sum, count))| Kernel::of_one(&layer, sum / count)).collect())
}
