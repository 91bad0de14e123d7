//! Fields of messages, one after the other.

use std::io::{BufRead, BufReader, ErrorKind, Read};

use super::budget::Budget;
use crate::error::Error;
use crate::limits::MOST_NAME_BYTES;

/// The bytes that one call reads from the source.
const BUFFER_BYTES: usize = 1 << 18;

/// A field of a message: its number, and its value or the length of what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
}

/// The value of a field, or for `Bytes` where its value ends. Whoever gets `Bytes` reads or skips to
/// there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes { end: u64 },
}

/// Reads fields from a stream. It never allocates more than has arrived.
pub(crate) struct Reader<R> {
    source: BufReader<R>,
    position: u64,
    pub(crate) budget: Budget,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source: BufReader::with_capacity(BUFFER_BYTES, source), position: 0, budget: Budget::new() }
    }

    /// Returns the number of bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Reads the next field of a message that ends at `end`. Returns `None` at its end. An `end` of
    /// `u64::MAX` means the end of the stream.
    pub(crate) fn field(&mut self, end: u64) -> Result<Option<Field>, Error> {
        if self.position == end || (end == u64::MAX && self.at_end_of_stream()?) {
            return Ok(None);
        }
        let tag = self.varint(end)?;
        let kind = match tag & 7 {
            0 => Kind::Varint(self.varint(end)?),
            1 => Kind::Fixed64(u64::from_le_bytes(self.array(end)?)),
            2 => Kind::Bytes { end: self.end_of_bytes(end)? },
            5 => Kind::Fixed32(u32::from_le_bytes(self.array(end)?)),
            other => return Err(self.malformed(format!("a field has the wire type {other}"))),
        };
        match tag >> 3 {
            0 => Err(self.malformed("a field has the number 0")),
            number => Ok(Some(Field { number, kind })),
        }
    }

    /// Skips what a field of no interest holds.
    pub(crate) fn skip(&mut self, kind: Kind) -> Result<(), Error> {
        match kind {
            Kind::Bytes { end } => self.skip_to(end),
            Kind::Varint(_) | Kind::Fixed64(_) | Kind::Fixed32(_) => Ok(()),
        }
    }

    /// Reads a name or another short text. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&mut self, kind: Kind) -> Result<String, Error> {
        let length = self.length(kind)?;
        if length > MOST_NAME_BYTES {
            return Err(Error::Limit { what: "bytes in a name", most: MOST_NAME_BYTES });
        }
        self.budget.take_object()?;
        self.budget.take_bytes(length)?;
        let bytes = self.bytes(kind)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// Reads a text, or returns `None` and leaves it where it is if it is too long to be kept.
    pub(crate) fn short_text(&mut self, kind: Kind) -> Result<Option<String>, Error> {
        if self.length(kind)? > MOST_NAME_BYTES { Ok(None) } else { self.text(kind).map(Some) }
    }

    /// Takes a list of numbers, which is about to be read, from the budget.
    pub(crate) fn take_list(&mut self, kind: Kind) -> Result<(), Error> {
        match kind {
            // A number has at least a byte in the file and at most eight in memory.
            Kind::Bytes { end } => self.budget.take_bytes((end - self.position).saturating_mul(8)),
            Kind::Varint(_) | Kind::Fixed64(_) | Kind::Fixed32(_) => self.budget.take_bytes(8),
        }
    }

    /// Reads bytes. They are not taken from the budget; the caller limits them.
    pub(crate) fn bytes(&mut self, kind: Kind) -> Result<Vec<u8>, Error> {
        let length = self.length(kind)?;
        let mut bytes = Vec::new();
        (&mut self.source).take(length).read_to_end(&mut bytes).map_err(Error::Read)?;
        self.position += bytes.len() as u64;
        if (bytes.len() as u64) < length { Err(self.truncated()) } else { Ok(bytes) }
    }

    /// Returns where an embedded message ends.
    pub(crate) fn message(&self, kind: Kind) -> Result<u64, Error> {
        match kind {
            Kind::Bytes { end } => Ok(end),
            other => Err(self.malformed(format!("a message or text was expected, not {other:?}"))),
        }
    }

    /// Returns how many bytes of a message, text or list are left.
    pub(crate) fn length(&self, kind: Kind) -> Result<u64, Error> {
        Ok(self.message(kind)? - self.position)
    }

    /// Returns an integer.
    pub(crate) fn integer(&self, kind: Kind) -> Result<i64, Error> {
        match kind {
            Kind::Varint(value) => Ok(value.cast_signed()),
            other => Err(self.malformed(format!("an integer was expected, not {other:?}"))),
        }
    }

    /// Returns a floating-point number of 32 bits.
    pub(crate) fn float(&self, kind: Kind) -> Result<f32, Error> {
        match kind {
            Kind::Fixed32(bits) => Ok(f32::from_bits(bits)),
            other => Err(self.malformed(format!("a number of 32 bits was expected, not {other:?}"))),
        }
    }

    /// Reads one integer, or a packed list of them. Calls `each` for every one.
    pub(crate) fn integers(&mut self, kind: Kind, mut each: impl FnMut(i64)) -> Result<(), Error> {
        let Kind::Bytes { end } = kind else {
            each(self.integer(kind)?);
            return Ok(());
        };
        while self.position < end {
            each(self.varint(end)?.cast_signed());
        }
        Ok(())
    }

    /// Reads one number of `N` bytes, or a packed list of them. Calls `each` with the bytes of every
    /// one.
    pub(crate) fn numbers<const N: usize>(&mut self, kind: Kind, mut each: impl FnMut([u8; N])) -> Result<(), Error> {
        let end = match kind {
            Kind::Bytes { end } => end,
            Kind::Fixed32(bits) => return self.single(&bits.to_le_bytes(), each),
            Kind::Fixed64(bits) => return self.single(&bits.to_le_bytes(), each),
            Kind::Varint(_) => return Err(self.malformed("a number of fixed width was expected")),
        };
        while self.position < end {
            each(self.array(end)?);
        }
        Ok(())
    }

    /// Skips to a position.
    pub(crate) fn skip_to(&mut self, end: u64) -> Result<(), Error> {
        while self.position < end {
            let ready = fill(&mut self.source).map_err(Error::Read)?;
            if ready == 0 {
                return Err(self.truncated());
            }
            let skipped = (ready as u64).min(end - self.position);
            // It is at most `ready`, which is a usize.
            self.source.consume(skipped as usize);
            self.position += skipped;
        }
        Ok(())
    }

    /// Makes the error of a damaged file at this position.
    pub(crate) fn malformed(&self, detail: impl Into<String>) -> Error {
        Error::Malformed { position: self.position, detail: detail.into() }
    }

    fn single<const N: usize>(&self, bytes: &[u8], mut each: impl FnMut([u8; N])) -> Result<(), Error> {
        each(bytes.try_into().map_err(|_| self.malformed("a number has the wrong width"))?);
        Ok(())
    }

    fn end_of_bytes(&mut self, end: u64) -> Result<u64, Error> {
        let length = self.varint(end)?;
        match self.position.checked_add(length) {
            Some(after) if after <= end => Ok(after),
            _ => Err(self.malformed(format!("{length} bytes are announced, more than there are"))),
        }
    }

    fn varint(&mut self, end: u64) -> Result<u64, Error> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array(end)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.malformed("an integer has more than 64 bits"))
    }

    fn array<const N: usize>(&mut self, end: u64) -> Result<[u8; N], Error> {
        if end - self.position < N as u64 {
            return Err(self.malformed("a message ends within a value"));
        }
        let mut bytes = [0; N];
        match self.source.read_exact(&mut bytes) {
            Ok(()) => {
                self.position += N as u64;
                Ok(bytes)
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.truncated()),
            Err(error) => Err(Error::Read(error)),
        }
    }

    fn at_end_of_stream(&mut self) -> Result<bool, Error> {
        Ok(fill(&mut self.source).map_err(Error::Read)? == 0)
    }

    fn truncated(&self) -> Error {
        self.malformed("the file ends in the middle of a message")
    }
}

/// Waits for bytes and returns how many are ready; 0 at the end.
fn fill<R: Read>(source: &mut BufReader<R>) -> std::io::Result<usize> {
    loop {
        match source.fill_buf() {
            Ok(bytes) => return Ok(bytes.len()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
