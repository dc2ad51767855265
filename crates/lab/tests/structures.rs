//! The experiments on what the runtime ships, on real threads, for moments: what must hold whatever the processor does.

#![cfg(not(loom))]

use aeromatch_lab::idling::wait_for_work;
use aeromatch_lab::ladder::{Ladder, Order, Side, Step};
use aeromatch_lab::lending::{Load, Source, lend};
use aeromatch_lab::queues::{Queue, carry};
use aeromatch_lab::shared_ladder::SharedLadder;
use aeromatch_lab::single_writer::{Flow, Writing, replay, trade};
use aeromatch_lab::stage::Stage;
use aeromatch_runtime::Idle;

fn go_on() -> bool {
    true
}

fn stage() -> Stage<'static> {
    Stage::new(0.03, &go_on)
}

#[test]
fn every_queue_carries_all_items_in_order() {
    for queue in [Queue::Mutex, Queue::Spin, Queue::Claimed, Queue::Intake, Queue::Rings] {
        for (producers, batch) in [(1, 1), (3, 1), (1, 64), (3, 64)] {
            let carried = carry(&stage(), queue, producers, batch);
            assert_eq!((carried.misplaced, carried.lost), (0, 0), "{queue:?} of {producers}, {batch}");
            assert!(carried.items > 0);
        }
    }
}

#[test]
fn what_is_lent_has_one_user() {
    for source in [Source::Allocator, Source::Pool] {
        for load in [Load::One, Load::Two, Load::HandOver] {
            let lent = lend(&stage(), source, load);
            assert_eq!(lent.wrong, 0, "{source:?}, {load:?}");
            assert!(lent.values > 0);
        }
    }
}

#[test]
fn whoever_waits_gets_every_message() {
    for &idle in Idle::ALL {
        let idled = wait_for_work(&stage(), idle, 2_000).unwrap();
        assert!(idled.messages > 0, "{idle:?}");
        assert_eq!((idled.latency.count, idled.sending.count), (idled.messages, idled.messages), "{idle:?}");
    }
}

const fn order(side: Side, level: u8, quantity_lots: u32) -> Order {
    Order { side, level, quantity_lots }
}

/// Worked out by hand.
#[test]
fn a_step_trades_at_the_best_level_or_rests() {
    let (mut ladder, shared) = (Ladder::new(4), SharedLadder::new(4));
    let steps = [
        (order(Side::Sell, 2, 5), Step::Rest),
        (order(Side::Sell, 1, 3), Step::Rest),
        (order(Side::Buy, 0, 4), Step::Rest),
        (order(Side::Buy, 3, 7), Step::Trade { level: 1, quantity_lots: 3 }),
        (order(Side::Buy, 3, 4), Step::Trade { level: 2, quantity_lots: 4 }),
        (order(Side::Buy, 1, 2), Step::Rest),
        (order(Side::Sell, 0, 3), Step::Trade { level: 1, quantity_lots: 2 }),
        (order(Side::Sell, 0, 1), Step::Trade { level: 0, quantity_lots: 1 }),
    ];
    for (ticket, (order, step)) in (1..).zip(steps) {
        assert_eq!(ladder.step(order), step);
        let ticketed = shared.step(order);
        assert_eq!((ticketed.ticket, ticketed.step, ticketed.overtaken), (ticket, step, 0));
    }
    for (side, resting_lots) in [(Side::Buy, [3, 0, 0, 0]), (Side::Sell, [0, 0, 1, 0])] {
        assert_eq!(ladder.resting_lots(side), resting_lots);
        assert_eq!(shared.resting_lots(side), resting_lots);
    }
}

#[test]
fn the_flow_rests_and_trades_on_both_sides() {
    let (mut ladder, mut flow) = (Ladder::new(32), Flow::new(0));
    let (mut rests, mut trades) = ([0; 2], [0; 2]);
    for _ in 0..1000 {
        let order = flow.order();
        match ladder.step(order) {
            Step::Rest => rests[order.side as usize] += 1,
            Step::Trade { .. } => trades[order.side as usize] += 1,
        }
    }
    assert!(rests.iter().chain(&trades).all(|&count| count > 100), "{rests:?} {trades:?}");
}

#[test]
fn whoever_writes_what_is_bought_is_sold() {
    for writing in [Writing::Lock, Writing::Shared, Writing::Single { window: 1 }, Writing::Single { window: 64 }] {
        for clients in [1, 3] {
            let done = trade(&stage(), writing, clients);
            assert!(done.is_balanced, "{writing:?} of {clients}: {done:?}");
            assert!(done.orders > 0 && done.traded_lots > 0);
        }
    }
}

/// The log of a book that many threads wrote, in the order of its tickets, is one that a single thread could have written.
#[test]
fn the_log_of_a_shared_book_replays_to_the_same_trades() {
    for threads in [1, 2, 4] {
        let long = Stage::new(60.0, &go_on);
        let replay = replay(&long, threads, 20_000);
        assert!(replay.steps >= threads as u64 * 20_000 && replay.trades > 0);
        assert_eq!((replay.wrong_tickets, replay.different, replay.is_same_book), (0, 0, true), "{replay:?}");
    }
}
