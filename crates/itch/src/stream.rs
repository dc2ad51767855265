//! From bytes to messages: which framing a file has, where its messages are, and where it stops making sense.
//!
//! NASDAQ's files put two bytes with its length, big-endian, before every message; a length of zero ends them. Other files
//! have lengths that are all zero, or none at all: there the type alone says how long a message is. The first three bytes
//! tell which, without doubt: a length is below 256, so a file with lengths begins with a zero byte, and no type is zero.

use crate::message::{LENGTHS, LONGEST};
use std::fmt;

/// What stands before a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Its length.
    Lengths,
    /// Two zero bytes.
    Zeros,
    /// Nothing.
    Bare,
}

impl Framing {
    /// Every framing.
    pub const ALL: &[Framing] = &[Framing::Lengths, Framing::Zeros, Framing::Bare];

    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            Framing::Lengths => "lengths",
            Framing::Zeros => "zeros",
            Framing::Bare => "bare",
        }
    }

    /// Bytes before a message.
    pub const fn prefix(self) -> usize {
        match self {
            Framing::Lengths | Framing::Zeros => PREFIX,
            Framing::Bare => 0,
        }
    }
}

const PREFIX: usize = 2;
/// A type that is not in the specification yet may be that long; anything longer is no length but damage.
const LONGEST_UNKNOWN: usize = 255;
/// Enough for any message and what stands before it.
const CARRY: usize = PREFIX + LONGEST;

/// Where a file stops making sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first byte that belongs to no message.
    pub offset: u64,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.problem)
    }
}

impl std::error::Error for Damage {}

/// What stands at a place.
enum Frame {
    /// A message: so many bytes, prefix included.
    Message(usize),
    /// One of a type that we do not know; its length does.
    Unknown(usize),
    /// The mark at the end of the file.
    End,
    /// Its end is not here yet; so many bytes are needed at least.
    Cut(usize),
    /// Nothing that we can read.
    Damaged(String),
}

/// Takes the bytes of a file in chunks of any size and hands on its messages.
#[derive(Debug)]
pub struct Stream {
    framing: Option<Framing>,
    /// Of the first byte that no message has taken yet.
    offset: u64,
    /// The beginning of a message whose end the last chunk did not have.
    carry: [u8; CARRY],
    carried: usize,
    /// Bytes of an unknown message that are still to come.
    skipping: usize,
    has_ended: bool,
    unknown: u64,
    first_unknown: Option<(u64, u8)>,
    damage: Option<Damage>,
}

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            framing: None,
            offset: 0,
            carry: [0; CARRY],
            carried: 0,
            skipping: 0,
            has_ended: false,
            unknown: 0,
            first_unknown: None,
            damage: None,
        }
    }
}

impl Stream {
    /// What stands before the messages; None before enough of the file was seen.
    pub fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Bytes that were read as messages.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Messages of types that we do not know, which their lengths let us pass over.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// The first of these: its offset and type.
    pub fn first_unknown(&self) -> Option<(u64, u8)> {
        self.first_unknown
    }

    /// Where the file stopped making sense.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Takes the next bytes of the file. `visit` gets every whole message and the offset of its frame. Nothing is read
    /// behind a damage.
    ///
    /// # Errors
    /// [`Damage`], the same again whenever it is called after that.
    pub fn feed(&mut self, chunk: &[u8], mut visit: impl FnMut(u64, &[u8])) -> Result<(), Damage> {
        if let Some(damage) = &self.damage {
            return Err(damage.clone());
        }
        let mut at = 0;
        while at < chunk.len() {
            if self.has_ended {
                return self.fail(
                    0,
                    "the length before it is zero, which marks the end of a file, but there is more".to_string(),
                );
            }
            let skipped = self.skipping.min(chunk.len() - at);
            self.skipping -= skipped;
            self.offset += skipped as u64;
            at += skipped;
            if self.carried > 0 || self.framing.is_none() {
                at += self.complete(&chunk[at..], &mut visit)?;
                continue;
            }
            at += self.walk(&chunk[at..], &mut visit)?;
            let rest = &chunk[at..];
            if self.skipping == 0 && !self.has_ended {
                // The walk stops only where a message is cut, so what is left is shorter than the longest one.
                self.carry[..rest.len()].copy_from_slice(rest);
                self.carried = rest.len();
                at = chunk.len();
            }
        }
        Ok(())
    }

