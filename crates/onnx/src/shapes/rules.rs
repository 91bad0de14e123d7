//! Which rule is that of an operator.

use super::call::{Call, Gap};
use super::fact::Fact;
use super::{
    attention, blocked, data_dependent, elementwise, gather, layout, matrix, normalization, quantize, recurrent,
    reduce, reshape, resize, signal, slice, source, window,
};

/// Computes what is known of the outputs of an operator.
pub(crate) type Rule = fn(&Call) -> Result<Vec<Fact>, Gap>;

/// Returns the rule of an operator, or `None` if there is none.
pub(crate) fn rule_of(domain: &str, operator: &str) -> Option<Rule> {
    match domain {
        "" => of_onnx(operator),
        "com.microsoft" | "com.microsoft.nchwc" | "ai.onnx.contrib" => {
            contributed(operator).or_else(|| of_onnx(operator))
        }
        _ => None,
    }
}

fn of_onnx(operator: &str) -> Option<Rule> {
    Some(match operator {
        "Abs"
        | "Acos"
        | "Acosh"
        | "Asin"
        | "Asinh"
        | "Atan"
        | "Atanh"
        | "BitwiseNot"
        | "Ceil"
        | "Celu"
        | "Clip"
        | "Cos"
        | "Cosh"
        | "CumSum"
        | "CumProd"
        | "Elu"
        | "Erf"
        | "Exp"
        | "Floor"
        | "Gelu"
        | "HardSigmoid"
        | "HardSwish"
        | "Hardmax"
        | "Identity"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "LRN"
        | "LeakyRelu"
        | "Log"
        | "LogSoftmax"
        | "LpNormalization"
        | "MeanVarianceNormalization"
        | "Mish"
        | "Neg"
        | "PRelu"
        | "RMSNormalization"
        | "Reciprocal"
        | "Relu"
        | "ReverseSequence"
        | "RotaryEmbedding"
        | "Round"
        | "ScatterElements"
        | "ScatterND"
        | "Scatter"
        | "Selu"
        | "Shrink"
        | "Sigmoid"
        | "Sign"
        | "Sin"
        | "Sinh"
        | "Softmax"
        | "Softplus"
        | "Softsign"
        | "Sqrt"
        | "Swish"
        | "Tan"
        | "Tanh"
        | "TensorScatter"
        | "ThresholdedRelu"
        | "Trilu" => elementwise::unary,
        "IsInf" | "IsNaN" | "Not" => elementwise::unary_truth,
        "Add" | "BitShift" | "BitwiseAnd" | "BitwiseOr" | "BitwiseXor" | "Div" | "Max" | "Mean" | "Min" | "Mod"
        | "Mul" | "Pow" | "Sub" | "Sum" => elementwise::variadic,
        "And" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Or" | "Xor" => {
            elementwise::comparison
        }
        "Where" => elementwise::select,
        "Cast" | "CastLike" => elementwise::cast,
        "Transpose" => layout::transpose,
        "Expand" => layout::expand,
        "Tile" => layout::tile,
        "Concat" => layout::concat,
        "Split" => layout::split,
        "Pad" => layout::pad,
        "DepthToSpace" | "SpaceToDepth" => layout::depth_and_space,
        "Reshape" => reshape::reshape,
        "Flatten" => reshape::flatten,
        "Squeeze" => reshape::squeeze,
        "Unsqueeze" => reshape::unsqueeze,
        "Slice" => slice::slice,
        "CenterCropPad" => slice::center_crop_pad,
        "Det" => matrix::determinant,
        "BitCast" => elementwise::bit_cast,
        "Gather" => gather::gather,
        "GatherElements" => gather::gather_elements,
        "GatherND" => gather::gather_nd,
        "OneHot" => gather::one_hot,
        "Constant" => source::constant,
        "ConstantOfShape" => source::constant_of_shape,
        "Shape" => source::shape_of,
        "Size" => source::size_of,
        "Range" => source::range,
        "EyeLike" | "Bernoulli" | "RandomNormal" | "RandomNormalLike" | "RandomUniform" | "RandomUniformLike" => {
            source::random
        }
        "Multinomial" => source::multinomial,
        "Conv" | "ConvInteger" | "DeformConv" | "QLinearConv" => window::convolution,
        "ConvTranspose" => window::transposed_convolution,
        "AveragePool" | "LpPool" | "MaxPool" => window::pool,
        "GlobalAveragePool" | "GlobalLpPool" | "GlobalMaxPool" => window::global_pool,
        "MaxUnpool" => window::unpool,
        "Col2Im" => window::columns_to_image,
        "MatMul" | "MatMulInteger" | "QLinearMatMul" => matrix::product_of_matrices,
        "Gemm" => matrix::general_product,
        "Einsum" => matrix::einstein_sum,
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax" | "ReduceMean" | "ReduceMin"
        | "ReduceProd" | "ReduceSum" | "ReduceSumSquare" => reduce::reduce,
        "ArgMax" | "ArgMin" => reduce::place_of_extreme,
        "TopK" => reduce::top,
        "BatchNormalization" => normalization::batch,
        "LayerNormalization" => normalization::layer,
        "Dropout" => normalization::dropout,
        "NegativeLogLikelihoodLoss" | "SoftmaxCrossEntropyLoss" => normalization::loss,
        "GRU" | "LSTM" | "RNN" => recurrent::recurrent,
        "Resize" | "Upsample" => resize::resize,
        "GridSample" => resize::grid_sample,
        "AffineGrid" => resize::affine_grid,
        "RoiAlign" | "MaxRoiPool" => resize::regions,
        "QuantizeLinear" => quantize::quantize,
        "DequantizeLinear" => quantize::dequantize,
        "DynamicQuantizeLinear" => quantize::dynamic,
        "NonZero" => data_dependent::non_zero,
        "NonMaxSuppression" => data_dependent::non_max_suppression,
        "Compress" => data_dependent::compress,
        "Unique" => data_dependent::unique,
        "Attention" => attention::attention,
        "DFT" => signal::fourier,
        "STFT" => signal::short_time_fourier,
        "BlackmanWindow" | "HammingWindow" | "HannWindow" => signal::window,
        "MelWeightMatrix" => signal::mel_weights,
        _ => return None,
    })
}

