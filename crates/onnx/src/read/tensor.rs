//! Tensors. Of their data, only that of small ones is kept.

use std::collections::BTreeMap;
use std::io::Read;

use super::message;
use crate::error::Error;
use crate::limits::{MOST_BYTES, MOST_FLOATS, MOST_RANK, MOST_VALUES};
use crate::model::{ElementType, Location, Span, SparseTensor, Tensor, Values};
use crate::wire::{Field, Kind, Reader};

/// The data of a tensor while its message is read. Lists stop growing beyond [`MOST_VALUES`].
#[derive(Default)]
struct Data {
    raw: Option<Vec<u8>>,
    raw_span: Option<Span>,
    integers: Vec<i64>,
    floats: Vec<f64>,
    external: BTreeMap<String, String>,
    is_external: bool,
}

pub(super) fn read_tensor<R: Read>(reader: &mut Reader<R>, kind: Kind) -> Result<Tensor, Error> {
    let mut dimensions = Vec::new();
    let (mut name, mut number, mut text_bytes) = (String::new(), 0, 0);
    let mut data = Data::default();
    let span = message(reader, kind, |reader, field| {
        match field.number {
            1 => reader.integers(field.kind, |dimension| push_at_most(&mut dimensions, dimension, MOST_RANK + 1))?,
            2 => number = reader.integer(field.kind)?,
            6 => text_bytes += reader.length(field.kind)?,
            8 => name = reader.text(field.kind)?,
            _ => data.read(reader, field)?,
        }
        Ok(())
    })?;
    let invalid = |detail: String| Error::InvalidTensor { tensor: name.clone(), detail };
    let element = ElementType::new(number).ok_or_else(|| invalid(format!("its data type {number} is unknown")))?;
    let shape = checked_shape(&dimensions).map_err(&invalid)?;
    let location = data.location().map_err(&invalid)?;
    let mut tensor = Tensor { name, element, shape, values: None, text_bytes, location, raw: data.raw_span, span };
    data.check_length(&tensor)?;
    tensor.values = data.values(&tensor).filter(|values| reader.budget.may_keep_values(values.len() as u64));
    Ok(tensor)
}

pub(super) fn read_sparse_tensor<R: Read>(reader: &mut Reader<R>, kind: Kind) -> Result<SparseTensor, Error> {
    let (mut values, mut indices) = (None, None);
    let mut dimensions = Vec::new();
    let span = message(reader, kind, |reader, field| {
        match field.number {
            1 => values = Some(read_tensor(reader, field.kind)?),
            2 => indices = Some(read_tensor(reader, field.kind)?),
            3 => {
                reader.integers(field.kind, |dimension| push_at_most(&mut dimensions, dimension, MOST_RANK + 1))?;
            }
            _ => {}
        }
        Ok(())
    })?;
    let (Some(values), Some(indices)) = (values, indices) else {
        return Err(reader.malformed("a sparse tensor lacks its values or its indices"));
    };
    let shape =
        checked_shape(&dimensions).map_err(|detail| Error::InvalidTensor { tensor: values.name.clone(), detail })?;
    Ok(SparseTensor { values, indices, shape, span })
}

/// Returns the values of little-endian bytes, or `None` if they are too many to keep or of a type
/// that no shape is computed from.
pub(crate) fn values_of_bytes(element: ElementType, elements: u64, bytes: &[u8]) -> Option<Values> {
    if !is_kept(element, elements) {
        return None;
    }
    let integers = |values: Vec<i64>| Some(Values::Integers(values));
    let floats = |values: Vec<f64>| Some(Values::Floats(values));
    match element {
        ElementType::INT64 | ElementType::UINT64 => integers(each(bytes, i64::from_le_bytes)),
        ElementType::INT32 => integers(each(bytes, |bytes| i32::from_le_bytes(bytes).into())),
        ElementType::INT16 => integers(each(bytes, |bytes| i16::from_le_bytes(bytes).into())),
        ElementType::INT8 => integers(each(bytes, |bytes| i8::from_le_bytes(bytes).into())),
        ElementType::UINT8 | ElementType::BOOL => integers(each(bytes, |[byte]| byte.into())),
        ElementType::FLOAT => floats(each(bytes, |bytes| f32::from_le_bytes(bytes).into())),
        ElementType::DOUBLE => floats(each(bytes, f64::from_le_bytes)),
        ElementType::FLOAT16 => floats(each(bytes, |bytes| half(u16::from_le_bytes(bytes)))),
        _ => None,
    }
}

fn each<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| convert(chunk)).collect()
}

/// Returns the value of a floating-point number of 16 bits.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

