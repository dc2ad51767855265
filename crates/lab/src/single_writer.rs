//! Who writes the book: one thread that gets orders through rings, whoever holds the lock, or everybody at once.
//!
//! The same clients, the same flow of orders, the same rule ([`crate::ladder`]); every run is balanced: what was bought was
//! sold, and what was not traded rests.

use crate::ladder::{LEVELS, Ladder, Order, Side, Step, carry_out};
use crate::shared_ladder::{SharedLadder, Ticketed};
use crate::stage::{Latencies, Part, Percentiles, Placement, Random, Signal, Stage};
use aeromatch_runtime::ring::{Consumer, Producer, spsc};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Every so many orders one is timed.
const SAMPLED: u64 = 64;
/// A client ends here at the latest: the tickets of all clients are counted in 32 bits.
const MOST_ORDERS: u64 = 1 << 28;
/// Orders that the writer takes from one client before it turns to the next.
const BATCH: usize = 64;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Every client, one at a time: a mutex around the book.
    Lock,
    /// Every client, all at once: [`SharedLadder`].
    Shared,
    /// One thread. Clients send orders through a ring each and get answers through another one, with up to so many orders
    /// unanswered.
    Single {
        /// At least 1.
        window: usize,
    },
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Orders that were carried out.
    pub orders: u64,
    /// Lots that were traded.
    pub traded_lots: u64,
    /// Steps of a shared book that began again because another one came first.
    pub overtaken: u64,
    /// Lots bought less traded ones are those that rest as bids; lots sold less traded ones, as asks.
    pub is_balanced: bool,
    /// From an order to its answer, for the client.
    pub latency: Percentiles,
    /// How long it took.
    pub elapsed_ns: u64,
}

/// Orders around the middle of the ladder: half of them rest behind it at first, half reach through the other side.
pub struct Flow(Random);

impl Flow {
    /// Flows of different numbers differ.
    pub fn new(number: u64) -> Flow {
        Flow(Random::new(number + 1))
    }

    /// The next order.
    #[inline]
    pub fn order(&mut self) -> Order {
        const MIDDLE: u8 = LEVELS / 2;
        let bits = self.0.draw() >> 32;
        let distance = (bits >> 2) as u8 % 8;
        let bid = if bits & 1 == 0 { MIDDLE - 1 - distance } else { MIDDLE + distance };
        let quantity_lots = (bits >> 5) as u32 % 16 + 1;
        if bits & 2 == 0 {
            Order { side: Side::Buy, level: bid, quantity_lots }
        } else {
            Order { side: Side::Sell, level: LEVELS - 1 - bid, quantity_lots }
        }
    }
}

/// What one client sent and heard.
#[derive(Default)]
struct Tally {
    orders: u64,
    wanted_lots: [u64; 2],
    traded_lots: u64,
    latencies: Latencies,
}

impl Tally {
    #[inline]
    fn send(&mut self, order: Order) {
        self.orders += 1;
        self.wanted_lots[order.side as usize] += u64::from(order.quantity_lots);
    }
}

/// Lets clients send orders for the stage's time.
pub fn trade(stage: &Stage, writing: Writing, clients: usize) -> Done {
    match writing {
        Writing::Lock => {
            let book = Mutex::new(Ladder::new(LEVELS));
            let lock = || book.lock().unwrap_or_else(PoisonError::into_inner);
            let done = call(stage, clients, |order| lock().submit(order));
            done.against([Side::Buy, Side::Sell].map(|side| lock().resting_lots(side)))
        }
        Writing::Shared => {
            let (book, overtaken) = (SharedLadder::new(LEVELS), AtomicU64::new(0));
            let done = call(stage, clients, |order| {
                carry_out(order, |order| {
                    let ticketed = book.step(order);
                    if ticketed.overtaken > 0 {
                        overtaken.fetch_add(ticketed.overtaken.into(), Ordering::Relaxed);
                    }
                    ticketed.step
                })
            });
            let done = done.against([Side::Buy, Side::Sell].map(|side| book.resting_lots(side)));
            Done { overtaken: overtaken.into_inner(), ..done }
        }
        Writing::Single { window } => send(stage, clients, window),
    }
}

