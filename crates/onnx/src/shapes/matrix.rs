//! Products of matrices.

use std::collections::BTreeMap;

use super::call::{Call, Gap};
use super::fact::Fact;
use super::index::broadcast;
use crate::model::ElementType;

/// The factors of a product and the type of its result.
pub(super) fn product_of_matrices(call: &Call) -> Result<Vec<Fact>, Gap> {
    let (element, right) = match call.operator {
        "MatMulInteger" => (Some(ElementType::INT32), 1),
        "QLinearMatMul" => (call.element(7), 3),
        "MatMulIntegerToFloat" => (call.element(2), 1),
        "DynamicQuantizeMatMul" => (Some(ElementType::FLOAT), 1),
        _ => (call.element(0), 1),
    };
    let mut a = call.shape(0)?.to_vec();
    let mut b = call.shape(right)?.to_vec();
    if call.operator == "FusedMatMul" {
        swap_last(&mut a, call.attributes.flag("transA", false));
        swap_last(&mut b, call.attributes.flag("transB", false));
    }
    Ok(vec![Fact::new(element, multiplied(&a, &b)?)])
}

fn swap_last(shape: &mut [u64], is_transposed: bool) {
    if let [.., row, column] = shape
        && is_transposed
    {
        std::mem::swap(row, column);
    }
}

/// Returns the shape of a product as numpy defines it: vectors are rows or columns, further
/// dimensions are broadcast.
fn multiplied(a: &[u64], b: &[u64]) -> Result<Vec<u64>, Gap> {
    let misfit = || Gap::misfit(format!("matrices of {a:?} and {b:?}"));
    let (&inner, rows) = a.split_last().ok_or_else(misfit)?;
    let (outer_b, columns) = match b {
        [] => return Err(misfit()),
        [height] if *height == inner => (&[][..], None),
        [outer @ .., height, width] if *height == inner => (outer, Some(*width)),
        _ => return Err(misfit()),
    };
    let (outer_a, row) = match rows.split_last() {
        Some((&row, outer)) => (outer, Some(row)),
        None => (&[][..], None),
    };
    let mut to = broadcast(&[outer_a, outer_b])?;
    to.extend(row);
    to.extend(columns);
    Ok(to)
}

pub(super) fn general_product(call: &Call) -> Result<Vec<Fact>, Gap> {
    let (a, b) = if call.operator == "QGemm" { (0, 3) } else { (0, 1) };
    let (&[rows, inner], &[height, width]) = (call.shape(a)?, call.shape(b)?) else {
        return Err(Gap::misfit(format!("matrices of {:?} and {:?}", call.shape(a)?, call.shape(b)?)));
    };
    let (rows, inner) = if call.attributes.flag("transA", false) { (inner, rows) } else { (rows, inner) };
    let (height, width) = if call.attributes.flag("transB", false) { (width, height) } else { (height, width) };
    if inner != height {
        return Err(Gap::misfit(format!("rows of {inner} elements and columns of {height}")));
    }
    Ok(vec![Fact::new(call.element(0), vec![rows, width])])
}

/// Each of the last two dimensions' matrices becomes a number.
pub(super) fn determinant(call: &Call) -> Result<Vec<Fact>, Gap> {
    match call.shape(0)? {
        [outer @ .., height, width] if height == width => Ok(vec![Fact::new(call.element(0), outer.to_vec())]),
        shape => Err(Gap::misfit(format!("matrices of {shape:?}"))),
    }
}

/// A product with weights of few bits: its attributes say how many rows and columns they have.
pub(super) fn packed_product(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut to = call.shape(0)?.to_vec();
    let columns = call.attributes.integer("N").and_then(|columns| u64::try_from(columns).ok());
    match (to.last_mut(), columns) {
        (Some(last), Some(columns)) => *last = columns,
        _ => return Err(Gap::misfit("its attribute N is missing")),
    }
    Ok(vec![Fact::new(call.element(0), to)])
}

/// The letters of each input and of the output of an Einstein sum. `.` stands for the dimensions of
/// an ellipsis, one for each.
pub(crate) fn parse_equation(equation: &str, ranks: &[usize]) -> Option<(Vec<Vec<char>>, Vec<char>)> {
    let equation: String = equation.chars().filter(|character| !character.is_whitespace()).collect();
    let (inputs, output) = match equation.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = inputs.split(',').collect();
    if terms.len() != ranks.len() {
        return None;
    }
    let widest = terms.iter().zip(ranks).filter(|(term, _)| term.contains("..."));
    let widest = widest.map(|(term, &rank)| rank.checked_sub(term.len() - 3)).collect::<Option<Vec<_>>>()?;
    let most = widest.into_iter().max().unwrap_or(0);
    // The dimensions of an ellipsis are numbered from the last.
    let letters = |term: &str, count: usize| {
        let dots: String = (0..count).rev().filter_map(|place| char::from_u32(0x100 + place as u32)).collect();
        term.replace("...", &dots).chars().collect::<Vec<char>>()
    };
    let inputs: Vec<Vec<char>> = terms
        .iter()
        .zip(ranks)
        .map(|(term, &rank)| letters(term, rank.saturating_sub(term.len().saturating_sub(3))))
        .collect();
    if inputs.iter().zip(ranks).any(|(letters, &rank)| letters.len() != rank) {
        return None;
    }
    let output = match output {
        Some(output) => letters(output, most),
        None => implicit_output(&inputs, most),
    };
    Some((inputs, output))
}

/// Without an output, it has the letters that come once, in alphabetical order.
fn implicit_output(inputs: &[Vec<char>], ellipsis: usize) -> Vec<char> {
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for &letter in inputs.iter().flatten() {
        *counts.entry(letter).or_default() += 1;
    }
    let dots = (0..ellipsis).rev().filter_map(|place| char::from_u32(0x100 + place as u32));
    dots.chain(counts.into_iter().filter(|&(letter, count)| count == 1 && letter < '\u{100}').map(|(letter, _)| letter))
        .collect()
}

pub(super) fn einstein_sum(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shapes = (0..call.inputs.len()).map(|index| call.shape(index)).collect::<Result<Vec<_>, _>>()?;
    let ranks: Vec<usize> = shapes.iter().map(|shape| shape.len()).collect();
    let equation = call.attributes.text("equation").unwrap_or_default();
    let misfit = || Gap::misfit(format!("the equation {equation:?} for shapes {shapes:?}"));
    let (inputs, output) = parse_equation(equation, &ranks).ok_or_else(misfit)?;
    let mut sizes: BTreeMap<char, u64> = BTreeMap::new();
    for (letter, &size) in inputs.iter().zip(&shapes).flat_map(|(letters, shape)| letters.iter().zip(*shape)) {
        let known = sizes.entry(*letter).or_insert(size);
        match (*known, size) {
            (a, b) if a == b => {}
            (1, _) => *known = size,
            (_, 1) => {}
            _ => return Err(misfit()),
        }
    }
    let to = output.iter().map(|letter| sizes.get(letter).copied()).collect::<Option<Vec<_>>>().ok_or_else(misfit)?;
    Ok(vec![Fact::new(call.element(0), to)])
}
