//! What is answered for commands that a full disk has no room for.

use aeromatch_engine::codes::{EventKind, RejectReason};
use aeromatch_engine::exchange::records;
use aeromatch_engine::record::{Command, Event, RECORD_VERSION, RecordError, SLOT_BYTES, decode};

/// The kinds of commands to the exchange itself begin here.
const FIRST_ADMIN_KIND: u8 = 16;

/// The command that starts at a slot of checked ones, and how many slots it takes.
///
/// # Errors
/// [`RecordError`] where there is none after all.
pub fn command_at(slots: &[u8], slot: usize) -> Result<(Command, usize), RecordError> {
    if slots.get(slot * SLOT_BYTES).is_some_and(|&kind| kind >= FIRST_ADMIN_KIND) {
        let (admin, used) = records::decode(slots, slot)?;
        return Ok((admin.command, used));
    }
    let (command, _) = decode(slots, slot)?;
    Ok((command, command.slots()))
}

/// R8: `capacity` comes before sequencing and leaves no trace in the log, so its events have no number.
///
/// # Errors
/// As [`command_at`].
pub fn refuse_for_capacity(slots: &[u8], events: &mut Vec<Event>) -> Result<(), RecordError> {
    let mut slot = 0;
    while slot < slots.len() / SLOT_BYTES {
        let (command, used) = command_at(slots, slot)?;
        events.push(Event {
            kind: EventKind::Rejected.code(),
            version: RECORD_VERSION,
            reason: RejectReason::Capacity.code(),
            side: command.side,
            instrument: command.instrument,
            account: command.account,
            index: 0,
            price_ticks: 0,
            quantity_lots: 0,
            order_id: 0,
            other: 0,
            sequence: 0,
            detail: command.tag,
        });
        slot += used;
    }
    Ok(())
}

/// Were these events made by [`refuse_for_capacity`]?
pub(crate) fn is_refused_for_capacity(events: &[Event]) -> bool {
    let is_capacity = |event: &Event| event.sequence == 0 && event.reason == RejectReason::Capacity.code();
    events.first().is_some_and(|event| event.kind == EventKind::Rejected.code() && is_capacity(event))
}
