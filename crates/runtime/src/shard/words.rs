//! Events as the words of a broadcast ring's slot, and back: the same 64 bytes, little-endian.

use aeromatch_engine::record::{Event, SLOT_BYTES};

/// Words of an event.
pub(crate) const WORDS: usize = SLOT_BYTES / 8;

pub(crate) fn words_of(event: &Event) -> [u64; WORDS] {
    let bytes = u32::from_le_bytes([event.kind, event.version, event.reason, event.side]);
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    [
        pair(bytes, event.instrument),
        pair(event.account, event.index),
        event.price_ticks as u64,
        event.quantity_lots,
        event.order_id,
        event.other,
        event.sequence,
        event.detail,
    ]
}

pub(crate) fn event_of(words: &[u64; WORDS]) -> Event {
    let [kind, version, reason, side] = (words[0] as u32).to_le_bytes();
    Event {
        kind,
        version,
        reason,
        side,
        instrument: (words[0] >> 32) as u32,
        account: words[1] as u32,
        index: (words[1] >> 32) as u32,
        price_ticks: words[2] as i64,
        quantity_lots: words[3],
        order_id: words[4],
        other: words[5],
        sequence: words[6],
        detail: words[7],
    }
}

/// Number of the command whose event it is.
pub(crate) fn sequence_of(words: &[u64; WORDS]) -> u64 {
    words[6]
}

/// Is it its command's first event?
pub(crate) fn is_first(words: &[u64; WORDS]) -> bool {
    words[1] >> 32 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use aeromatch_engine::record::as_bytes;

    #[test]
    fn words_are_the_bytes_of_the_event() {
        let event = Event {
            kind: 1,
            version: 2,
            reason: 3,
            side: 4,
            instrument: 5,
            account: 6,
            index: 7,
            price_ticks: -8,
            quantity_lots: 9,
            order_id: 10,
            other: 11,
            sequence: 12,
            detail: u64::MAX,
        };
        let words = words_of(&event);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes, as_bytes(&[event]));
        assert_eq!((event_of(&words), sequence_of(&words), is_first(&words)), (event, 12, false));
    }
}
