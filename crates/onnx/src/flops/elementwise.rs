//! Operators with a fixed number of operations for each element of their first output.

/// The number, and the operators that have it.
pub(super) const TABLE: [(u64, &[&str]); 9] = [
    // They move or choose elements, or are known once the shapes are.
    (
        0,
        &[
            "AffineGrid",
            "BitCast",
            "CenterCropPad",
            "Compress",
            "Concat",
            "Constant",
            "ConstantOfShape",
            "DepthToSpace",
            "Dropout",
            "Expand",
            "EyeLike",
            "Flatten",
            "Gather",
            "GatherElements",
            "GatherND",
            "Identity",
            "MaxUnpool",
            "NonZero",
            "OneHot",
            "Pad",
            "ReorderInput",
            "ReorderOutput",
            "Reshape",
            "ReverseSequence",
            "Scatter",
            "ScatterElements",
            "ScatterND",
            "Shape",
            "Size",
            "Slice",
            "SpaceToDepth",
            "Split",
            "Squeeze",
            "TensorScatter",
            "Tile",
            "Transpose",
            "Trilu",
            "Unsqueeze",
        ],
    ),
    (
        1,
        &[
            "Abs",
            "Add",
            "And",
            "Bernoulli",
            "BitShift",
            "BitwiseAnd",
            "BitwiseNot",
            "BitwiseOr",
            "BitwiseXor",
            "Cast",
            "CastLike",
            "Ceil",
            "Clip",
            "CumProd",
            "CumSum",
            "Div",
            "Equal",
            "Exp",
            "Floor",
            "Greater",
            "GreaterOrEqual",
            "IsInf",
            "IsNaN",
            "LeakyRelu",
            "Less",
            "LessOrEqual",
            "Log",
            "Mod",
            "Mul",
            "Multinomial",
            "Neg",
            "Not",
            "Or",
            "PRelu",
            "Pow",
            "RandomNormal",
            "RandomNormalLike",
            "RandomUniform",
            "RandomUniformLike",
            "Range",
            "Reciprocal",
            "Relu",
            "Round",
            "Sign",
            "Sqrt",
            "Sub",
            "ThresholdedRelu",
            "Where",
            "Xor",
        ],
    ),
    (2, &["BatchNormalization", "BiasAdd", "DequantizeLinear", "Shrink"]),
    (
        3,
        &[
            "Celu",
            "Elu",
            "HardSigmoid",
            "LpNormalization",
            "QLinearAdd",
            "QLinearMul",
            "QuantizeLinear",
            "RotaryEmbedding",
            "Selu",
            "Sigmoid",
            "Softplus",
            "Softsign",
        ],
    ),
    (4, &["Erf", "HardSwish", "QuickGelu", "Swish"]),
    (5, &["DynamicQuantizeLinear", "Hardmax", "LogSoftmax", "Softmax"]),
    (
        6,
        &[
            "Acos",
            "Acosh",
            "Asin",
            "Asinh",
            "Atan",
            "Atanh",
            "BlackmanWindow",
            "Cos",
            "Cosh",
            "HammingWindow",
            "HannWindow",
            "MelWeightMatrix",
            "Sin",
            "Sinh",
            "Tan",
            "Tanh",
        ],
    ),
    (
        8,
        &[
            "FastGelu",
            "Gelu",
            "GroupNorm",
            "GroupNormalization",
            "InstanceNormalization",
            "LayerNormalization",
            "MeanVarianceNormalization",
            "RMSNormalization",
            "SimplifiedLayerNormalization",
        ],
    ),
    (9, &["BiasGelu", "EmbedLayerNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"]),
];

/// Returns the operations for each element of the first output, or `None` if they are no fixed
/// number.
pub(super) fn for_each_element(operator: &str) -> Option<u64> {
    TABLE.iter().find(|(_, operators)| operators.binary_search(&operator).is_ok()).map(|&(each, _)| each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_name_each_operator_once() {
        let mut all: Vec<&str> = TABLE.iter().flat_map(|(_, operators)| operators.iter().copied()).collect();
        assert!(TABLE.iter().all(|(_, operators)| operators.is_sorted()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
