//! The binary protocol: frames of 64-byte slots (docs/records.md) over TCP or a Unix socket, with no interpreter on the path.
//! This text is its reference; docs/binary.md tells the same to those who write clients.
//!
//! # Frames
//! All numbers are little-endian. A frame is a header of 16 bytes, then its body:
//!
//! | offset | type | field |
//! | --- | --- | --- |
//! | 0 | u32 | length of the body in bytes, at most `max_frame_bytes` |
//! | 4 | u8 | kind |
//! | 5 | u8 | version: 1 |
//! | 6 | u16 | count of what the body is a list of; 0 where it is none |
//! | 8 | u64 | number: each side numbers its frames from 1 on each connection, without a gap |
//!
//! A *text* is a slot of 64 bytes: its length u8 (0 to 63), UTF-8, zero behind its end. What is called zero must be 0.
//!
//! # From the client
//! | kind | name | count | body |
//! | --- | --- | --- | --- |
//! | 1 | login | positions | timestamp in ms since 1970 u64, nonce u64, flags u32 (1: cancel on disconnect), heartbeat_ms u32 (0: the server's), zero u64, signature 32 bytes; text: the key's id; text: the account; then by shard u64 the last sequence number that the client has |
//! | 2 | commands | slots | `count` slots: new, cancel, amend, mass cancel with the slots that they flag |
//! | 3 | heartbeat | 0 | nothing |
//! | 4 | test | 0 | u64, which comes back |
//! | 5 | subscribe | 0 | channel u8 (1 trades, 2 depth), zero u8, levels u16 (0: all that are published), instrument u32, from_sequence u64 (0), tag u32, zero u32 |
//! | 6 | unsubscribe | 0 | the same |
//! | 7 | list | 0 | nothing |
//! | 8 | logout | 0 | nothing |
//!
//! **Login** is the first frame. The signature is what REST has (docs/security.md) over the timestamp, the nonce, `LOGIN`, `binary`
//! and an empty body, timestamp and nonce as decimal digits; zero where the server asks for no keys, and then the key's id may be
//! empty. The account is the key's own if it is empty. A session is for one account; that of an admin's key, or where the server
//! asks for no keys, may be for none: it sees the reports of all and may cancel, but enters and amends nothing, and cannot ask for a
//! cancel on disconnect (nor can who only reads). Positions are none
//! (reports begin with what happens from now on) or one for each shard; 2^64 - 1: from now on, for that shard.
//!
//! **Commands**: the account is 0 or the session's (the server writes it in), timestamp and sequence are 0, the tag's upper 32 bits are
//! 0. What is refused is told by a `refused` frame; what is not is answered in `reports`. The tag comes back in the command's first
//! event: session number in the upper 32 bits, the client's tag in the lower ones.
//!
//! # From the server
//! | kind | name | count | body |
//! | --- | --- | --- | --- |
//! | 65 | welcome | shards | session u64, account u32 (0: all), heartbeat_ms u32, max_frame_bytes u32, levels that are published u16, zero u16, the server's time in ns u64; then by shard u64 the sequence number behind which reports begin |
//! | 66 | reports | events | shard u16, flags u16 (1: the last command goes on in the next reports of this shard), zero u32; `count` event slots |
//! | 67 | refused | entries | `count` times 16 bytes: tag u32, code u16, zero u16, retry_after_ns u64 (0: it does not help) |
//! | 68 | heartbeat | shards | u64 of the test that it answers, else 0; then by shard u64 the sequence number up to which all reports were sent |
//! | 69 | depth | levels | instrument u32, shard u16, is_update u8, zero u8, sequence u64, the sequence that it leads on from u64 (snapshot: 0), bids u16, asks u16, zero u32; `count` times 24 bytes, bids then asks, each best first: price_ticks i64, quantity_lots u64 (update, 0: the level is gone), orders u32, zero u32 |
//! | 70 | trades | trades | shard u16, zero u16, zero u32; `count` event slots of kind trade, account and order ids 0, in `other` the time in ns |
//! | 71 | list | instruments | account u32, instruments in all u32, zero u64; text: the account's name; `count` times 208 bytes: instrument u32, shard u16, zero u16, zero u64; text: symbol; text: tick size; text: lot size |
//! | 72 | ended | 0 | code u16, zero u16, zero u32, retry_after_ns u64; UTF-8 to the end: the code's slug, `: `, why. The server closes behind it |
//!
//! **Reports** are all events of the session's account, of its own commands and of what others did to its orders, in the order of each
//! shard's log. They come from the log's events alone, once the exchange's durability has them: one way for answers and for fills,
//! so none is missing and none comes twice. A trade or decrement is its account's whether it has the order in `order_id` or in
//! `other`; where the order in `order_id` is somebody else's, `account` is 0. Of a command of somebody else's that did something to the
//! account's orders the answer is told too, with nothing but its time: `accepted`, of account and order 0. Frames are of whole
//! commands, unless one is longer than a frame. After a reconnect a login with the positions of the last *whole* command of each shard
//! brings what is missing; where that is not kept any more (an exchange in memory keeps little) the session ends with
//! `sequence_not_kept`.
//!
//! **Depth** begins with a snapshot, which acknowledges the subscription; **trades** with a frame without any. Of an event's second
//! outcome both are those of the first one's book, in its terms (R32). A subscription that is refused is told by `refused` with its
//! tag. Several changes of a level between two frames are one.
//!
//! Whoever sends nothing for two heartbeats and a half is ended (`idle`); the server sends at least one frame a heartbeat. A client
//! that does not read is ended when `outbound_bytes` wait for it (`slow_consumer`). The codes are those of [`code::Code`].

pub mod answers;
pub mod code;
pub mod commands;
pub mod frame;
pub mod inbox;
pub mod outbox;
pub mod owners;
#[cfg(target_os = "linux")]
pub mod server;
pub mod session;
pub mod venue;
