//! What the tests share: messages, an engine whose reports are collected, and a model that says what they must be.

use aeromatch_abi::{Adapter, Channel, Message, NewOrder, Report, report};
use aeromatch_engine::codes::Side;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ffi::c_void;
use std::sync::{Arc, Mutex};

pub const BUY: u8 = 0;
pub const SELL: u8 = 1;

const NEW: u8 = 0;
const CANCEL: u8 = 1;
const MODIFY: u8 = 2;

pub fn order(order_id: u64, side: u8, price: i64, quantity: u32) -> Message {
    Message::new(NEW, NewOrder { order_id, sequence: 0, price, quantity, side, ioc: 0, pad: [0; 2] })
}

pub fn buy(order_id: u64, price: i64, quantity: u32) -> Message {
    order(order_id, BUY, price, quantity)
}

pub fn sell(order_id: u64, price: i64, quantity: u32) -> Message {
    order(order_id, SELL, price, quantity)
}

pub fn ioc(mut message: Message) -> Message {
    message.body.ioc = 1;
    message
}

/// A cancel. What lies behind its two fields is not for the engine, so it is garbage here.
pub fn cancel(order_id: u64) -> Message {
    let body = NewOrder { order_id, sequence: 0, price: i64::MIN, quantity: u32::MAX, side: 1, ioc: 9, pad: [7; 2] };
    Message::new(CANCEL, body)
}

pub fn modify(order_id: u64, side: u8, price: i64, quantity: u32) -> Message {
    // A modify's padding stands where a new order says IOC.
    let body = NewOrder { order_id, sequence: 0, price, quantity, side, ioc: 1, pad: [7; 2] };
    Message::new(MODIFY, body)
}

/// Numbers messages from 1.
pub fn numbered(mut messages: Vec<Message>) -> Vec<Message> {
    for (message, sequence) in messages.iter_mut().zip(1..) {
        message.body.sequence = sequence;
    }
    messages
}

/// What can be asked of a book.
pub trait Queries {
    fn best(&self, side: u8) -> Option<i64>;
    fn depth_at(&self, side: u8, price: i64) -> u64;
}

/// An engine and the reports that it has handed on.
pub struct Rig {
    adapter: Adapter,
    reports: Arc<Mutex<Vec<Report>>>,
}

/// # Safety
/// `sink` points to the list and `report` to a report.
pub unsafe extern "C" fn collect(sink: *mut c_void, report: *const Report) -> i32 {
    // SAFETY: promised by the caller.
    let (list, report) = unsafe { (&*sink.cast::<Mutex<Vec<Report>>>(), *report) };
    list.lock().unwrap().push(report);
    1
}

impl Rig {
    pub fn new() -> Rig {
        let reports = Arc::new(Mutex::new(Vec::new()));
        // SAFETY: the list lives as long as the rig, and so as the adapter beside it.
        let channel = unsafe { Channel::new(collect, Arc::as_ptr(&reports).cast_mut().cast()) };
        Rig { adapter: Adapter::new(channel), reports }
    }

    pub fn one(&mut self, message: &Message) {
        match message.kind {
            NEW => self.adapter.on_new_order(&message.body),
            CANCEL => self.adapter.on_cancel(&message.as_cancel()),
            _ => self.adapter.on_modify(&message.as_modify()),
        }
    }

    pub fn batch(&mut self, messages: &[Message]) {
        self.adapter.on_batch(messages);
    }

    /// The reports since the last call.
    pub fn taken(&self) -> Vec<Report> {
        std::mem::take(&mut self.reports.lock().unwrap())
    }
}

impl Queries for Rig {
    fn best(&self, side: u8) -> Option<i64> {
        self.adapter.best(if side == BUY { Side::Buy } else { Side::Sell })
    }

    fn depth_at(&self, side: u8, price: i64) -> u64 {
        self.adapter.depth_at(if side == BUY { Side::Buy } else { Side::Sell }, price)
    }
}

/// The interface's meaning, as plainly as it can be said: sorted prices, each with its orders in order of time.
#[derive(Default)]
pub struct Model {
    sides: [BTreeMap<i64, VecDeque<(u64, u32)>>; 2],
    live: HashMap<u64, (u8, i64)>,
}

