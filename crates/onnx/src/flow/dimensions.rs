//! Numbers for the dimensions that the file names.

use std::collections::{BTreeMap, BTreeSet};

use super::{SetDimension, Source};
use crate::error::Error;
use crate::model::{Dimension, ValueInfo, ValueType};
use crate::options::Options;

/// The dimensions that the file leaves open, with their numbers.
#[derive(Debug, Default)]
pub(super) struct Dimensions {
    sizes: BTreeMap<String, (u64, Source)>,
    /// Those without a name, by input and place.
    unnamed: Vec<SetDimension>,
}

impl Dimensions {
    pub(super) fn new(options: &Options) -> Self {
        let set = options.dimensions.iter().map(|(name, &size)| (name.clone(), (size, Source::Set)));
        Self { sizes: set.collect(), unnamed: Vec::new() }
    }

    /// Returns the shape that is declared, if all of its dimensions have numbers.
    pub(super) fn shape(&self, declared: &[Dimension]) -> Option<Vec<u64>> {
        declared.iter().map(|dimension| self.size(dimension)).collect()
    }

    pub(super) fn size(&self, dimension: &Dimension) -> Option<u64> {
        match dimension {
            Dimension::Size(size) => Some(*size),
            Dimension::Symbol(name) => self.sizes.get(name).map(|&(size, _)| size),
            Dimension::Unknown => None,
        }
    }

    /// Gives a dimension the number that the whole shape of an input says.
    pub(super) fn bind(&mut self, name: &str, size: u64, input: &str) -> Result<(), Error> {
        match self.sizes.insert(name.to_owned(), (size, Source::Set)) {
            Some((other, Source::Set)) if other != size => Err(Error::Option {
                option: format!("{input}=…"),
                detail: format!("the dimension {name} would be {size} here and is {other} elsewhere"),
                action: "Give it one number".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Gives a dimension that looks like the batch, and has no number, the number 1.
    pub(super) fn default_to_one(&mut self, dimension: &Dimension, input: &str, place: usize) -> bool {
        match dimension {
            Dimension::Symbol(name) if is_batch(name) || (place == 0 && is_anonymous(name)) => {
                self.sizes.entry(name.clone()).or_insert((1, Source::Default));
                true
            }
            Dimension::Unknown if place == 0 => {
                let name = format!("{input}[0]");
                self.unnamed.push(SetDimension { name, size: 1, source: Source::Default });
                true
            }
            _ => false,
        }
    }

    /// Returns the number of the dimension that looks like the batch, and where it comes from.
    pub(super) fn batch(&self) -> Option<(u64, Source)> {
        self.sizes.iter().find(|(name, _)| is_batch(name)).map(|(_, &batch)| batch)
    }

    pub(super) fn into_list(self) -> Vec<SetDimension> {
        let named = self.sizes.into_iter().map(|(name, (size, source))| SetDimension { name, size, source });
        named.chain(self.unnamed).collect()
    }
}

/// Exporters write such names for the number of inputs that a pass takes at once.
fn is_batch(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("batch") || matches!(name.as_str(), "n" | "b" | "bs")
}

/// Exporters number dimensions of which they know nothing.
fn is_anonymous(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|character| character.is_ascii_digit());
    name.starts_with("unk__") || name.contains("DynamicDimension") || name.strip_prefix('s').is_some_and(is_number)
}

/// Checks that the model has the dimensions that the options set.
pub(super) fn check_names<'a>(options: &Options, infos: impl Iterator<Item = &'a ValueInfo>) -> Result<(), Error> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for info in infos {
        if let ValueType::Tensor { shape: Some(shape), .. } = &info.kind {
            known.extend(shape.iter().filter_map(|dimension| match dimension {
                Dimension::Symbol(name) => Some(name.as_str()),
                Dimension::Size(_) | Dimension::Unknown => None,
            }));
        }
    }
    match options.dimensions.iter().find(|(name, _)| !known.contains(name.as_str())) {
        None => Ok(()),
        Some((name, size)) => Err(unknown(format!("{name}={size}"), "dimension", known.into_iter())),
    }
}

/// Makes the error of an option that names what the model does not have.
pub(super) fn unknown<'a>(option: String, what: &str, known: impl Iterator<Item = &'a str>) -> Error {
    const MOST_NAMED: usize = 12;
    let known: Vec<&str> = known.take(MOST_NAMED).collect();
    let action = match known.is_empty() {
        true => format!("Leave it out: the model has no {what} to set"),
        false => format!("Name one of {}", known.join(", ")),
    };
    Error::Option { option, detail: format!("the model has no {what} of this name"), action }
}
