//! Frames as bytes: headers, what a client's frames say, and the bodies of the server's. Reading never trusts its input, and
//! allocates nothing that the input could make large.

use super::code::Code;
use aeromatch_engine::record::SLOT_BYTES;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 16;
/// The version that every frame carries.
pub const VERSION: u8 = 1;
/// Most of what a frame's count can say.
pub const MAX_COUNT: usize = u16::MAX as usize;
/// Bytes of a login before its positions.
pub const LOGIN_BYTES: usize = 64 + 2 * SLOT_BYTES;
/// A position that means: from now on.
pub const FROM_NOW: u64 = u64::MAX;
/// Bytes of the body of reports and trades before the first event.
pub const SHARD_BYTES: usize = 8;

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident = $number:literal,)+) => {
        /// Kinds of frames.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])+ $name = $number,)+
        }

        impl Kind {
            /// The kind of a number.
            pub fn from_code(code: u8) -> Option<Kind> {
                match code {
                    $($number => Some(Kind::$name),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Who it is: the client's first frame.
    Login = 1,
    /// Orders, amends, cancels.
    Commands = 2,
    /// The client is there.
    Heartbeat = 3,
    /// The client wants an answer.
    Test = 4,
    /// The client wants market data.
    Subscribe = 5,
    /// And no more.
    Unsubscribe = 6,
    /// The client wants to know what there is.
    List = 7,
    /// The client goes.
    Logout = 8,
    /// The login was good: the server's first frame.
    Welcome = 65,
    /// Events of the account.
    Reports = 66,
    /// Commands, or a subscription, that are not taken.
    Refused = 67,
    /// The server is there, or answers a test.
    Alive = 68,
    /// Levels of a book.
    Depth = 69,
    /// Trades of the instruments that are followed.
    Trades = 70,
    /// Instruments.
    Listed = 71,
    /// The server goes.
    Ended = 72,
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the body.
    pub length: u32,
    /// [`Kind`].
    pub kind: u8,
    /// [`VERSION`].
    pub version: u8,
    /// What the body is a list of.
    pub count: u16,
    /// The sender's own.
    pub number: u64,
}

impl Header {
    /// Reads a header; None: there are fewer bytes.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        Some(Header {
            length: u32_at(bytes, 0),
            kind: bytes[4],
            version: bytes[5],
            count: u16_at(bytes, 6),
            number: u64_at(bytes, 8),
        })
    }

    /// Its bytes.
    #[inline]
    pub fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        (bytes[4], bytes[5]) = (self.kind, self.version);
        bytes[6..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }
}

/// What is wrong with a frame: it ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub code: Code,
    /// In a sentence.
    pub detail: &'static str,
}

impl Fault {
    /// Why, in a sentence.
    pub const fn new(code: Code, detail: &'static str) -> Fault {
        Fault { code, detail }
    }

    pub(super) const fn malformed(detail: &'static str) -> Fault {
        Fault { code: Code::Malformed, detail }
    }
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// When it was signed, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// What the key signs once.
    pub nonce: u64,
    /// Cancel the account's orders when the connection ends.
    pub cancel_on_disconnect: bool,
    /// How often at least either side sends something; 0: the server's choice.
    pub heartbeat_ms: u32,
    /// HMAC-SHA256.
    pub signature: [u8; 32],
    /// The key's name; empty: none.
    pub key: String,
    /// The account's name; empty: the key's own.
    pub account: String,
    /// By shard, the last sequence number that the client has; empty: from now on.
    pub positions: Vec<u64>,
}

impl Login {
    /// Reads the body of a login.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(body: &[u8], count: u16) -> Result<Login, Fault> {
        let positions = body.get(LOGIN_BYTES..).ok_or(Fault::malformed("the login is cut short"))?;
        if positions.len() != usize::from(count) * 8 {
            return Err(Fault::malformed("the login has not as many positions as its count says"));
        }
        let flags = u32_at(body, 16);
        if flags > 1 || u64_at(body, 24) != 0 {
            return Err(Fault::malformed("a flag of the login that means nothing is set"));
        }
        let mut signature = [0; 32];
        signature.copy_from_slice(&body[32..64]);
        Ok(Login {
            timestamp_ms: u64_at(body, 0),
            nonce: u64_at(body, 8),
            cancel_on_disconnect: flags & 1 != 0,
            heartbeat_ms: u32_at(body, 20),
            signature,
            key: text(&body[64..128]).ok_or(Fault::malformed("the key's id is no text"))?.to_string(),
            account: text(&body[128..192]).ok_or(Fault::malformed("the account's name is no text"))?.to_string(),
            positions: positions.chunks_exact(8).map(|bytes| u64_at(bytes, 0)).collect(),
        })
    }

    /// The body of a login.
    ///
    /// # Panics
    /// If a name is longer than a text can be.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp_ms.to_le_bytes());
        out.extend_from_slice(&self.nonce.to_le_bytes());
        out.extend_from_slice(&u32::from(self.cancel_on_disconnect).to_le_bytes());
        out.extend_from_slice(&self.heartbeat_ms.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&self.signature);
        write_text(&self.key, out);
        write_text(&self.account, out);
        self.positions.iter().for_each(|position| out.extend_from_slice(&position.to_le_bytes()));
    }
}

/// What a subscription follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Every trade.
    Trades = 1,
    /// The best levels.
    Depth = 2,
}

/// A subscription, or the end of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Of what.
    pub channel: Channel,
    /// Best levels of each side; 0: all that are published.
    pub levels: u16,
    /// Of which instrument.
    pub instrument: u32,
    /// The client's own, for a refusal.
    pub tag: u32,
}

impl Subscribe {
    /// Bytes of its body.
    pub const BYTES: usize = 24;

    /// Reads the body of a frame that subscribes or unsubscribes.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(body: &[u8]) -> Result<Subscribe, Fault> {
        let malformed = Fault::malformed("the subscription has not its form");
        if body.len() != Subscribe::BYTES || body[1] != 0 || u64_at(body, 8) != 0 || u32_at(body, 20) != 0 {
            return Err(malformed);
        }
        let channel = match body[0] {
            1 => Channel::Trades,
            2 => Channel::Depth,
            _ => return Err(malformed),
        };
        let (levels, instrument, tag) = (u16_at(body, 2), u32_at(body, 4), u32_at(body, 16));
        Ok(Subscribe { channel, levels, instrument, tag })
    }

    /// Its body.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.channel as u8, 0]);
        out.extend_from_slice(&self.levels.to_le_bytes());
        out.extend_from_slice(&self.instrument.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&self.tag.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
    }
}

/// The text of a slot; None if it is none.
pub fn text(slot: &[u8]) -> Option<&str> {
    let (&length, rest) = slot.split_first()?;
    let (text, zero) = rest.split_at_checked(usize::from(length))?;
    let is_whole = slot.len() == SLOT_BYTES && zero.iter().all(|&byte| byte == 0);
    is_whole.then(|| std::str::from_utf8(text).ok()).flatten()
}

/// Appends a text's slot.
///
/// # Panics
/// If it is longer than 63 bytes.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    assert!(text.len() < SLOT_BYTES, "a text has at most 63 bytes");
    let end = out.len() + SLOT_BYTES;
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
    out.resize(end, 0);
}

#[inline]
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|place| bytes[at + place]))
}

#[inline]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|place| bytes[at + place]))
}
