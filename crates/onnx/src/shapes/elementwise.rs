//! Operators that work on each element: their outputs have the shape of their inputs.

use super::call::{Call, Gap};
use super::fact::Fact;
use super::index::{broadcast, broadcast_places, pick};
use crate::model::{ElementType, Values};

/// One input decides shape and type.
pub(super) fn unary(call: &Call) -> Result<Vec<Fact>, Gap> {
    let input = call.input(0)?;
    let values = input.values.as_deref().and_then(|values| unary_values(call, values));
    Ok(vec![Fact::new(input.element, call.shape(0)?.to_vec()).with_values(values)])
}

/// One input decides the shape; the output holds truth values.
pub(super) fn unary_truth(call: &Call) -> Result<Vec<Fact>, Gap> {
    let values = call.input(0)?.integers().filter(|_| call.operator == "Not");
    let values = values.map(|values| Values::Integers(values.iter().map(|&value| i64::from(value == 0)).collect()));
    Ok(vec![Fact::new(Some(ElementType::BOOL), call.shape(0)?.to_vec()).with_values(values)])
}

/// The shapes of all inputs are broadcast; the first decides the type.
pub(super) fn variadic(call: &Call) -> Result<Vec<Fact>, Gap> {
    broadcast_of_all(call, call.element(0), arithmetic)
}

/// The shapes of all inputs are broadcast; the output holds truth values.
pub(super) fn comparison(call: &Call) -> Result<Vec<Fact>, Gap> {
    broadcast_of_all(call, Some(ElementType::BOOL), compare)
}

/// A choice between two tensors.
pub(super) fn select(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shape = broadcast(&[call.shape(0)?, call.shape(1)?, call.shape(2)?])?;
    let values = selected(call, &shape);
    Ok(vec![Fact::new(call.element(1).or(call.element(2)), shape).with_values(values)])
}

pub(super) fn cast(call: &Call) -> Result<Vec<Fact>, Gap> {
    let to = match call.operator {
        "CastLike" => call.element(1),
        _ => call.attributes.integer("to").and_then(ElementType::new),
    };
    let input = call.input(0)?;
    let values = input.values.as_deref().zip(to).and_then(|(values, to)| cast_values(values, to));
    Ok(vec![Fact::new(to, call.shape(0)?.to_vec()).with_values(values)])
}

/// The same bits of another type of the same size.
pub(super) fn bit_cast(call: &Call) -> Result<Vec<Fact>, Gap> {
    let to = call.attributes.integer("to").and_then(ElementType::new);
    let fits = to.zip(call.element(0)).is_some_and(|(to, from)| to.bits() == from.bits());
    if !fits {
        return Err(Gap::unknown("the types have different sizes"));
    }
    Ok(vec![Fact::new(to, call.shape(0)?.to_vec())])
}

fn broadcast_of_all(
    call: &Call,
    element: Option<ElementType>,
    combine: fn(&Call, &Values, &Values) -> Option<Values>,
) -> Result<Vec<Fact>, Gap> {
    let shapes = (0..call.inputs.len()).map(|index| call.shape(index)).collect::<Result<Vec<_>, _>>()?;
    let shape = broadcast(&shapes)?;
    let values = combined(call, &shape, combine);
    Ok(vec![Fact::new(element, shape).with_values(values)])
}

fn combined(call: &Call, shape: &[u64], combine: fn(&Call, &Values, &Values) -> Option<Values>) -> Option<Values> {
    let mut result = broadcast_values(call.optional(0)?, shape)?;
    for input in &call.inputs[1..] {
        result = combine(call, &result, &broadcast_values((*input)?, shape)?)?;
    }
    Some(result)
}

fn broadcast_values(fact: &Fact, shape: &[u64]) -> Option<Values> {
    let values = fact.values.as_deref()?;
    pick(values, &broadcast_places(fact.shape.as_deref()?, shape)?)
}

fn selected(call: &Call, shape: &[u64]) -> Option<Values> {
    let Values::Integers(conditions) = broadcast_values(call.optional(0)?, shape)? else { return None };
    fn choose<T: Copy>(conditions: &[i64], yes: &[T], no: &[T]) -> Vec<T> {
        conditions.iter().zip(yes.iter().zip(no)).map(|(&when, (&yes, &no))| if when == 0 { no } else { yes }).collect()
    }
    match (broadcast_values(call.optional(1)?, shape)?, broadcast_values(call.optional(2)?, shape)?) {
        (Values::Integers(yes), Values::Integers(no)) => Some(Values::Integers(choose(&conditions, &yes, &no))),
        (Values::Floats(yes), Values::Floats(no)) => Some(Values::Floats(choose(&conditions, &yes, &no))),
        _ => None,
    }
}

