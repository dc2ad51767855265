//! The book of many threads in every interleaving of three of them, and each log of tickets replayed.
#![cfg(loom)]

use aeromatch_lab::ladder::{Ladder, Order, Side, carry_out};
use aeromatch_lab::shared_ladder::{SharedLadder, Ticketed};
use loom::sync::Arc;
use loom::thread;
use std::collections::BTreeSet;
use std::sync::Mutex;

const LEVELS: u8 = 2;

const fn order(side: Side, level: u8, quantity_lots: u32) -> Order {
    Order { side, level, quantity_lots }
}

/// Carries an order out; gives its steps, each with what was still wanted.
fn submit(book: &SharedLadder, order: Order) -> Vec<(Order, Ticketed)> {
    let mut log = Vec::new();
    carry_out(order, |order| {
        let ticketed = book.step(order);
        log.push((order, ticketed));
        ticketed.step
    });
    log
}

/// Threads submit an order each to a book in which `first` rests. Gives how many lots each of them traded, for every
/// execution that came out differently.
fn outcomes_of(first: Option<Order>, orders: &'static [Order], preemptions: Option<usize>) -> BTreeSet<Vec<u32>> {
    let outcomes = std::sync::Arc::new(Mutex::new(BTreeSet::new()));
    let seen = outcomes.clone();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(preemptions);
    model.check(move || {
        let book = Arc::new(SharedLadder::new(LEVELS));
        let mut log: Vec<_> = first.into_iter().flat_map(|order| submit(&book, order)).collect();
        let others: Vec<_> = orders[1..]
            .iter()
            .map(|&order| {
                let book = book.clone();
                thread::spawn(move || submit(&book, order))
            })
            .collect();
        let mut logs = vec![submit(&book, orders[0])];
        logs.extend(others.into_iter().map(|other| other.join().unwrap()));
        let traded = |(log, order): (&Vec<(Order, Ticketed)>, &Order)| {
            let mut steps = log.iter();
            carry_out(*order, |_| steps.next().expect("a log has all steps").1.step)
        };
        seen.lock().unwrap().insert(logs.iter().zip(orders).map(traded).collect());
        log.extend(logs.into_iter().flatten());
        replays_the_same(log, &book);
    });
    std::sync::Arc::into_inner(outcomes).unwrap().into_inner().unwrap()
}

fn replays_the_same(mut log: Vec<(Order, Ticketed)>, book: &SharedLadder) {
    log.sort_unstable_by_key(|(_, ticketed)| ticketed.ticket);
    assert!(log.iter().map(|(_, ticketed)| ticketed.ticket).eq(1..=log.len() as u32), "a ticket is missing: {log:?}");
    let mut ladder = Ladder::new(LEVELS);
    for (order, ticketed) in &log {
        assert_eq!(ladder.step(*order), ticketed.step, "step {} of {log:?}", ticketed.ticket);
    }
    for side in [Side::Buy, Side::Sell] {
        assert_eq!(ladder.resting_lots(side), book.resting_lots(side), "{side:?} after {log:?}");
    }
}

#[test]
fn two_claim_the_same_quantity() {
    const ORDERS: &[Order] = &[order(Side::Buy, 1, 2), order(Side::Buy, 1, 2)];
    let outcomes = outcomes_of(Some(order(Side::Sell, 0, 3)), ORDERS, None);
    assert_eq!(outcomes, BTreeSet::from([vec![1, 2], vec![2, 1]]));
}

#[test]
fn a_better_price_comes_while_one_trades() {
    const ORDERS: &[Order] = &[order(Side::Buy, 1, 2), order(Side::Sell, 0, 1)];
    let outcomes = outcomes_of(Some(order(Side::Sell, 1, 1)), ORDERS, None);
    // The buyer rests with what is left, and the seller finds that; or it is first and is found.
    assert_eq!(outcomes, BTreeSet::from([vec![2, 0], vec![1, 1]]));
}

#[test]
fn three_write_at_once() {
    const ORDERS: &[Order] = &[order(Side::Buy, 1, 1), order(Side::Sell, 0, 1), order(Side::Buy, 1, 1)];
    let outcomes = outcomes_of(None, ORDERS, Some(3));
    assert!(outcomes.contains(&vec![0, 1, 0]) && outcomes.contains(&vec![1, 0, 0]), "{outcomes:?}");
    assert!(outcomes.iter().all(|traded| traded.iter().sum::<u32>() == 1), "{outcomes:?}");
}
