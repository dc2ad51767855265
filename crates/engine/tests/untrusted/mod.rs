//! What must hold for any bytes at all. The fuzz targets (`make fuzz-targets`) and the bounded tests in
//! `untrusted_bytes.rs` run the same functions.

use aeromatch_engine::record::{Command, RecordError, SLOT_BYTES, as_bytes, decode};

/// R33: every byte string is a batch of commands or an error inside it; what decodes, encodes to the same bytes.
pub fn decode_batch(bytes: &[u8]) -> Result<Vec<Command>, RecordError> {
    let mut commands = Vec::new();
    let mut slot = 0;
    while slot * SLOT_BYTES < bytes.len() {
        let (command, extensions) = match decode(bytes, slot) {
            Ok(decoded) => decoded,
            Err(error) => {
                assert!(error.slot >= slot && error.offset >= error.slot * SLOT_BYTES, "{error} is behind slot {slot}");
                assert!(error.offset < error.slot * SLOT_BYTES + SLOT_BYTES, "{error} is not inside its slot");
                assert!(!error.field.is_empty() && !error.problem.is_empty());
                return Err(error);
            }
        };
        let mut encoded = as_bytes(&[command]).to_vec();
        encoded.extend(extensions.terms.iter().flat_map(|terms| as_bytes(std::slice::from_ref(terms))));
        encoded.extend(extensions.client_id.iter().flat_map(|id| as_bytes(std::slice::from_ref(id))));
        assert_eq!(encoded.len(), command.slots() * SLOT_BYTES);
        assert_eq!(encoded, bytes[slot * SLOT_BYTES..][..encoded.len()], "decoding lost something");
        slot += command.slots();
        commands.push(command);
    }
    Ok(commands)
}
