//! A new order as it is after its command, as the JSON of `aeromatch.schema.orders.Order`: the fields in their order, decimals
//! as text in plain notation.

use super::many::Sent;
use crate::arguments::amount;
use crate::decimal::Grid;
use crate::report::{Outcome, answer, average, rejection};
use aeromatch_engine::codes::{CancelReason, CommandKind, EventKind, OrderType, Side, TimeInForce};
use aeromatch_engine::record::{Command, Event, Terms, flag, present};
use pyo3::prelude::*;

/// Why an order was rejected, and the order that has its client order id.
pub type Rejected = (&'static str, u64);

/// Appends the order; returns its id.
pub fn write(py: Python<'_>, sent: &Sent, events: &[Event], out: &mut Vec<u8>) -> PyResult<Result<u64, Rejected>> {
    let own = answer(events);
    if let Some(reason) = rejection(own) {
        return Ok(Err((reason.slug(), own.map_or(0, |event| event.order_id))));
    }
    let Some(accepted) = own else { return Ok(Err(("capacity", 0))) };
    let (command, extensions) = &sent.request;
    let facts = &sent.listing.context.facts;
    let terms = extensions.terms.unwrap_or(Terms::NONE);
    let outcome = Outcome::of(CommandKind::New, events);
    let (id, prices, lots) = (accepted.order_id, facts.price_grid, facts.quantity_grid);
    number(out, "{\"order_id\":\"", id);
    out.extend_from_slice(b"\",\"symbol\":");
    quoted(out, &facts.symbol);
    word(out, "side", Some(Side::from_code(command.side).map_or("", |side| side.slug())));
    word(out, "type", Some(OrderType::from_code(command.order_type).map_or("", |kind| kind.slug())));
    word(out, "status", Some(outcome.status(is_dormant(command, events, id)).slug()));
    steps(out, "quantity", Some((lots, outcome.total.into())));
    steps(out, "filled_quantity", Some((lots, outcome.filled.into())));
    steps(out, "remaining_quantity", Some((lots, outcome.live.into())));
    steps(out, "price", price(command, events, id).map(|ticks| (prices, ticks.into())));
    write_average(py, out, prices, &outcome, events, id)?;
    let has = |bit: u8| terms.present & bit != 0;
    steps(out, "stop_price", has(present::STOP).then(|| (prices, terms.stop_price_ticks.into())));
    steps(out, "display_quantity", has(present::DISPLAY).then(|| (lots, terms.display_lots.into())));
    word(out, "time_in_force", TimeInForce::from_code(command.time_in_force).map(|time| time.slug()));
    out.extend_from_slice(match command.flags & (flag::POST_ONLY | flag::SLIDE) {
        0 => b",\"post_only\":false".as_slice(),
        flag::POST_ONLY => b",\"post_only\":true",
        _ => b",\"post_only\":\"slide\"",
    });
    out.extend_from_slice(b",\"account\":");
    maybe_quoted(out, sent.listing.context.names.name(command.account).as_deref());
    out.extend_from_slice(b",\"client_order_id\":");
    maybe_quoted(out, extensions.client_id.as_ref().and_then(|id| std::str::from_utf8(id.bytes()).ok()));
    word(out, "reason", cancel_reason(events, id));
    match has(present::EXPIRE_AT) {
        true => number(out, ",\"expire_at\":", terms.expire_at_ns),
        false => out.extend_from_slice(b",\"expire_at\":null"),
    }
    number(out, ",\"created_at\":", accepted.other);
    number(out, ",\"updated_at\":", accepted.other);
    number(out, ",\"sequence\":", accepted.sequence);
    fills(out, prices, lots, accepted, events);
    out.push(b'}');
    Ok(Ok(id))
}

/// A stop that nothing has woken; that it has ended is told before.
fn is_dormant(command: &Command, events: &[Event], id: u64) -> bool {
    let is_stop = OrderType::from_code(command.order_type).is_some_and(OrderType::is_stop);
    is_stop && !events.iter().any(|event| event.kind == EventKind::Triggered.code() && event.order_id == id)
}

/// The order's limit: where it slid to, else what was asked.
fn price(command: &Command, events: &[Event], id: u64) -> Option<i64> {
    let slid = events.iter().rfind(|event| event.kind == EventKind::Repriced.code() && event.order_id == id);
    let asked = (command.flags & flag::PRICE != 0).then_some(command.price_ticks);
    slid.map(|event| event.price_ticks).or(asked)
}

fn cancel_reason(events: &[Event], id: u64) -> Option<&'static str> {
    let canceled = events.iter().rfind(|event| event.kind == EventKind::Canceled.code() && event.order_id == id)?;
    CancelReason::from_code(canceled.reason).map(|reason| reason.slug())
}

/// The order's own executions in its command.
fn own_trades(events: &[Event], id: u64) -> impl Iterator<Item = &Event> {
    let is_own = move |event: &&Event| event.order_id == id || event.other == id;
    events.iter().filter(|event| event.kind == EventKind::Trade.code()).filter(is_own)
}

fn write_average(
    py: Python<'_>,
    out: &mut Vec<u8>,
    prices: Grid,
    outcome: &Outcome,
    events: &[Event],
    id: u64,
) -> PyResult<()> {
    let mut trades = own_trades(events, id).map(|event| event.price_ticks);
    let Some(first) = trades.next() else {
        out.extend_from_slice(b",\"average_price\":null");
        return Ok(());
    };
    if trades.all(|ticks| ticks == first) {
        steps(out, "average_price", Some((prices, first.into())));
        return Ok(());
    }
    let average = average(py, prices, outcome.notional, outcome.filled)?;
    out.extend_from_slice(b",\"average_price\":");
    quoted(out, &amount(&average)?);
    Ok(())
}

fn fills(out: &mut Vec<u8>, prices: Grid, lots: Grid, accepted: &Event, events: &[Event]) {
    out.extend_from_slice(b",\"fills\":[");
    for (place, event) in own_trades(events, accepted.order_id).enumerate() {
        number(out, if place == 0 { "{\"trade_id\":" } else { ",{\"trade_id\":" }, event.detail);
        steps(out, "price", Some((prices, event.price_ticks.into())));
        steps(out, "quantity", Some((lots, event.quantity_lots.into())));
        word(out, "liquidity", Some(if event.other == accepted.order_id { "taker" } else { "maker" }));
        number(out, ",\"sequence\":", event.sequence);
        number(out, ",\"timestamp\":", accepted.other);
        out.push(b'}');
    }
    out.push(b']');
}

fn number(out: &mut Vec<u8>, before: &str, value: u64) {
    out.extend_from_slice(before.as_bytes());
    let mut digits = [0u8; 20];
    let (mut start, mut rest) = (digits.len(), value);
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A word, which has nothing in it that JSON would have to escape.
fn word(out: &mut Vec<u8>, name: &str, word: Option<&str>) {
    key(out, name);
    match word {
        Some(word) => {
            out.push(b'"');
            out.extend_from_slice(word.as_bytes());
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

/// So many ticks or lots, as a decimal.
fn steps(out: &mut Vec<u8>, name: &str, value: Option<(Grid, i128)>) {
    word(out, name, value.and_then(|(grid, steps)| grid.text(steps)).as_ref().map(|text| text.as_str()));
}

fn maybe_quoted(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => quoted(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Text that anybody may have chosen.
fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
