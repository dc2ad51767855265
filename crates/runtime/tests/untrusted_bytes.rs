//! The fuzz target's check on a bounded number of generated changes, so that `cargo test` covers it.

mod untrusted;

use aeromatch_runtime::simulation::Random;

#[test]
fn test_r33_a_changed_directory_opens_as_it_once_was_or_is_refused() {
    let mut random = Random::new(1);
    for _ in 0..400 {
        let count = 1 + random.below(4) as usize;
        let mut changes = Vec::new();
        for _ in 0..count {
            // Mostly where something is written: in the first 3 KiB behind a file's header, or in the header.
            let offset = if random.below(4) == 0 { random.below(200) } else { 4096 + random.below(3000) } as u16;
            changes.push(random.below(4) as u8);
            changes.extend_from_slice(&offset.to_le_bytes());
            changes.push(random.below(256) as u8);
        }
        untrusted::open_changed(&changes);
    }
}
