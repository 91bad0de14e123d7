//! `cutpoint export`: a placement as files of an orchestrator, or as a drawing.

mod arguments;
mod difference;
mod folder;

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use cutpoint_export::{Documents, Export, ExportError, Format, export};

use super::exit::Exit;
use super::{complain, document};
pub(super) use arguments::ExportArguments;

pub(super) fn run(arguments: &ExportArguments) -> Exit {
    let export = match read_and_export(arguments) {
        Ok(export) => export,
        Err(error) => {
            complain(&error);
            return Exit::BadInput;
        }
    };
    for warning in &export.warnings {
        eprintln!("cutpoint: {warning}");
    }
    match (&arguments.diff, &arguments.output) {
        (Some(earlier), _) => difference::show(&export, earlier),
        (None, Some(output)) => write(arguments, &export, output),
        // The parser requires one of the two.
        (None, None) => Exit::BadInput,
    }
}

fn read_and_export(arguments: &ExportArguments) -> anyhow::Result<Export> {
    let inputs = [Some(&arguments.placement), arguments.stages.as_ref(), arguments.cluster.as_ref()];
    let from_standard_input = inputs.iter().flatten().filter(|file| file.as_path() == Path::new("-")).count();
    anyhow::ensure!(from_standard_input <= 1, "standard input, -, can be read once only");
    let placement = document::read(&arguments.placement)?;
    let stages = arguments.stages.as_deref().map(document::read).transpose()?;
    let cluster = arguments.cluster.as_deref().map(document::read).transpose()?;
    let token = arguments.token_file().map(|file| token(file)).transpose()?;
    let documents = Documents { placement: &placement, stages: stages.as_ref(), cluster: cluster.as_ref() };
    export(documents, arguments.format, &arguments.options(token)).map_err(|error| {
        let file = match (&error, &arguments.stages) {
            (ExportError::Stages(_) | ExportError::OtherPlacement(_), Some(stages)) => stages,
            _ => &arguments.placement,
        };
        anyhow::anyhow!("{}: {error}{}", file.display(), flag_for(&error))
    })
}

fn token(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(text.trim().to_owned())
}

/// Returns which flag does what an error asks for.
fn flag_for(error: &ExportError) -> &'static str {
    match error {
        ExportError::NoImage(_) | ExportError::Image(_) => ": --image IMAGE",
        ExportError::NoToken | ExportError::BadToken => ": --token-file FILE",
        ExportError::Name { what: "name", .. } => ": --name NAME",
        ExportError::Name { .. } => ": --namespace NAME",
        ExportError::NoAddress(_) => ": --address NODE=HOST:PORT, or --cluster FILE",
        ExportError::SameAddress(_) => ": --address NODE=HOST:PORT, --port PORT or --health-port PORT",
        ExportError::Ports(_) => ": --address NODE=HOST:PORT, --port PORT or --health-port PORT",
        ExportError::StageFiles(_) => ": --stage-files KIND:WHERE",
        _ => "",
    }
}

fn write(arguments: &ExportArguments, export: &Export, output: &Path) -> Exit {
    let written = if output == Path::new("-") {
        if !export.can_be_joined {
            eprintln!(
                "cutpoint: {} has several files, which standard output cannot tell apart; give a folder as --output",
                arguments.format
            );
            return Exit::BadInput;
        }
        print(export).context("standard output")
    } else if is_file(arguments.format, output) {
        let file = &export.files[0];
        std::fs::write(output, &file.bytes).with_context(|| format!("{} cannot be written", output.display()))
    } else {
        folder::write(export, output, arguments.prune)
    };
    match written {
        Ok(()) => Exit::Success,
        Err(error) => complain(&error),
    }
}

/// Returns `true` if an output is the name of the only file, and not that of a folder.
fn is_file(format: Format, output: &Path) -> bool {
    let ending = match format {
        Format::Dot => "dot",
        Format::Svg => "svg",
        Format::Cuts => "json",
        _ => return false,
    };
    !output.is_dir() && output.extension().is_some_and(|extension| extension == ending)
}

fn print(export: &Export) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for file in &export.files {
        out.write_all(&file.bytes)?;
    }
    out.flush()
}