/// Clients and what they came to, before it is compared with the book.
struct Sent {
    wanted_lots: [u64; 2],
    done: Done,
}

impl Sent {
    fn new(tallies: impl Iterator<Item = Tally>, elapsed_ns: u64) -> Sent {
        let (mut sent, mut latencies) = (Sent { wanted_lots: [0; 2], done: Done::default() }, Latencies::default());
        for tally in tallies {
            sent.done.orders += tally.orders;
            sent.done.traded_lots += tally.traded_lots;
            sent.wanted_lots.iter_mut().zip(tally.wanted_lots).for_each(|(sum, lots)| *sum += lots);
            latencies.add(&tally.latencies);
        }
        sent.done.latency = latencies.percentiles();
        sent.done.elapsed_ns = elapsed_ns;
        sent
    }

    fn against(self, resting_lots: [Vec<u32>; 2]) -> Done {
        let rests = |side: usize| resting_lots[side].iter().map(|&lots| u64::from(lots)).sum::<u64>();
        let is_whole = |side: usize| rests(side) + self.done.traded_lots == self.wanted_lots[side];
        Done { is_balanced: is_whole(0) && is_whole(1), ..self.done }
    }
}

/// Every client carries its orders out itself.
fn call(stage: &Stage, clients: usize, submit: impl Fn(Order) -> u32 + Sync) -> Sent {
    let part = |number: usize| -> Part<Tally> {
        let submit = &submit;
        Box::new(move |signal| {
            let (mut tally, mut flow) = (Tally::default(), Flow::new(number as u64));
            while !signal.is_over() && tally.orders < MOST_ORDERS {
                let order = flow.order();
                tally.send(order);
                let began_ns = tally.orders.is_multiple_of(SAMPLED).then(|| signal.now_ns());
                tally.traded_lots += u64::from(submit(order));
                if let Some(began_ns) = began_ns {
                    tally.latencies.record(signal.now_ns() - began_ns);
                }
            }
            tally
        })
    };
    let played = stage.play(Placement::Even, (0..clients).map(part).collect());
    Sent::new(played.results.into_iter(), played.elapsed.as_nanos() as u64)
}

/// A writer's two ends of a client's rings: orders, and how much of each was traded.
type Desk = (Consumer<Order>, Producer<u32>);

/// One thread owns the book, clients send.
fn send(stage: &Stage, clients: usize, window: usize) -> Done {
    let (mut desks, mut parts) = (Vec::new(), Vec::<Part<(Tally, Option<Ladder>)>>::new());
    for number in 0..clients {
        let (orders, desk_orders) = spsc(window);
        // As large as the window, so that there is room for every answer.
        let (desk_answers, answers) = spsc(window);
        desks.push((desk_orders, desk_answers));
        parts.push(Box::new(move |signal| (be_client(orders, answers, window, number as u64, signal), None)));
    }
    parts.insert(0, Box::new(|signal| (Tally::default(), Some(own_the_book(desks, signal)))));
    let mut played = stage.play(Placement::FirstAlone, parts);
    let book = played.results[0].1.take().expect("the first part is the writer");
    let sent = Sent::new(played.results.into_iter().map(|(tally, _)| tally), played.elapsed.as_nanos() as u64);
    sent.against([Side::Buy, Side::Sell].map(|side| book.resting_lots(side)))
}