    /// Says that the file is over.
    ///
    /// # Errors
    /// [`Damage`] if it ends inside a message, or was damaged before.
    pub fn finish(&mut self) -> Result<(), Damage> {
        if let Some(damage) = &self.damage {
            return Err(damage.clone());
        }
        let carried = &self.carry[..self.carried];
        if self.skipping > 0 {
            return self.fail(0, format!("the file ends {} bytes before its last message does", self.skipping));
        }
        // Two zero bytes at the end are the mark of the end in either framing with a prefix.
        if carried.is_empty() || (carried == [0; PREFIX] && self.framing != Some(Framing::Bare)) {
            return Ok(());
        }
        let found = carried.len();
        let problem = match self.framing.map(|framing| frame(framing, carried)) {
            Some(Frame::Cut(needed)) if needed > PREFIX + 1 => {
                format!("the file ends inside a message: {found} of {needed} bytes")
            }
            _ => format!("the file ends inside a message: {found} bytes are left"),
        };
        self.fail(0, problem)
    }

    /// Reads the message whose beginning was carried over, or the first one of the file. Returns how much of `chunk` it took.
    fn complete(&mut self, chunk: &[u8], visit: &mut impl FnMut(u64, &[u8])) -> Result<usize, Damage> {
        let before = self.carried;
        let added = chunk.len().min(CARRY - before);
        self.carry[before..before + added].copy_from_slice(&chunk[..added]);
        let carry = self.carry;
        let bytes = &carry[..before + added];
        if self.framing.is_none() {
            self.framing = match detect(bytes) {
                Some(Ok(framing)) => Some(framing),
                Some(Err(problem)) => return self.fail(0, problem).map(|()| 0),
                None => None,
            };
        }
        let taken = match self.framing {
            Some(framing) => match frame(framing, bytes) {
                Frame::Message(length) => {
                    visit(self.offset, &bytes[framing.prefix()..length]);
                    length
                }
                other => self.unusual(other, bytes, 0)?,
            },
            None => 0,
        };
        if taken == 0 {
            self.carried = before + added;
            return Ok(added);
        }
        self.carried = 0;
        self.offset += taken as u64;
        Ok(taken - before)
    }

    /// Reads whole messages as long as there are any; returns how many bytes they took.
    fn walk(&mut self, bytes: &[u8], visit: &mut impl FnMut(u64, &[u8])) -> Result<usize, Damage> {
        let Some(framing) = self.framing else { return Ok(0) };
        let mut at = 0;
        loop {
            at = match framing {
                Framing::Lengths => plain::<2, true>(bytes, at, self.offset, visit),
                Framing::Zeros => plain::<2, false>(bytes, at, self.offset, visit),
                Framing::Bare => plain::<0, false>(bytes, at, self.offset, visit),
            };
            let rest = &bytes[at..];
            let taken = match frame(framing, rest) {
                Frame::Message(length) => {
                    visit(self.offset + at as u64, &rest[framing.prefix()..length]);
                    length
                }
                other => self.unusual(other, rest, at)?,
            };
            at += taken;
            if taken == 0 || self.skipping > 0 || self.has_ended {
                self.offset += at as u64;
                return Ok(at);
            }
        }
    }

