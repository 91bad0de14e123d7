//! Names of kernels that run several operators.

use super::kernel::Operators;

/// Reads a name of TensorRT: `a + b` and `a || b` for fused layers, `PWN(a, b)` for pointwise ones,
/// `{ForeignNode[a...b]}` for all from one to another, and `Reformatting CopyNode for Input Tensor 0 to
/// a` for what a layer needs beside itself.
pub(super) fn tensorrt(name: &str) -> Vec<Operators> {
    let name = name.trim();
    if let Some(range) = name.strip_prefix("{ForeignNode[").and_then(|rest| rest.strip_suffix("]}")) {
        let ends = range.split_once("...").or_else(|| range.split_once('…'));
        return vec![match ends {
            Some((first, last)) => Operators::Between(first.trim().to_owned(), last.trim().to_owned()),
            None => Operators::Named(range.trim().to_owned()),
        }];
    }
    if let Some((_, layer)) = name.strip_prefix("Reformatting CopyNode for ").and_then(|rest| rest.split_once(" to ")) {
        return tensorrt_parts(layer);
    }
    tensorrt_parts(name)
}

fn tensorrt_parts(name: &str) -> Vec<Operators> {
    let mut found = vec![Operators::Named(name.to_owned())];
    let parts = name.split(" + ").flat_map(|part| part.split(" || ")).flat_map(pointwise);
    found.extend(parts.filter(|part| *part != name).map(|part| Operators::Named(part.to_owned())));
    found
}

/// Returns the operators of `PWN(a, b)`, or the name itself.
fn pointwise(part: &str) -> impl Iterator<Item = &str> {
    let inner = if part.contains("PWN(") { part } else { "" };
    let outer = if inner.is_empty() { part.trim() } else { "" };
    let inside = inner.split(", ").map(|name| name.trim().trim_start_matches("PWN(").trim_end_matches(')').trim());
    inside.chain([outer]).filter(|name| !name.is_empty())
}

/// Reads a name of TFLite: tensors with semicolons between them, in brackets, and the number of the
/// node, as in `[conv/Relu;conv/BatchNorm]:3`.
pub(super) fn tflite(name: &str) -> Vec<Operators> {
    let numbered = name.trim().rsplit_once(':').filter(|(_, number)| number.parse::<u64>().is_ok());
    let list = numbered.map_or(name.trim(), |(list, _)| list);
    let list = list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or(list);
    let whole = list.split(", ").map(str::trim);
    let parts = list.split([';', ',']).map(str::trim);
    let mut names: Vec<&str> = whole.chain(parts).chain([list]).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Operators::Named(name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<Operators> {
        names.iter().map(|name| Operators::Named((*name).to_owned())).collect()
    }

    #[test]
    fn names_of_tensorrt_say_what_was_fused() {
        assert_eq!(tensorrt("/conv/Conv"), named(&["/conv/Conv"]));
        assert_eq!(tensorrt("a + b"), named(&["a + b", "a", "b"]));
        assert_eq!(tensorrt("a || b"), named(&["a || b", "a", "b"]));
        assert_eq!(tensorrt("c + PWN(PWN(s), m)"), named(&["c + PWN(PWN(s), m)", "c", "s", "m"]));
        assert_eq!(tensorrt("{ForeignNode[a...b]}"), [Operators::Between("a".to_owned(), "b".to_owned())]);
        assert_eq!(tensorrt("Reformatting CopyNode for Input Tensor 0 to a + b"), named(&["a + b", "a", "b"]));
        assert_eq!(tensorrt(""), named(&[""]));
    }

    #[test]
    fn names_of_tflite_are_tensors() {
        assert_eq!(tflite("[m/Relu6;m/BN]:12"), named(&["m/BN", "m/Relu6", "m/Relu6;m/BN"]));
        assert_eq!(tflite("Delegate/Convolution (NHWC, F32) GEMM:3").len(), 3);
        assert_eq!(tflite("[]:0"), []);
    }
}
