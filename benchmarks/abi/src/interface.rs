//! The C interface: layouts, the transport, and the exported functions. `unsafe` is what C asks for: raw pointers that the
//! caller promises to be valid, and one engine a process, used from one thread at a time.

use crate::Adapter;
use aeromatch_engine::codes::Side;
use std::cell::UnsafeCell;
use std::ffi::c_void;

/// A new order; `side` 0 is buy.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NewOrder {
    pub order_id: u64,
    pub sequence: u64,
    pub price: i64,
    pub quantity: u32,
    pub side: u8,
    pub ioc: u8,
    pub pad: [u8; 2],
}

/// A cancel.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Cancel {
    pub order_id: u64,
    pub sequence: u64,
}

/// A modify: the order leaves and enters again, last at its price.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Modify {
    pub order_id: u64,
    pub sequence: u64,
    pub price: i64,
    pub quantity: u32,
    pub side: u8,
    pub pad: [u8; 3],
}

/// One message of a batch: 0 new, 1 cancel, 2 modify. The three share their first fields and their size (a cancel's rest is
/// unused), so the longest stands for the union.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Message {
    pub kind: u8,
    pub pad: [u8; 7],
    pub body: NewOrder,
}

/// Kinds of reports.
pub mod report {
    pub const ORDER_ACK: u8 = 0;
    pub const TRADE: u8 = 1;
    pub const CANCEL_ACK: u8 = 2;
    pub const MODIFY_ACK: u8 = 3;
    pub const CANCEL_REJECT: u8 = 4;
    pub const MODIFY_REJECT: u8 = 5;
}

/// What the engine answers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub kind: u8,
    pub side: u8,
    pub pad: [u8; 6],
    pub sequence: u64,
    pub order_id: u64,
    pub price: i64,
    pub quantity: u32,
    pub pad2: u32,
    pub maker_order_id: u64,
    pub taker_order_id: u64,
    pub pad3: u64,
}

impl Report {
    #[inline(always)]
    pub const fn of(kind: u8) -> Report {
        Report {
            kind,
            side: 0,
            pad: [0; 6],
            sequence: 0,
            order_id: 0,
            price: 0,
            quantity: 0,
            pad2: 0,
            maker_order_id: 0,
            taker_order_id: 0,
            pad3: 0,
        }
    }
}

/// The caller's functions for handing on reports; the engine uses `push` alone.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Transport {
    pub create: Option<unsafe extern "C" fn(u32) -> *mut c_void>,
    pub push: unsafe extern "C" fn(*mut c_void, *const Report) -> i32,
    pub drain: Option<unsafe extern "C" fn(*mut c_void, *mut Report, u32) -> u32>,
    pub flush: Option<unsafe extern "C" fn(*mut c_void)>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

const _: () = {
    assert!(size_of::<NewOrder>() == 32 && size_of::<Cancel>() == 16 && size_of::<Modify>() == 32);
    assert!(size_of::<Message>() == 40 && size_of::<Report>() == 64);
};

/// A transport with the sink it was given.
pub struct Channel {
    push: unsafe extern "C" fn(*mut c_void, *const Report) -> i32,
    sink: *mut c_void,
}

impl Channel {
    /// # Safety
    /// `push` may be called with `sink` and a report as long as the channel lives.
    pub unsafe fn new(push: unsafe extern "C" fn(*mut c_void, *const Report) -> i32, sink: *mut c_void) -> Channel {
        Channel { push, sink }
    }

    /// Hands a report on; waits while the transport is full.
    #[inline(always)]
    pub fn push(&self, report: &Report) {
        // SAFETY: promised when the channel was made.
        while unsafe { (self.push)(self.sink, report) } == 0 {
            std::hint::spin_loop();
        }
    }
}

/// The one engine. The interface has no handle to pass, so it stands in a static.
struct Engine(UnsafeCell<Option<Adapter>>);
// SAFETY: the interface is called from one thread at a time.
unsafe impl Sync for Engine {}
static ENGINE: Engine = Engine(UnsafeCell::new(None));

#[inline(always)]
fn engine() -> &'static mut Adapter {
    // SAFETY: one thread at a time, and no exported function calls another while it holds this reference.
    let engine = unsafe { &mut *ENGINE.0.get() };
    engine.as_mut().expect("engine_init was called")
}

/// # Safety
/// `transport` is valid during the call, its functions and `sink` until `engine_shutdown`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_init(_seed: u64, transport: *const Transport, sink: *mut c_void) {
    // SAFETY: promised by the caller.
    let channel = unsafe { Channel::new((*transport).push, sink) };
    // SAFETY: as in `engine`.
    unsafe { *ENGINE.0.get() = Some(Adapter::new(channel)) };
}

#[unsafe(no_mangle)]
pub extern "C" fn engine_shutdown() {
    // SAFETY: as in `engine`.
    unsafe { *ENGINE.0.get() = None };
}

/// Everything is matched and reported when a call returns.
#[unsafe(no_mangle)]
pub extern "C" fn engine_flush() {}

/// # Safety
/// `order` is valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_on_new_order(order: *const NewOrder) {
    // SAFETY: promised by the caller.
    engine().on_new_order(unsafe { &*order });
}

/// # Safety
/// `cancel` is valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_on_cancel(cancel: *const Cancel) {
    // SAFETY: promised by the caller.
    engine().on_cancel(unsafe { &*cancel });
}

/// # Safety
/// `modify` is valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_on_modify(modify: *const Modify) {
    // SAFETY: promised by the caller.
    engine().on_modify(unsafe { &*modify });
}

/// # Safety
/// `messages` points to `count` messages that are valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_on_batch(messages: *const Message, count: u32) {
    if count > 0 {
        // SAFETY: promised by the caller; the bytes of a shorter message's rest are never read as such.
        engine().on_batch(unsafe { std::slice::from_raw_parts(messages, count as usize) });
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn engine_query_best_bid() -> i64 {
    engine().best(Side::Buy).unwrap_or(i64::MIN)
}

#[unsafe(no_mangle)]
pub extern "C" fn engine_query_best_ask() -> i64 {
    engine().best(Side::Sell).unwrap_or(i64::MAX)
}

#[unsafe(no_mangle)]
pub extern "C" fn engine_query_depth_at(price: i64, side: u8) -> u64 {
    engine().depth_at(if side == 0 { Side::Buy } else { Side::Sell }, price)
}

impl Message {
    /// The message as what its kind says.
    #[inline(always)]
    pub fn as_cancel(&self) -> Cancel {
        Cancel { order_id: self.body.order_id, sequence: self.body.sequence }
    }

    #[inline(always)]
    pub fn as_modify(&self) -> Modify {
        let NewOrder { order_id, sequence, price, quantity, side, .. } = self.body;
        Modify { order_id, sequence, price, quantity, side, pad: [0; 3] }
    }

    /// A message of that kind.
    pub fn new(kind: u8, body: NewOrder) -> Message {
        Message { kind, pad: [0; 7], body }
    }
}
