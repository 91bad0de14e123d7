//! The limits within which a file is read. A file beyond them is refused with the limit's name.

/// Bytes of names and attributes that are kept of a file.
pub const MOST_KEPT_BYTES: u64 = 64 << 20;

/// Bytes of a name. Longer texts of attributes are left out.
pub const MOST_NAME_BYTES: u64 = 1 << 14;

/// Bytes of values of small tensors that are kept. Those beyond count as unknown.
pub const MOST_VALUE_BYTES: u64 = 32 << 20;

/// Nodes, attributes, tensors, dimensions and names of a file together.
pub const MOST_OBJECTS: u64 = 1_000_000;

/// Operators and tensors, after functions and branches took the places of their calls.
pub const MOST_TENSORS: u64 = 400_000;

/// Levels of graphs, functions and types within each other.
pub const MOST_DEPTH: u32 = 24;

/// Dimensions of a tensor.
pub const MOST_RANK: usize = 64;

/// Elements of a tensor whose values are kept to compute shapes.
pub const MOST_VALUES: u64 = 4096;

/// Floating-point numbers of a tensor that are kept. Shapes are computed from few of them.
pub const MOST_FLOATS: u64 = 64;

/// The largest number of a profile: 2⁵³ − 1, which JSON readers keep exact.
pub const MOST_BYTES: u64 = (1 << 53) - 1;

/// Edges between layers.
pub const MOST_EDGES: u64 = 2_000_000;

/// The oldest version of the operators of ONNX whose rules are known.
pub const FIRST_OPSET: i64 = 7;

/// The newest version of the operators of ONNX whose rules are known.
pub const LAST_OPSET: i64 = 25;

/// Bytes of weights that are put into the files of stages, unless a caller says otherwise.
pub const MOST_INLINE_BYTES: u64 = 1 << 30;

/// Bytes of a message that runtimes read.
pub const MOST_MESSAGE_BYTES: u64 = (1 << 31) - 1;

/// Bytes of a tensor from which on its data is put into a file of weights.
pub const LEAST_EXTERNAL_BYTES: u64 = 4096;
