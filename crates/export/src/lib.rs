//! Placements as files of orchestrators and as drawings.
//!
//! Everything here is pure: callers read documents and write files. Input is a placement document as JSON, of the command line
//! or of the service, and if there is one the `stages.json` that `cutpoint cut` wrote for it. Equal inputs give equal files:
//! the pipeline's token is an input.

mod compose;
mod cuts;
mod deployment;
mod dot;
mod endpoint;
mod error;
mod escape;
mod file;
mod headroom;
mod kubernetes;
mod names;
mod nomad;
mod options;
mod placement;
mod stages;
mod svg;
pub mod units;
mod yaml;

pub use endpoint::Endpoint;
pub use error::ExportError;
pub use file::{Export, File};
pub use headroom::Headroom;
pub use options::{Documents, Format, Options, StageFiles};

use placement::Placement;
use stages::StagesFile;

/// Exports a placement. Files are in a fixed order, and no two have the same path.
///
/// # Errors
/// A document cannot be read, the two documents do not belong together, an option that the format needs is absent, or one cannot be
/// used with the format.
pub fn export(documents: Documents<'_>, format: Format, options: &Options) -> Result<Export, ExportError> {
    let placement = Placement::read(documents.placement)?.with_capacities(documents.cluster);
    let stages = documents.stages.map(|document| StagesFile::read(document, &placement)).transpose()?;
    let headroom = Headroom::of_stages(documents.placement, options);
    let deployed =
        || deployment::Pipelines::new(&placement, stages.as_ref(), documents.cluster, (options, headroom), format);
    match format {
        Format::Kubernetes => kubernetes::export(&deployed()?),
        Format::Nomad => nomad::export(&deployed()?),
        Format::Compose => compose::export(&deployed()?),
        Format::Dot => Ok(Export::drawing(File::new("pipeline.dot", dot::draw(&placement)))),
        Format::Svg => Ok(Export::drawing(File::new("pipeline.svg", svg::draw(&placement)?))),
        Format::Cuts => Ok(Export::drawing(File::new("cuts.json", cuts::list(&placement, stages.as_ref())?))),
    }
}
