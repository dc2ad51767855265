//! What a command is about: that decides which shard it goes to (R3).

use super::Exchange;
use super::records::{decode, is_admin};
use crate::codes::{AdminKind, CommandKind};
use crate::record::{ALL_INSTRUMENTS, Command, RecordError, check as check_order, slot_at};

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The book of one instrument.
    Instrument(u32),
    /// One clearing group's funds.
    Group(u32),
    /// One event market.
    Event(u32),
    /// A transfer: the source's shard takes the funds, and if it did, the target's shard gets the same command and brings them.
    /// Where both are one shard, it does both.
    Groups {
        /// The clearing group that the funds leave.
        source: u32,
        /// The one they go to.
        target: u32,
    },
    /// Every shard, in one order for all: names, places, all instruments.
    All,
}

impl AdminKind {
    /// Does it make or place something, which every shard has to know?
    pub const fn is_for_all_shards(self) -> bool {
        match self {
            AdminKind::CreateAsset
            | AdminKind::CreateGroup
            | AdminKind::CreateAccount
            | AdminKind::CreateInstrument
            | AdminKind::CreateEvent
            | AdminKind::Partition
            | AdminKind::Place => true,
            AdminKind::Deposit
            | AdminKind::Withdraw
            | AdminKind::Transfer
            | AdminKind::Mint
            | AdminKind::Redeem
            | AdminKind::Settle => false,
        }
    }
}

/// What the command that starts at `slot` is about, and how many slots it takes. It is checked as [`Exchange::check`] does but
/// for its sequence number, so a batch of which this has seen every command can be applied.
///
/// # Errors
/// [`RecordError`] where there is no command.
#[inline]
pub fn subject_of(slots: &[u8], slot: usize) -> Result<(Subject, usize), RecordError> {
    if is_admin(slots, slot) == Some(true) {
        return subject_of_admin(slots, slot);
    }
    let taken = check_order(slots, slot)?;
    let command = slot_at::<Command>(slots, slot);
    let of_order = |command: &Command| {
        let kind = CommandKind::from_code(command.kind);
        let is_for_all = matches!(kind, Some(CommandKind::MassCancel | CommandKind::AdvanceTime));
        if command.instrument == ALL_INSTRUMENTS && is_for_all {
            Subject::All
        } else {
            Subject::Instrument(command.instrument)
        }
    };
    Ok((command.as_ref().map_or(Subject::All, of_order), taken))
}

fn subject_of_admin(slots: &[u8], slot: usize) -> Result<(Subject, usize), RecordError> {
    let (admin, taken) = decode(slots, slot)?;
    let subject = match admin.kind {
        AdminKind::Deposit | AdminKind::Withdraw => Subject::Group(admin.group()),
        AdminKind::Transfer => Subject::Groups { source: admin.group(), target: admin.target_group() },
        AdminKind::Mint | AdminKind::Redeem | AdminKind::Settle => Subject::Event(admin.command.instrument),
        _ => Subject::All,
    };
    Ok((subject, taken))
}

impl Exchange {
    /// The shard that answers a command about that, as far as this one knows the names there are: the first one for what is
    /// unknown and for what concerns all, the source's for a transfer.
    pub fn answering_shard(&self, subject: Subject) -> u16 {
        let home = match subject {
            Subject::Instrument(instrument) => self.home_of_instrument(instrument),
            Subject::Group(group) | Subject::Groups { source: group, .. } => self.home_of_group(group),
            Subject::Event(event) => self.home_of_event(event),
            Subject::All => None,
        };
        home.unwrap_or(0)
    }
}