fn is_kept(element: ElementType, elements: u64) -> bool {
    elements <= if element.is_integer() { MOST_VALUES } else { MOST_FLOATS }
}

fn push_at_most<T>(list: &mut Vec<T>, value: T, most: usize) {
    if list.len() < most {
        list.push(value);
    }
}

/// Returns the dimensions if they are not negative and their product is a number of a profile.
fn checked_shape(dimensions: &[i64]) -> Result<Vec<u64>, String> {
    if dimensions.len() > MOST_RANK {
        return Err(format!("it has more than {MOST_RANK} dimensions"));
    }
    let shape: Option<Vec<u64>> = dimensions.iter().map(|&dimension| u64::try_from(dimension).ok()).collect();
    let shape = shape.ok_or_else(|| "a dimension is negative".to_owned())?;
    // The largest type has 16 bytes.
    match shape.iter().try_fold(16_u64, |product, &dimension| product.checked_mul(dimension.max(1))) {
        Some(bytes) if bytes / 16 <= MOST_BYTES / 16 => Ok(shape),
        _ => Err("its dimensions are too large".to_owned()),
    }
}

impl Data {
    fn read<R: Read>(&mut self, reader: &mut Reader<R>, field: Field) -> Result<(), Error> {
        let most = MOST_VALUES as usize;
        match field.number {
            // A long list is left where it is: the message goes on after it.
            4 | 5 | 7 | 10 | 11 if matches!(field.kind, Kind::Bytes { end } if end - reader.position() > 10 * MOST_VALUES) =>
                {}
            4 => {
                let floats = &mut self.floats;
                reader.numbers(field.kind, |bytes| push_at_most(floats, f32::from_le_bytes(bytes).into(), most))?;
            }
            5 | 7 | 11 => {
                reader.integers(field.kind, |number| push_at_most(&mut self.integers, number, most))?;
            }
            9 => {
                let length = reader.length(field.kind)?;
                self.raw_span = Some(Span { offset: reader.position(), length });
                // The dimensions can come after the data, so the length decides.
                self.raw = if length <= 8 * MOST_VALUES { Some(reader.bytes(field.kind)?) } else { None };
            }
            10 => {
                reader.numbers(field.kind, |bytes| push_at_most(&mut self.floats, f64::from_le_bytes(bytes), most))?;
            }
            13 => self.read_external(reader, field.kind)?,
            14 => self.is_external = reader.integer(field.kind)? == 1,
            _ => {}
        }
        Ok(())
    }

    fn read_external<R: Read>(&mut self, reader: &mut Reader<R>, kind: Kind) -> Result<(), Error> {
        let (mut key, mut value) = (String::new(), String::new());
        message(reader, kind, |reader, field| {
            match field.number {
                1 => key = reader.text(field.kind)?,
                2 => value = reader.text(field.kind)?,
                _ => {}
            }
            Ok(())
        })?;
        self.external.insert(key, value);
        Ok(())
    }

    fn location(&self) -> Result<Location, String> {
        if !self.is_external {
            return Ok(Location::Inline);
        }
        let number = |key: &str| match self.external.get(key).map(|text| text.parse::<u64>()) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(format!("its external data has a {key} that is no number")),
        };
        let file = self.external.get("location").ok_or_else(|| "its external data names no file".to_owned())?;
        Ok(Location::External { file: file.clone(), offset: number("offset")?.unwrap_or(0), length: number("length")? })
    }

    /// Checks the length of raw data. A tensor without any data passes: weights may be stripped.
    fn check_length(&self, tensor: &Tensor) -> Result<(), Error> {
        let expected = tensor.element.bytes(tensor.elements());
        match self.raw_span.map(|span| span.length) {
            Some(length) if length > 0 && expected != Some(length) => {
                let detail = format!("it has {length} bytes of data, and its dimensions {:?} do not", tensor.shape);
                Err(Error::InvalidTensor { tensor: tensor.name.clone(), detail })
            }
            _ => Ok(()),
        }
    }

    fn values(self, tensor: &Tensor) -> Option<Values> {
        let elements = tensor.elements();
        if let Some(raw) = self.raw.filter(|raw| !raw.is_empty()) {
            return values_of_bytes(tensor.element, elements, &raw);
        }
        let values = if tensor.element == ElementType::FLOAT16 {
            Values::Floats(self.integers.iter().map(|&bits| half(bits as u16)).collect())
        } else if tensor.element.is_integer() {
            Values::Integers(self.integers)
        } else {
            Values::Floats(self.floats)
        };
        (is_kept(tensor.element, elements) && values.len() as u64 == elements).then_some(values)
    }
}
