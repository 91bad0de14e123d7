//! Prints the profile of a model and its report.

use std::path::Path;
use std::process::ExitCode;

use cutpoint_onnx::options::{parse_dimension, parse_shape, parse_values};
use cutpoint_onnx::{Error, Options, read_file};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("profile MODEL.onnx [--dim batch=1] [--input x=1x3x224x224] [--value sr=16000]");
        return ExitCode::from(2);
    };
    let profile = options(arguments).and_then(|options| read_file(Path::new(&path), &options));
    match profile.map_err(|error| error.to_string()).and_then(|profile| {
        serde_json::to_writer(std::io::stdout().lock(), &profile).map_err(|error| error.to_string())
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, Error> {
    let mut options = Options::default();
    while let (Some(flag), Some(value)) = (arguments.next(), arguments.next()) {
        match flag.as_str() {
            "--dim" => options.dimensions.extend([parse_dimension(&value)?]),
            "--input" => options.shapes.extend([parse_shape(&value)?]),
            "--value" => options.values.extend([parse_values(&value)?]),
            _ => {
                return Err(Error::Option {
                    option: flag,
                    detail: "there is no such flag".to_owned(),
                    action: "Give --dim, --input or --value".to_owned(),
                });
            }
        }
    }
    Ok(options)
}
