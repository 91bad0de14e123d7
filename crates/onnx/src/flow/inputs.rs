//! The inputs of the model, with the shapes that the file and the options give them.

use super::dimensions::{Dimensions, unknown};
use super::{FlowTensor, Origin, Source};
use crate::error::{Error, UnsetInput};
use crate::model::{Dimension, ElementType, ValueInfo, ValueType, Values};
use crate::options::Options;
use crate::shapes::Fact;

/// Returns the tensors of inputs.
///
/// # Errors
/// Returns an error if dimensions are not known, an input is no tensor, or an option does not fit.
pub(super) fn read_inputs(
    inputs: &[&ValueInfo],
    options: &Options,
    dimensions: &mut Dimensions,
) -> Result<Vec<FlowTensor<'static>>, Error> {
    let names = || inputs.iter().map(|input| input.name.as_str());
    if let Some(name) = options.values.keys().find(|name| names().all(|known| known != name.as_str())) {
        return Err(unknown(format!("{name}=…"), "input", names()));
    }
    for input in inputs {
        bind_shape(input, options, dimensions)?;
    }
    let mut unset = Vec::new();
    let mut tensors = Vec::with_capacity(inputs.len());
    for input in inputs {
        let element = element_of(input)?;
        match shape_of(input, options, dimensions) {
            Ok((shape, source)) => {
                let fact = Fact::new(Some(element), shape);
                let fact = with_values(fact, &input.name, options)?;
                tensors.push(FlowTensor { name: input.name.clone(), origin: Origin::Input, fact, source, held: None });
            }
            Err(missing) => unset.push(missing),
        }
    }
    if unset.is_empty() { Ok(tensors) } else { Err(Error::UnsetDimensions { inputs: unset }) }
}

/// Gives the names within the declared shape of an input the numbers of the shape that is set.
fn bind_shape(input: &ValueInfo, options: &Options, dimensions: &mut Dimensions) -> Result<(), Error> {
    let (Some(set), ValueType::Tensor { shape: Some(declared), .. }) = (options.shapes.get(&input.name), &input.kind)
    else {
        return Ok(());
    };
    if set.len() != declared.len() {
        return Err(Error::Option {
            option: format!("{}={}", input.name, joined(set)),
            detail: format!("the input has {} dimensions", declared.len()),
            action: format!("Give {} numbers with x between them", declared.len()),
        });
    }
    for (dimension, &size) in declared.iter().zip(set) {
        if let Dimension::Symbol(name) = dimension {
            dimensions.bind(name, size, &input.name)?;
        }
    }
    Ok(())
}

fn element_of(input: &ValueInfo) -> Result<ElementType, Error> {
    let unsupported = |reason: String| Error::Unsupported {
        node: input.name.clone(),
        operator: "Input".to_owned(),
        reason,
        action: "Export the model with tensors as inputs".to_owned(),
    };
    match &input.kind {
        ValueType::Tensor { element: Some(element), .. } if element.bits().is_some() => Ok(*element),
        ValueType::Tensor { element: Some(element), .. } => {
            Err(unsupported(format!("its elements are of the type {element}, which has no fixed size")))
        }
        ValueType::Tensor { element: None, .. } | ValueType::Unknown => {
            Err(unsupported("its type is not given".to_owned()))
        }
        ValueType::Other(what) => Err(unsupported(format!("it is {what}, no tensor"))),
    }
}

fn shape_of(
    input: &ValueInfo,
    options: &Options,
    dimensions: &mut Dimensions,
) -> Result<(Vec<u64>, Source), UnsetInput> {
    if let Some(shape) = options.shapes.get(&input.name) {
        return Ok((shape.clone(), Source::Set));
    }
    let missing = |dimensions: Vec<String>, symbols| UnsetInput { name: input.name.clone(), dimensions, symbols };
    let ValueType::Tensor { shape: Some(declared), .. } = &input.kind else {
        return Err(missing(vec!["?".to_owned()], Vec::new()));
    };
    // Nobody means an empty input; some exporters write 0 for a dimension that they do not know.
    let known =
        |dimension: &Dimension| if *dimension == Dimension::Size(0) { Dimension::Unknown } else { dimension.clone() };
    let declared: Vec<Dimension> = declared.iter().map(known).collect();
    let mut source = Source::File;
    let mut shape = Vec::with_capacity(declared.len());
    for (place, dimension) in declared.iter().enumerate() {
        if !matches!(dimension, Dimension::Size(_)) && source == Source::File {
            source = Source::Set;
        }
        match dimensions.size(dimension) {
            Some(size) => shape.push(size),
            None if dimensions.default_to_one(dimension, &input.name, place) => {
                source = Source::Default;
                shape.push(1);
            }
            None => {
                let sizes = declared.iter().map(|dimension| written(dimension, dimensions)).collect();
                let open = declared.iter().filter(|dimension| dimensions.size(dimension).is_none());
                let symbols = open.filter_map(|dimension| match dimension {
                    Dimension::Symbol(name) => Some(name.clone()),
                    Dimension::Size(_) | Dimension::Unknown => None,
                });
                return Err(missing(sizes, symbols.collect()));
            }
        }
    }
    Ok((shape, source))
}

fn written(dimension: &Dimension, dimensions: &Dimensions) -> String {
    match (dimensions.size(dimension), dimension) {
        (Some(size), _) => size.to_string(),
        (None, Dimension::Symbol(name)) => name.clone(),
        (None, _) => "?".to_owned(),
    }
}

fn with_values(fact: Fact, name: &str, options: &Options) -> Result<Fact, Error> {
    let Some(values) = options.values.get(name) else { return Ok(fact) };
    let element = fact.element.filter(|element| element.is_integer());
    let known = match element {
        Some(_) => Values::Integers(values.clone()),
        None => Values::Floats(values.iter().map(|&value| value as f64).collect()),
    };
    let count = fact.elements();
    let fact = fact.with_values(Some(known));
    if fact.values.is_some() {
        return Ok(fact);
    }
    Err(Error::Option {
        option: format!("{name}=…"),
        detail: format!("there are {} values, the input has {} elements", values.len(), count.unwrap_or(0)),
        action: "Give as many integers as the input has elements, with commas between them".to_owned(),
    })
}

fn joined(shape: &[u64]) -> String {
    shape.iter().map(u64::to_string).collect::<Vec<_>>().join("x")
}