    /// Deals with what is no message at `offset + at`; returns how many bytes it took, 0 where more are needed.
    fn unusual(&mut self, frame: Frame, bytes: &[u8], at: usize) -> Result<usize, Damage> {
        match frame {
            Frame::Unknown(length) => {
                self.unknown += 1;
                self.first_unknown.get_or_insert((self.offset + at as u64, bytes[PREFIX]));
                let here = length.min(bytes.len());
                self.skipping = length - here;
                Ok(here)
            }
            Frame::End => {
                self.has_ended = true;
                Ok(PREFIX)
            }
            Frame::Damaged(problem) => self.fail(at, problem).map(|()| 0),
            Frame::Cut(_) | Frame::Message(_) => Ok(0),
        }
    }

    fn fail(&mut self, at: usize, problem: String) -> Result<(), Damage> {
        self.offset += at as u64;
        let damage = Damage { offset: self.offset, problem };
        self.damage = Some(damage.clone());
        Err(damage)
    }
}

/// Hands on messages of known types in one framing; stops where anything else is to be looked at.
#[inline(always)]
fn plain<const BEFORE: usize, const HAS_LENGTHS: bool>(
    bytes: &[u8],
    mut at: usize,
    offset: u64,
    visit: &mut impl FnMut(u64, &[u8]),
) -> usize {
    while let Some(&letter) = bytes.get(at + BEFORE) {
        let length = usize::from(LENGTHS[usize::from(letter)]);
        if BEFORE == PREFIX {
            let stated = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            if usize::from(stated) != if HAS_LENGTHS { length } else { 0 } {
                return at;
            }
        }
        let end = at + BEFORE + length;
        if length == 0 || end > bytes.len() {
            return at;
        }
        visit(offset + at as u64, &bytes[at + BEFORE..end]);
        at = end;
    }
    at
}

/// Looks at the first bytes of a file; None if there are too few of them.
fn detect(bytes: &[u8]) -> Option<Result<Framing, String>> {
    let is_known = |letter: u8| LENGTHS[usize::from(letter)] > 0;
    Some(match *bytes {
        [] => return None,
        [first, ..] if is_known(first) => Ok(Framing::Bare),
        [0] | [0, _] => return None,
        [0, 0, letter, ..] if is_known(letter) => Ok(Framing::Zeros),
        [0, length, letter, ..] if is_known(letter) && length == LENGTHS[usize::from(letter)] => Ok(Framing::Lengths),
        _ => Err("this is no ITCH 5.0 message, nor the length of one".to_string()),
    })
}

/// Looks at what stands at a place.
fn frame(framing: Framing, bytes: &[u8]) -> Frame {
    let prefix = framing.prefix();
    let stated = match (prefix, bytes) {
        (0, _) => 0,
        (_, &[high, low, ..]) => usize::from(u16::from_be_bytes([high, low])),
        _ => return Frame::Cut(PREFIX + 1),
    };
    if framing == Framing::Lengths && stated == 0 {
        return Frame::End;
    }
    if framing == Framing::Zeros && stated != 0 {
        return Frame::Damaged(format!("a length of {stated} where all before are zero"));
    }
    let Some(&letter) = bytes.get(prefix) else { return Frame::Cut(prefix + 1) };
    let length = usize::from(LENGTHS[usize::from(letter)]);
    let has_lengths = framing == Framing::Lengths;
    match length {
        0 if has_lengths && letter.is_ascii_alphabetic() && stated <= LONGEST_UNKNOWN => {
            Frame::Unknown(prefix + stated)
        }
        0 => Frame::Damaged(format!("no message begins with {}", shown(letter))),
        _ if has_lengths && length != stated => {
            let letter = shown(letter);
            Frame::Damaged(format!("a message {letter} has {length} bytes, but {stated} are announced"))
        }
        _ if bytes.len() < prefix + length => Frame::Cut(prefix + length),
        _ => Frame::Message(prefix + length),
    }
}

fn shown(letter: u8) -> String {
    if letter.is_ascii_graphic() { format!("'{}'", char::from(letter)) } else { format!("0x{letter:02x}") }
}
