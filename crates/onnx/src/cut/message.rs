//! Messages of Protocol Buffers that are put together from new bytes and from ranges of other files.

use crate::model::Span;

/// A file that bytes are copied from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceId(pub(super) usize);

/// The model's own file.
pub(super) const MODEL: SourceId = SourceId(0);

/// A part of a message.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    Copy(SourceId, Span),
}

/// A message while it is put together. What is copied is not read before the message is written.
#[derive(Default)]
pub(super) struct Message {
    pub(super) pieces: Vec<Piece>,
    pub(super) length: u64,
}

impl Message {
    /// Adds a number.
    pub(super) fn integer(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    /// Adds a text.
    pub(super) fn text(&mut self, field: u64, text: &str) {
        self.begin(field, text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// Adds an embedded message.
    pub(super) fn message(&mut self, field: u64, message: Message) {
        self.begin(field, message.length);
        self.append(message);
    }

    /// Adds an embedded message, a text or bytes as they stand in a file.
    pub(super) fn copy(&mut self, field: u64, source: SourceId, span: Span) {
        self.begin(field, span.length);
        self.merge(source, span);
    }

    /// Adds the fields of a message as they stand in a file. Of fields that occur twice, those that are
    /// added later win.
    pub(super) fn merge(&mut self, source: SourceId, span: Span) {
        self.length += span.length;
        self.pieces.push(Piece::Copy(source, span));
    }

    fn append(&mut self, message: Message) {
        for piece in message.pieces {
            match piece {
                Piece::Bytes(bytes) => self.bytes(&bytes),
                Piece::Copy(source, span) => self.merge(source, span),
            }
        }
    }

    fn begin(&mut self, field: u64, length: u64) {
        self.varint(field << 3 | 2);
        self.varint(length);
    }

    fn varint(&mut self, mut value: u64) {
        let mut bytes = Vec::with_capacity(10);
        while value > 0x7f {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        self.bytes(&bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        match self.pieces.last_mut() {
            Some(Piece::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Bytes(bytes.to_vec())),
        }
    }
}
