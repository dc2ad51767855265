//! What the stress tests share: how long they run, numbers that look random, items that show when they are torn.
//!
//! Threads of these tests synchronise through the structure under test, and through spawn and join. The handles come back with
//! the join: ThreadSanitizer, which runs these tests too, does not know the fence by which the last Arc is dropped.

/// How many items go through, by default or by AEROMATCH_STRESS (in thousands).
pub fn count(default: u64) -> u64 {
    let thousands =
        std::env::var("AEROMATCH_STRESS").ok().map(|text| text.parse::<u64>().expect("a number of thousands"));
    thousands.map_or(default, |thousands| thousands * 1000)
}

/// Numbers that look random: xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }
}

/// Words that follow from their number: one of another number, or a torn one, is found.
pub fn words_of<const WORDS: usize>(number: u64) -> [u64; WORDS] {
    std::array::from_fn(|word| number.wrapping_add(word as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number)
}
