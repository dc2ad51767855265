//! The state machine behind a Python exchange: in memory, or behind a journal. What one command and one batch do.

use crate::buffer::Pool;
use crate::errors::Failure;
use crate::levels::Collector;
use crate::state::{BatchDone, Done, Guarded, dormant_after};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{Command, Event, Extensions, SLOT_BYTES};

/// Commands between two looks at whether the interpreter has something to say, such as Ctrl-C.
const CHUNK: usize = 1 << 16;

/// An exchange and the memory that its commands reuse.
pub struct Machine {
    exchange: Box<Exchange>,
    collector: Collector,
    is_closed: bool,
}

impl Guarded for Machine {
    const NAME: &'static str = "Exchange";
}

impl Machine {
    pub fn in_memory(exchange: Exchange) -> Machine {
        Machine { exchange: Box::new(exchange), collector: Collector::of(0), is_closed: false }
    }

    /// The state, for reads.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub fn close(&mut self) {
        self.is_closed = true;
    }

    fn ready(&self) -> Result<(), Failure> {
        if self.is_closed { Err(Failure::Closed(Machine::NAME)) } else { Ok(()) }
    }

    /// Applies one command about orders, phases or time.
    pub fn apply(&mut self, command: &Command, extensions: &Extensions) -> Result<Done, Failure> {
        self.ready()?;
        self.collector.clear();
        self.exchange.apply(command, extensions, &mut self.collector);
        let exchange = &self.exchange;
        let find = |order_id: u64| exchange.book(command.instrument).and_then(|book| book.order(order_id));
        let is_dormant = dormant_after(command, &self.collector.events, find);
        let changes = self.collector.changes(exchange.sequence(), |instrument| exchange.book(instrument)).collect();
        Ok(Done { events: Box::from(self.collector.events.as_slice()), changes, is_dormant })
    }

    /// Applies one command to the exchange itself.
    pub fn apply_admin(&mut self, admin: &Admin) -> Result<Box<[Event]>, Failure> {
        self.ready()?;
        self.collector.clear();
        self.exchange.apply_admin(admin, &mut self.collector);
        Ok(Box::from(self.collector.events.as_slice()))
    }

    /// Applies a batch of slots, refused as a whole if one is no command. `proceed` is asked now and
    /// then whether to go on.
    pub fn process(
        &mut self,
        slots: &[u8],
        pool: &Pool,
        mut proceed: impl FnMut() -> Result<(), Failure>,
    ) -> Result<BatchDone, Failure> {
        self.ready()?;
        let commands = Exchange::check(slots)?;
        let mut events = pool.take_events();
        let (mut slot, mut done, end) = (0, 0, slots.len() / SLOT_BYTES);
        while slot < end {
            slot += self.exchange.apply_at(slots, slot, &mut events)?;
            done += 1;
            if done % CHUNK == 0 {
                proceed()?;
            }
        }
        Ok(BatchDone { commands, events, changes: None })
    }
}
