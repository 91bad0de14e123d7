//! The files that an export consists of.

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it belongs, relative to the folder of the export, with `/` between names. Names have small letters, digits, `-`
    /// and `.` only.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it holds the pipeline's token.
    pub holds_token: bool,
    /// Whether nobody but the user who exports needs to read it.
    pub is_private: bool,
}

impl File {
    pub(crate) fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into(), holds_token: false, is_private: false }
    }

    /// A file with the token that others read too.
    pub(crate) fn token(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { holds_token: true, ..Self::new(path, bytes) }
    }

    /// A file with the token.
    pub(crate) fn private(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { is_private: true, ..Self::token(path, bytes) }
    }
}

/// What an export gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The files, in the order in which they may be written one after the other.
    pub files: Vec<File>,
    /// What a person should know before the files are used, one sentence or two each.
    pub warnings: Vec<String>,
    /// Whether all files are one stream when they are joined in order, as documents of YAML are.
    pub can_be_joined: bool,
}

impl Export {
    pub(crate) fn drawing(file: File) -> Self {
        Self { files: vec![file], warnings: Vec::new(), can_be_joined: true }
    }
}