fn own_the_book(mut desks: Vec<Desk>, signal: &Signal) -> Ladder {
    let mut book = Ladder::new(LEVELS);
    let (mut orders, mut wait) = (Vec::with_capacity(BATCH), signal.wait());
    loop {
        // Asked before the look, so that a look that finds nothing after it is the last one.
        let is_last = desks.iter().all(|(orders, _)| orders.is_abandoned());
        let mut is_idle = true;
        for (ring, answers) in &mut desks {
            if ring.pop_batch(&mut orders, BATCH) > 0 {
                is_idle = false;
                answers.push_from(&mut orders.drain(..).map(|order| book.submit(order)));
            }
        }
        if is_idle {
            if is_last {
                return book;
            }
            wait.pause();
        }
    }
}

fn be_client(
    mut ring: Producer<Order>,
    mut answers: Consumer<u32>,
    window: usize,
    number: u64,
    signal: &Signal,
) -> Tally {
    let (mut tally, mut flow, mut wait) = (Tally::default(), Flow::new(number), signal.wait());
    let (mut answered, mut heard) = (0, Vec::with_capacity(window));
    // The order that is timed, by its number, and when it was sent.
    let mut sample = None;
    loop {
        let is_over = signal.is_over() || tally.orders >= MOST_ORDERS;
        if is_over && (answered == tally.orders || answers.is_abandoned()) {
            return tally;
        }
        if !is_over {
            let free = window as u64 - (tally.orders - answered);
            if sample.is_none() && free > 0 && tally.orders / SAMPLED != (tally.orders + free) / SAMPLED {
                sample = Some((tally.orders, signal.now_ns()));
            }
            ring.push_from(&mut (0..free).map(|_| {
                let order = flow.order();
                tally.send(order);
                order
            }));
        }
        if answers.pop_batch(&mut heard, window) == 0 {
            wait.pause();
        }
        answered += heard.len() as u64;
        tally.traded_lots += heard.drain(..).map(u64::from).sum::<u64>();
        if let Some((_, sent_ns)) = sample.filter(|&(number, _)| number < answered) {
            tally.latencies.record(signal.now_ns() - sent_ns);
            sample = None;
        }
    }
}

/// A run of the shared book whose every step is kept, and what a replay makes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Steps that were taken.
    pub steps: u64,
    /// Of these, trades.
    pub trades: u64,
    /// How often steps began again because another one came first.
    pub overtaken: u64,
    /// Tickets that are missing or were given twice.
    pub wrong_tickets: u64,
    /// Steps that a book of one thread, given the same in the order of the tickets, carries out otherwise.
    pub different: u64,
    /// The same rests at every level at the end.
    pub is_same_book: bool,
}

/// Lets threads write a shared book, up to so many orders each, and replays what they did in the order of the tickets.
pub fn replay(stage: &Stage, threads: usize, orders: u64) -> Replay {
    let book = SharedLadder::new(LEVELS);
    let part = |number: usize| -> Part<Vec<(Order, Ticketed)>> {
        let book = &book;
        Box::new(move |signal| {
            let (mut flow, mut log) = (Flow::new(number as u64), Vec::new());
            for _ in 0..orders {
                if signal.is_over() {
                    break;
                }
                carry_out(flow.order(), |order| {
                    let ticketed = book.step(order);
                    log.push((order, ticketed));
                    ticketed.step
                });
            }
            log
        })
    };
    let played = stage.play(Placement::Even, (0..threads).map(part).collect());
    let mut log: Vec<_> = played.results.into_iter().flatten().collect();
    log.sort_unstable_by_key(|(_, ticketed)| ticketed.ticket);
    let mut replayed = Ladder::new(LEVELS);
    let mut replay = Replay { steps: log.len() as u64, ..Replay::default() };
    for (expected, (order, ticketed)) in (1..).zip(log) {
        replay.trades += u64::from(matches!(ticketed.step, Step::Trade { .. }));
        replay.overtaken += u64::from(ticketed.overtaken);
        replay.wrong_tickets += u64::from(ticketed.ticket != expected);
        replay.different += u64::from(replayed.step(order) != ticketed.step);
    }
    let is_same = |side| replayed.resting_lots(side) == book.resting_lots(side);
    replay.is_same_book = is_same(Side::Buy) && is_same(Side::Sell);
    replay
}