impl Model {
    pub fn apply(&mut self, message: &Message) -> Vec<Report> {
        let NewOrder { order_id, sequence, price, quantity, side, ioc, .. } = message.body;
        let mut out = Vec::new();
        let said =
            |kind, side, price, quantity| Report { sequence, order_id, side, price, quantity, ..Report::of(kind) };
        match message.kind {
            NEW if quantity == 0 || self.live.contains_key(&order_id) => out.push(said(report::CANCEL_REJECT, 0, 0, 0)),
            NEW => {
                out.push(said(report::ORDER_ACK, side, price, quantity));
                let rest = self.trade(message, &mut out);
                if rest > 0 && ioc != 0 {
                    out.push(said(report::CANCEL_ACK, side, price, rest));
                } else {
                    self.rest(order_id, side, price, rest);
                }
            }
            CANCEL => out.push(match self.take_out(order_id) {
                Some((side, price, rest)) => said(report::CANCEL_ACK, side, price, rest),
                None => said(report::CANCEL_REJECT, 0, 0, 0),
            }),
            _ if quantity == 0 || self.take_out(order_id).is_none() => out.push(said(report::MODIFY_REJECT, 0, 0, 0)),
            _ => {
                let rest = self.trade(message, &mut out);
                self.rest(order_id, side, price, rest);
                out.push(said(report::MODIFY_ACK, side, price, quantity));
            }
        }
        out
    }

    fn trade(&mut self, message: &Message, out: &mut Vec<Report>) -> u32 {
        let NewOrder { order_id, sequence, price: limit, quantity, side, .. } = message.body;
        let mut rest = quantity;
        while rest > 0
            && let Some(price) = self.best(1 - side)
            && (if side == BUY { price <= limit } else { price >= limit })
        {
            let other = &mut self.sides[usize::from(1 - side)];
            let queue = other.get_mut(&price).unwrap();
            let maker = queue.front_mut().unwrap();
            let traded = rest.min(maker.1);
            rest -= traded;
            maker.1 -= traded;
            let (maker_order_id, left) = *maker;
            let ids = Report { order_id, maker_order_id, taker_order_id: order_id, ..Report::of(report::TRADE) };
            out.push(Report { side, sequence, price, quantity: traded, ..ids });
            if left == 0 {
                self.take_out(maker_order_id);
            }
        }
        rest
    }

    fn rest(&mut self, order_id: u64, side: u8, price: i64, quantity: u32) {
        if quantity > 0 {
            self.sides[usize::from(side)].entry(price).or_default().push_back((order_id, quantity));
            self.live.insert(order_id, (side, price));
        }
    }

    fn take_out(&mut self, order_id: u64) -> Option<(u8, i64, u32)> {
        let (side, price) = self.live.remove(&order_id)?;
        let prices = &mut self.sides[usize::from(side)];
        let queue = prices.get_mut(&price)?;
        let place = queue.iter().position(|&(id, _)| id == order_id)?;
        let (_, rest) = queue.remove(place)?;
        if queue.is_empty() {
            prices.remove(&price);
        }
        Some((side, price, rest))
    }

    /// Live orders.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Every price with orders.
    pub fn prices(&self, side: u8) -> impl Iterator<Item = i64> {
        self.sides[usize::from(side)].keys().copied()
    }
}

impl Queries for Model {
    fn best(&self, side: u8) -> Option<i64> {
        let prices = &self.sides[usize::from(side)];
        if side == BUY { prices.last_key_value() } else { prices.first_key_value() }.map(|(&price, _)| price)
    }

    fn depth_at(&self, side: u8, price: i64) -> u64 {
        self.sides[usize::from(side)]
            .get(&price)
            .map_or(0, |queue| queue.iter().map(|&(_, rest)| u64::from(rest)).sum())
    }
}

/// Best prices, and the depth at these prices and their neighbours on both sides.
pub fn assert_same_queries(model: &Model, engine: &impl Queries, prices: impl IntoIterator<Item = i64>, what: &str) {
    for side in [BUY, SELL] {
        assert_eq!(engine.best(side), model.best(side), "{what}: best price of side {side}");
    }
    for price in prices {
        for near in [price.saturating_sub(1), price, price.saturating_add(1)] {
            for side in [BUY, SELL] {
                let (is, should) = (engine.depth_at(side, near), model.depth_at(side, near));
                assert_eq!(is, should, "{what}: depth of side {side} at {near}");
            }
        }
    }
}

/// Every price of the book.
pub fn assert_same_book(model: &Model, engine: &impl Queries, what: &str) {
    assert_same_queries(model, engine, model.prices(BUY).chain(model.prices(SELL)), what);
}
