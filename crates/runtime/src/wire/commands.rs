//! A frame of commands: what of it may go to the exchange. It is checked and completed where it was read, so that each slot is
//! copied once, on its way to the shard.

use super::code::Code;
use super::frame::{Fault, u32_at, u64_at};
use super::outbox::Refusal;
use aeromatch_engine::codes::CommandKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{ClientId, SLOT_BYTES, extension};

const EXTENSIONS_AT: usize = 2;
const ACCOUNT_AT: usize = 12;
const TIMESTAMP_AT: usize = 40;
const SEQUENCE_AT: usize = 48;
const TAG_AT: usize = 56;

/// Whose commands they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The session's number: upper half of the tags.
    pub session: u32,
    /// The account; 0: the session is for none, and only cancels.
    pub account: u32,
    /// It may trade.
    pub may_trade: bool,
    /// A kill switch is on: nothing is entered or amended.
    pub is_killed: bool,
}

/// How many of the next commands the limits let in, of so many that are asked for, and if fewer, when it is worth trying again.
pub type Allowed = (usize, Refusal);

/// What came of a frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Bytes of the commands that may go on, at the beginning of the body.
    pub bytes: usize,
    /// How many commands that are.
    pub commands: usize,
}

/// An order with a client order id on its way: its tag, and the id.
pub type Named = (u64, ClientId);

/// How many commands a frame has.
///
/// # Errors
/// [`Fault`]: it is not known where the next one would begin.
pub fn count(body: &[u8]) -> Result<usize, Fault> {
    let slots = body.len() / SLOT_BYTES;
    if !body.len().is_multiple_of(SLOT_BYTES) {
        return Err(Fault::malformed("the commands are no whole slots"));
    }
    let (mut slot, mut commands) = (0, 0);
    while slot < slots {
        slot += slots_of(&body[slot * SLOT_BYTES..])?;
        commands += 1;
    }
    if slot > slots {
        return Err(Fault::malformed("the last command is cut short"));
    }
    Ok(commands)
}

#[inline]
fn slots_of(command: &[u8]) -> Result<usize, Fault> {
    let extensions = command[EXTENSIONS_AT];
    if extensions & !(extension::TERMS | extension::CLIENT_ID) != 0 {
        return Err(Fault::malformed("a command has slots that no order has"));
    }
    Ok(1 + usize::from(extensions & 1) + usize::from(extensions >> 1))
}

/// Checks the commands of a frame, writes account and session into those that may go on, and moves these to the front. The first
/// `allowed.0` of them are within the limits; the others are refused as `allowed.1` says.
///
/// # Errors
/// [`Fault`], as [`count`]; nothing has changed then.
pub fn check(body: &mut [u8], sender: &Sender, allowed: Allowed, refused: &mut Vec<Refusal>) -> Result<Checked, Fault> {
    count(body)?;
    // Most frames have nothing wrong: one look at all of it is the quickest.
    let is_good = Exchange::check(body).is_ok();
    let mut checked = Checked::default();
    let (mut at, mut index) = (0, 0);
    while at < body.len() {
        let bytes = slots_of(&body[at..])? * SLOT_BYTES;
        let command = &mut body[at..at + bytes];
        let verdict = if index < allowed.0 { examine(command, sender, is_good) } else { Err(allowed.1.code) };
        match verdict {
            Ok(()) => {
                complete(command, sender);
                if checked.bytes != at {
                    body.copy_within(at..at + bytes, checked.bytes);
                }
                checked.bytes += bytes;
                checked.commands += 1;
            }
            Err(code) => {
                let retry_after_ns = if index < allowed.0 { 0 } else { allowed.1.retry_after_ns };
                refused.push(Refusal { tag: u32_at(command, TAG_AT), code, retry_after_ns });
            }
        }
        index += 1;
        at += bytes;
    }
    Ok(checked)
}

#[inline]
fn examine(command: &[u8], sender: &Sender, is_good: bool) -> Result<(), Code> {
    let kind = command[0];
    let enters = kind == CommandKind::New as u8 || kind == CommandKind::Amend as u8;
    let takes_away = kind == CommandKind::Cancel as u8 || kind == CommandKind::MassCancel as u8;
    if !(enters || takes_away) {
        return Err(if is_good { Code::NotPermitted } else { Code::Malformed });
    }
    // The time is the exchange's, the place in the log too, and the upper half of the tag the session's.
    if u64_at(command, TIMESTAMP_AT) | u64_at(command, SEQUENCE_AT) | u64::from(u32_at(command, TAG_AT + 4)) != 0 {
        return Err(Code::Malformed);
    }
    if !is_good && Exchange::check(command).is_err() {
        return Err(Code::Malformed);
    }
    let account = u32_at(command, ACCOUNT_AT);
    let is_own = account == 0 || account == sender.account;
    if !sender.may_trade || (sender.account == 0 && enters) || (sender.account != 0 && !is_own) {
        return Err(Code::NotPermitted);
    }
    if enters && sender.is_killed {
        return Err(Code::KillSwitch);
    }
    Ok(())
}

#[inline]
fn complete(command: &mut [u8], sender: &Sender) {
    if sender.account != 0 {
        command[ACCOUNT_AT..ACCOUNT_AT + 4].copy_from_slice(&sender.account.to_le_bytes());
    }
    command[TAG_AT + 4..TAG_AT + 8].copy_from_slice(&sender.session.to_le_bytes());
}

/// The tags of the new orders among checked commands that have client order ids, with these.
pub fn named(slots: &[u8], out: &mut Vec<Named>) {
    let mut at = 0;
    while at < slots.len() {
        let extensions = slots[at + EXTENSIONS_AT];
        let end = at + (1 + usize::from(extensions & 1) + usize::from(extensions >> 1 & 1)) * SLOT_BYTES;
        if extensions & extension::CLIENT_ID != 0 && slots[at] == CommandKind::New as u8 {
            out.push((u64_at(&slots[at..], TAG_AT), client_id(&slots[end - SLOT_BYTES..end])));
        }
        at = end;
    }
}

fn client_id(slot: &[u8]) -> ClientId {
    let length = usize::from(slot[0]);
    // One that is too long is rejected by the book; its length keeps it from being taken for another.
    let text = &slot[1..37];
    ClientId { length: slot[0], ..ClientId::new(&text[..length.min(text.len())]) }
}
