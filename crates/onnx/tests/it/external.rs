//! Data in files beside the model.

use std::fs;
use std::path::Path;

use cutpoint_onnx::{Error, Options, read_file};

use crate::encode::*;
use crate::{layer, refuse};

/// A model that adds weights of another file.
fn with_external(file: &str, offset: &str, length: &str) -> Vec<u8> {
    let entry = |key, value| Message::default().text(1, key).text(2, value);
    let weights = header("w", FLOAT, &[4]).int(14, 1).message(13, &entry("location", file));
    let weights = weights.message(13, &entry("offset", offset)).message(13, &entry("length", length));
    model(&graph(&[node("Add", &["x", "w"], &["y"])], &[weights], &[value("x", FLOAT, &["4"])], &["y"]))
}

fn profile_in(folder: &Path, bytes: &[u8]) -> Result<cutpoint_onnx::Profile, Error> {
    let path = folder.join("model.onnx");
    fs::write(&path, bytes).unwrap();
    read_file(&path, &Options::default())
}

#[test]
fn a_stream_has_no_other_files() {
    let error = refuse(&with_external("weights.bin", "0", "16"));
    assert!(matches!(&error, Error::ExternalDataRefused { tensor, file } if tensor == "w" && file == "weights.bin"));
}

#[test]
fn files_below_the_folder_are_used_and_others_refused() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), [0; 64]).unwrap();
    let folder = outside.path().join("models");
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("data/weights.bin"), [0; 20]).unwrap();
    std::os::unix::fs::symlink("../../secret", folder.join("data/link")).unwrap();
    std::os::unix::fs::symlink("data/weights.bin", folder.join("inner")).unwrap();
    for file in ["data/weights.bin", "./data/weights.bin", "inner"] {
        let profile = profile_in(&folder, &with_external(file, "4", "16")).unwrap();
        assert_eq!(layer(&profile, "w").param_bytes, 16, "{file}");
    }
    let absolute = outside.path().join("secret");
    for (file, words) in [
        ("../secret", "must be relative and must not contain `..`"),
        (absolute.to_str().unwrap(), "must be relative"),
        ("data/link", "a link leads out of the model's folder"),
        ("data/absent", "No such file"),
        ("data", "bytes"),
    ] {
        let error = profile_in(&folder, &with_external(file, "0", "16")).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(r#""w""#), "{file}: {error}");
    }
}

#[test]
fn data_that_is_too_short_or_has_another_length_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("weights.bin"), [0; 20]).unwrap();
    for (offset, length, words) in [
        ("8", "16", "it has 12 of the tensor's 16 bytes"),
        ("18446744073709551615", "16", "it has 0 of the tensor's 16 bytes"),
        ("0", "8", "another length"),
        ("x", "16", "a offset that is no number"),
    ] {
        let error = profile_in(folder.path(), &with_external("weights.bin", offset, length)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
