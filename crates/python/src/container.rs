//! A book's snapshot with what only the library knows: the instrument's symbol and units, and the names of accounts.
//!
//! | offset | bytes | |
//! | --- | --- | --- |
//! | 0 | 8 | `AEROSNAP` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | length of the library's part |
//! | 16 | 8 | length of the engine's part |
//! | 24 | | the library's part: symbol, tick size, lot size, number of names, names (texts are a length u32 and UTF-8) |
//! | | 4 | CRC32C of all before it |
//! | | | the engine's part, which carries its own checksum |

use crate::decimal::{Grid, Number};
use crate::errors::Failure;
use crate::instrument::{Context, Facts};
use crate::names::Names;
use aeromatch_engine::engine::{Book, IndexKind};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"AEROSNAP";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;
const CHECKSUM_BYTES: usize = 4;

/// The book and what belongs to it as bytes.
pub fn write(context: &Context, book: &Book) -> Vec<u8> {
    let facts = &context.facts;
    let mut library = Vec::new();
    let names = context.names.all();
    put_text(&mut library, &facts.symbol);
    put_text(&mut library, facts.price_grid.step().as_str());
    put_text(&mut library, facts.quantity_grid.step().as_str());
    library.extend_from_slice(&(names.len() as u32).to_le_bytes());
    names.iter().for_each(|name| put_text(&mut library, name));
    let engine = book.snapshot();
    let mut out = Vec::with_capacity(HEADER_BYTES + library.len() + CHECKSUM_BYTES + engine.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(library.len() as u32).to_le_bytes());
    out.extend_from_slice(&(engine.len() as u64).to_le_bytes());
    out.extend_from_slice(&library);
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    out.extend_from_slice(&engine);
    out
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The book of a snapshot and what belongs to it.
///
/// # Errors
/// [`Failure::Snapshot`] says what is wrong with the bytes.
pub fn read(bytes: &[u8], index: Option<IndexKind>) -> Result<(Context, Book), Failure> {
    let (library, engine) = split(bytes)?;
    let book = Book::restore(engine, index).map_err(|error| Failure::Snapshot(error.to_string()))?;
    let mut input = Input { bytes: library, at: 0 };
    let symbol = input.text()?.to_string();
    let price_grid = input.grid()?;
    let quantity_grid = input.grid()?;
    let names = Names::default();
    for number in 1..=input.u32()? {
        if names.intern(input.text()?) != Some(number) {
            return Err(input.fail("an account name occurs twice"));
        }
    }
    if input.at != library.len() {
        return Err(input.fail("bytes are left over"));
    }
    let facts = Facts { symbol, price_grid, quantity_grid, rules: *book.rules(), settlement: None };
    Ok((Context { facts: Arc::new(facts), names, quote_grid: None }, book))
}

/// The library's and the engine's part, once header and checksum are right.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    let fail = |problem: String| Err(Failure::Snapshot(problem));
    if !bytes.starts_with(MAGIC) {
        return fail("not a snapshot: it does not start with 'AEROSNAP'".to_string());
    }
    let Some(header) = bytes.get(MAGIC.len()..HEADER_BYTES) else {
        return fail(format!("snapshot is cut short: {} bytes", bytes.len()));
    };
    let version = number(&header[..4]);
    if version != u64::from(VERSION) {
        return fail(format!("snapshot version {version} is unknown, this is version {VERSION}"));
    }
    let (library, engine) = (number(&header[4..8]), number(&header[8..16]));
    let expected = u128::from(library) + u128::from(engine) + (HEADER_BYTES + CHECKSUM_BYTES) as u128;
    if expected != bytes.len() as u128 {
        return fail(format!("snapshot of {expected} bytes is {} bytes long", bytes.len()));
    }
    let (covered, rest) = bytes.split_at(HEADER_BYTES + library as usize);
    let (stored, engine) = rest.split_at(CHECKSUM_BYTES);
    let (stored, computed) = (number(stored), u64::from(crc32c::crc32c(covered)));
    if stored != computed {
        return fail(format!(
            "snapshot header's checksum is {computed:08x}, stored is {stored:08x}: some bytes changed"
        ));
    }
    Ok((&covered[HEADER_BYTES..], engine))
}

/// A little-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn fail(&self, problem: &str) -> Failure {
        Failure::Snapshot(format!("snapshot is damaged at byte {}: {problem}", HEADER_BYTES + self.at))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let taken = self.bytes[self.at..].get(..length).ok_or_else(|| self.fail("cut short"))?;
        self.at += length;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Failure> {
        Ok(number(self.take(4)?) as u32)
    }

    fn text(&mut self) -> Result<&'a str, Failure> {
        let length = self.u32()? as usize;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.fail("a text is not UTF-8"))
    }

    fn grid(&mut self) -> Result<Grid, Failure> {
        let text = self.text()?;
        Number::parse(text).ok().and_then(Grid::new).ok_or_else(|| self.fail("a tick or lot size is no such size"))
    }
}
