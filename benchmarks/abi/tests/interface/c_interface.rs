//! The exported functions, as a C program would call them. One engine a process: all in one test.

use crate::common::{BUY, Model, Queries, SELL, assert_same_book, buy, cancel, ioc, modify, numbered, sell};
use aeromatch_abi::{Cancel, Message, Modify, NewOrder, Report, Transport};
use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

// SAFETY: these are the signatures of the functions that the library exports (`interface.rs`).
unsafe extern "C" {
    fn engine_init(seed: u64, transport: *const Transport, sink: *mut c_void);
    fn engine_shutdown();
    fn engine_flush();
    fn engine_on_new_order(order: *const NewOrder);
    fn engine_on_cancel(cancel: *const Cancel);
    fn engine_on_modify(modify: *const Modify);
    fn engine_on_batch(messages: *const Message, count: u32);
    fn engine_query_best_bid() -> i64;
    fn engine_query_best_ask() -> i64;
    fn engine_query_depth_at(price: i64, side: u8) -> u64;
}

static CALLS: AtomicU32 = AtomicU32::new(0);

/// A transport that is full two times out of three.
///
/// # Safety
/// As for `collect`.
unsafe extern "C" fn hesitant(sink: *mut c_void, report: *const Report) -> i32 {
    if CALLS.fetch_add(1, Ordering::Relaxed) % 3 != 2 {
        return 0;
    }
    // SAFETY: the caller's promise is passed on.
    unsafe { crate::common::collect(sink, report) }
}

struct Exported;

impl Queries for Exported {
    fn best(&self, side: u8) -> Option<i64> {
        // SAFETY: an engine was made, and this test is the only thread that uses it.
        let (best, none) = unsafe {
            if side == BUY { (engine_query_best_bid(), i64::MIN) } else { (engine_query_best_ask(), i64::MAX) }
        };
        (best != none).then_some(best)
    }

    fn depth_at(&self, side: u8, price: i64) -> u64 {
        // SAFETY: as above.
        unsafe { engine_query_depth_at(price, side) }
    }
}

fn one(message: &Message) {
    // SAFETY: as above; the structs live during the call.
    unsafe {
        match message.kind {
            0 => engine_on_new_order(&message.body),
            1 => engine_on_cancel(&message.as_cancel()),
            _ => engine_on_modify(&message.as_modify()),
        }
    }
}

#[test]
fn exported_functions_answer_as_the_model_does() {
    let reports: Mutex<Vec<Report>> = Mutex::new(Vec::new());
    let transport = Transport { create: None, push: hesitant, drain: None, flush: None, destroy: None };
    let messages = numbered(vec![
        sell(1, 100, 5),
        sell(2, 101, 5),
        buy(3, 99, 5),
        modify(3, BUY, 100, 7),
        ioc(sell(4, 99, 9)),
        cancel(2),
        cancel(2),
        modify(2, SELL, 1, 1),
        buy(5, 90, 1),
        sell(6, 110, 1),
    ]);
    for size in [0, 1, 3, messages.len()] {
        let mut model = Model::default();
        // SAFETY: transport and list outlive the engine, which is shut down below; this thread alone calls it.
        unsafe { engine_init(7, &transport, (&raw const reports).cast_mut().cast()) };
        assert_same_book(&model, &Exported, "empty");
        let mut expected = Vec::new();
        for message in &messages {
            expected.extend(model.apply(message));
        }
        if size == 0 {
            messages.iter().for_each(one);
        } else {
            for chunk in messages.chunks(size) {
                // SAFETY: as above; the messages live during the call.
                unsafe { engine_on_batch(chunk.as_ptr(), chunk.len() as u32) };
            }
            // SAFETY: as above; no message is read.
            unsafe { engine_on_batch(std::ptr::null(), 0) };
        }
        // SAFETY: as above.
        unsafe { engine_flush() };
        assert_eq!(std::mem::take(&mut *reports.lock().unwrap()), expected, "in batches of {size}");
        assert_same_book(&model, &Exported, "at the end");
        assert_eq!((model.best(BUY), model.best(SELL)), (Some(90), Some(110)));
        // SAFETY: as above.
        unsafe { engine_shutdown() };
    }
}
