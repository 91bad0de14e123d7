//! The types of a tensor's elements and the bytes that they take.

use std::fmt;

/// The type of a tensor's elements: a number of `TensorProto.DataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementType(i32);

/// Name, bits and whether values are integers, by number. 0 bits: elements have no fixed size.
const TYPES: [(&str, u64, bool); 29] = [
    ("undefined", 0, false),
    ("float", 32, false),
    ("uint8", 8, true),
    ("int8", 8, true),
    ("uint16", 16, true),
    ("int16", 16, true),
    ("int32", 32, true),
    ("int64", 64, true),
    ("string", 0, false),
    ("bool", 8, true),
    ("float16", 16, false),
    ("double", 64, false),
    ("uint32", 32, true),
    ("uint64", 64, true),
    ("complex64", 64, false),
    ("complex128", 128, false),
    ("bfloat16", 16, false),
    ("float8e4m3fn", 8, false),
    ("float8e4m3fnuz", 8, false),
    ("float8e5m2", 8, false),
    ("float8e5m2fnuz", 8, false),
    ("uint4", 4, true),
    ("int4", 4, true),
    ("float4e2m1", 4, false),
    ("float8e8m0", 8, false),
    ("uint2", 2, true),
    ("int2", 2, true),
    ("float6e2m3", 6, false),
    ("float6e3m2", 6, false),
];

impl ElementType {
    /// A floating-point number of 32 bits.
    pub const FLOAT: Self = Self(1);
    /// An unsigned integer of 8 bits.
    pub const UINT8: Self = Self(2);
    /// A signed integer of 8 bits.
    pub const INT8: Self = Self(3);
    /// A signed integer of 16 bits.
    pub const INT16: Self = Self(5);
    /// A signed integer of 32 bits.
    pub const INT32: Self = Self(6);
    /// A signed integer of 64 bits.
    pub const INT64: Self = Self(7);
    /// A text.
    pub const STRING: Self = Self(8);
    /// A truth value.
    pub const BOOL: Self = Self(9);
    /// A floating-point number of 16 bits.
    pub const FLOAT16: Self = Self(10);
    /// A floating-point number of 64 bits.
    pub const DOUBLE: Self = Self(11);
    /// An unsigned integer of 64 bits.
    pub const UINT64: Self = Self(13);
    /// Two floating-point numbers of 32 bits.
    pub const COMPLEX64: Self = Self(14);
    /// A floating-point number of 16 bits with the exponent of `float`.
    pub const BFLOAT16: Self = Self(16);

    /// Returns the type with a number of `TensorProto.DataType`, or `None` if there is none.
    pub fn new(number: i64) -> Option<Self> {
        let index = usize::try_from(number).ok().filter(|&index| index > 0 && index < TYPES.len())?;
        i32::try_from(index).ok().map(Self)
    }

    /// Returns the number of `TensorProto.DataType`.
    pub fn number(self) -> i32 {
        self.0
    }

    /// Returns the name, as `onnx` writes it in lower case.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Returns the bits of an element, or `None` if elements have no fixed size (texts).
    pub fn bits(self) -> Option<u64> {
        Some(self.row().1).filter(|&bits| bits > 0)
    }

    /// Returns `true` if elements are integers or truth values.
    pub fn is_integer(self) -> bool {
        self.row().2
    }

    /// Returns the bytes of a tensor of this type. Elements of less than 8 bits are packed; the last
    /// byte is rounded up. Returns `None` if elements have no fixed size or the number is too large.
    pub fn bytes(self, elements: u64) -> Option<u64> {
        Some(elements.checked_mul(self.bits()?)?.div_ceil(8))
    }

    fn row(self) -> (&'static str, u64, bool) {
        // `new` admits no number outside of the table.
        TYPES[self.0.unsigned_abs() as usize]
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