fn arithmetic(call: &Call, a: &Values, b: &Values) -> Option<Values> {
    match (a, b) {
        (Values::Integers(a), Values::Integers(b)) => {
            let of_pair = |(&a, &b)| integer_arithmetic(call, a, b);
            a.iter().zip(b).map(of_pair).collect::<Option<_>>().map(Values::Integers)
        }
        (Values::Floats(a), Values::Floats(b)) => {
            let of_pair = |(&a, &b)| float_arithmetic(call.operator, a, b);
            a.iter().zip(b).map(of_pair).collect::<Option<_>>().map(Values::Floats)
        }
        // The exponent of a power may have another type.
        (Values::Floats(a), Values::Integers(b)) if call.operator == "Pow" => {
            Some(Values::Floats(a.iter().zip(b).map(|(&a, &b)| a.powf(b as f64)).collect()))
        }
        _ => None,
    }
}

fn integer_arithmetic(call: &Call, a: i64, b: i64) -> Option<i64> {
    match call.operator {
        "Add" | "Sum" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        "Mod" if call.attributes.flag("fmod", false) => a.checked_rem(b),
        "Mod" => a.checked_rem(b).map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }),
        "Pow" => a.checked_pow(u32::try_from(b).ok()?),
        "Min" => Some(a.min(b)),
        "Max" => Some(a.max(b)),
        _ => None,
    }
}

fn float_arithmetic(operator: &str, a: f64, b: f64) -> Option<f64> {
    match operator {
        "Add" | "Sum" => Some(a + b),
        "Sub" => Some(a - b),
        "Mul" => Some(a * b),
        "Div" => Some(a / b),
        "Pow" => Some(a.powf(b)),
        "Min" => Some(a.min(b)),
        "Max" => Some(a.max(b)),
        _ => None,
    }
}

fn compare(call: &Call, a: &Values, b: &Values) -> Option<Values> {
    fn each<T: Copy>(a: &[T], b: &[T], holds: impl Fn(T, T) -> bool) -> Values {
        Values::Integers(a.iter().zip(b).map(|(&a, &b)| i64::from(holds(a, b))).collect())
    }
    match (a, b) {
        (Values::Integers(a), Values::Integers(b)) => match call.operator {
            "And" => Some(each(a, b, |a, b| a != 0 && b != 0)),
            "Or" => Some(each(a, b, |a, b| a != 0 || b != 0)),
            "Xor" => Some(each(a, b, |a, b| (a != 0) != (b != 0))),
            operator => ordering(operator).map(|holds| each(a, b, |a, b| holds(a.partial_cmp(&b)))),
        },
        (Values::Floats(a), Values::Floats(b)) => {
            ordering(call.operator).map(|holds| each(a, b, |a, b| holds(a.partial_cmp(&b))))
        }
        _ => None,
    }
}

fn ordering(operator: &str) -> Option<fn(Option<std::cmp::Ordering>) -> bool> {
    match operator {
        "Equal" => Some(|order| order.is_some_and(|order| order.is_eq())),
        "Less" => Some(|order| order.is_some_and(|order| order.is_lt())),
        "LessOrEqual" => Some(|order| order.is_some_and(|order| order.is_le())),
        "Greater" => Some(|order| order.is_some_and(|order| order.is_gt())),
        "GreaterOrEqual" => Some(|order| order.is_some_and(|order| order.is_ge())),
        _ => None,
    }
}

fn unary_values(call: &Call, values: &Values) -> Option<Values> {
    match values {
        Values::Integers(values) => {
            let of = |&value: &i64| match call.operator {
                "Identity" | "Dropout" => Some(value),
                "Neg" => value.checked_neg(),
                "Abs" => value.checked_abs(),
                "Sign" => Some(value.signum()),
                _ => None,
            };
            values.iter().map(of).collect::<Option<_>>().map(Values::Integers)
        }
        Values::Floats(values) => {
            let of = |&value: &f64| match call.operator {
                "Identity" | "Dropout" => Some(value),
                "Neg" => Some(-value),
                "Abs" => Some(value.abs()),
                "Floor" => Some(value.floor()),
                "Ceil" => Some(value.ceil()),
                "Round" => Some(value.round_ties_even()),
                "Sqrt" => Some(value.sqrt()),
                "Reciprocal" => Some(1.0 / value),
                "Exp" => Some(value.exp()),
                "Log" => Some(value.ln()),
                _ => None,
            };
            values.iter().map(of).collect::<Option<_>>().map(Values::Floats)
        }
    }
}

fn cast_values(values: &Values, to: ElementType) -> Option<Values> {
    let is_truth = to == ElementType::BOOL;
    match values {
        Values::Integers(values) if is_truth => {
            Some(Values::Integers(values.iter().map(|&value| i64::from(value != 0)).collect()))
        }
        Values::Floats(values) if is_truth => {
            Some(Values::Integers(values.iter().map(|&value| i64::from(value != 0.0)).collect()))
        }
        Values::Integers(values) if to.is_integer() => Some(Values::Integers(values.clone())),
        Values::Integers(values) => Some(Values::Floats(values.iter().map(|&value| value as f64).collect())),
        // A cast to an integer cuts the fraction off.
        Values::Floats(values) if to.is_integer() => {
            Some(Values::Integers(values.iter().map(|&value| value as i64).collect()))
        }
        Values::Floats(values) => Some(Values::Floats(values.clone())),
    }
}