/// Operators that onnxruntime adds and writes into models that it optimises or quantises.
fn contributed(operator: &str) -> Option<Rule> {
    Some(match operator {
        "Attention" | "QAttention" => attention::packed,
        "MultiHeadAttention" | "GroupQueryAttention" => attention::multi_head,
        "EmbedLayerNormalization" => attention::embedding,
        "BiasGelu" | "BiasAdd" | "FastGelu" | "BiasSplitGelu" => attention::biased,
        "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization" => normalization::skipping_layer,
        "SimplifiedLayerNormalization" => normalization::layer,
        "QuickGelu" | "GroupNorm" | "QLinearLeakyRelu" | "QLinearSigmoid" | "QLinearSoftmax" => elementwise::unary,
        "FusedConv" | "NhwcFusedConv" => window::convolution,
        "FusedGemm" | "QGemm" => matrix::general_product,
        "FusedMatMul" | "MatMulIntegerToFloat" | "DynamicQuantizeMatMul" => matrix::product_of_matrices,
        "MatMulNBits" | "MatMulBnb4" => matrix::packed_product,
        "ReorderInput" => blocked::into_blocks,
        "ReorderOutput" => blocked::out_of_blocks,
        "DynamicQuantizeLSTM" => recurrent::recurrent,
        "QLinearAdd" | "QLinearMul" => quantize::binary,
        "QLinearGlobalAveragePool" => window::global_pool,
        "QLinearAveragePool" => window::pool,
        _ => return None,
    })
}
