//! Tables of TFLite's `benchmark_model`: CSV sections, of which the run order has each operator once.

use ::csv::StringRecord;

use super::fused;
use super::kernel::Kernel;
use crate::fault::Faults;
use crate::input::{InputFile, MAX_FILE_BYTES};

const MILLISECOND: f64 = 1e-3;

/// The columns that count.
struct Columns {
    mean: usize,
    name: usize,
    times_called: Option<usize>,
}

/// Reads the first table that has a name in each row.
pub(super) fn read(file: &InputFile<'_>, faults: &mut Faults) -> Option<Vec<Kernel>> {
    let content = file.bytes(MAX_FILE_BYTES, faults)?;
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(::csv::Trim::All).from_reader(content);
    let mut columns: Option<Columns> = None;
    let mut kernels = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map(|position| format!("line {}", position.line())).unwrap_or_default();
                faults.record(file.name, line, format!("this is not CSV: {error}"), "Give the unchanged file in UTF-8");
                return None;
            }
        };
        let starts_table = record.get(0).is_some_and(|first| first.eq_ignore_ascii_case("node type"));
        match &columns {
            None if starts_table => columns = Columns::find(&record),
            // Another table, or the title of one.
            Some(_) if starts_table || record.len() < 3 => break,
            Some(columns) => kernels.extend(columns.read(&record, file, faults)),
            None => {}
        }
    }
    if kernels.is_empty() && faults.is_empty() {
        let action = "Give the file of benchmark_model --enable_op_profiling=true --profiling_output_csv_file=FILE";
        faults.record(file.name, "", "there is no table with the columns avg_ms and name", action);
    }
    (!kernels.is_empty()).then_some(kernels)
}

impl Columns {
    fn find(header: &StringRecord) -> Option<Self> {
        let letters = |title: &str| title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let find = |wanted: &str| header.iter().position(|title| letters(title) == wanted);
        Some(Self {
            mean: find("avgms").or_else(|| find("avg"))?,
            name: find("name")?,
            times_called: find("timescalled"),
        })
    }

    fn read(&self, record: &StringRecord, file: &InputFile<'_>, faults: &mut Faults) -> Option<Kernel> {
        let line = record.position().map(|position| format!("line {}", position.line())).unwrap_or_default();
        // A name may have commas, and it is the last column.
        let name = record.iter().skip(self.name).collect::<Vec<_>>().join(", ");
        let number = |column: usize| record.get(column).and_then(|text| text.parse::<f64>().ok());
        let Some(mean) = number(self.mean).filter(|mean| (0.0..=1e100).contains(mean)) else {
            faults.record(file.name, line, "avg_ms is no number of 0 or more", "Give the unchanged file");
            return None;
        };
        let times = self.times_called.and_then(number).filter(|times| (1.0..=1e9).contains(times)).unwrap_or(1.0);
        Some(Kernel { operators: fused::tflite(&name), name, seconds: mean * MILLISECOND * times })
    }
}
