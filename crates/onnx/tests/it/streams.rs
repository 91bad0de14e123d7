//! Weights that pass by in a stream.

use std::io::{self, Read};

use cutpoint_onnx::{Options, profile};

use crate::encode::*;
use crate::layer;

/// Zeros that are counted.
struct Zeros {
    left: u64,
}

impl Read for Zeros {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.left.min(into.len() as u64) as usize;
        into[..count].fill(0);
        self.left -= count as u64;
        Ok(count)
    }
}

#[test]
fn three_gibibytes_of_weights_pass_by() {
    const SIZE: u64 = 3 << 30;
    // The lengths of what encloses the data are written by hand, as the data is not in memory.
    let data_header = |length: u64| {
        let mut tag = vec![9 << 3 | 2];
        varint(length, &mut tag);
        tag
    };
    let opened = |number: u64, inner: u64| {
        let mut tag = Vec::new();
        varint(number << 3 | 2, &mut tag);
        varint(inner, &mut tag);
        tag
    };
    let weights = header("w", FLOAT, &[(SIZE / 4) as i64]);
    let head = [weights.0, data_header(SIZE)].concat();
    let tensor = [opened(5, head.len() as u64 + SIZE), head].concat();
    let rest = graph(&[node("Add", &["x", "w"], &["y"])], &[], &[value("x", FLOAT, &["1"])], &["y"]);
    let whole = opened(7, rest.0.len() as u64 + tensor.len() as u64 + SIZE);
    let before = [Message::default().int(1, 8).0, whole, rest.0, tensor].concat();
    let stream = before.as_slice().chain(Zeros { left: SIZE });
    let profile = profile(stream, &Options::default()).unwrap();
    assert_eq!(layer(&profile, "w").param_bytes, SIZE);
}

#[test]
fn a_source_that_fails_is_an_error_of_its_own() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the line is dead"))
        }
    }
    let bytes = model(&small());
    let error = profile(bytes[..20].chain(Broken), &Options::default()).unwrap_err().to_string();
    assert_eq!(error, "the model could not be read: the line is dead");
}
