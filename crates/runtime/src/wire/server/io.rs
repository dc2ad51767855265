//! The thread that has the sockets: its loop, its connections, and what wakes it.

use super::connection::{Connection, Token};
use super::deliver::Delivery;
use super::desk::{Answer, Job, Opened, Reply, Unopened};
use super::listen::{Incoming, Listeners};
use super::resume::Resumes;
use super::{Common, Counters, Phase, ServerOptions, locked};
use crate::admission::Admission;
use crate::failure::Failure;
use crate::port::Port;
use crate::shard::Completion;
use crate::wire::code::Code;
use crate::wire::commands::Sender as Who;
use crate::wire::outbox::Refusal;
use crate::wire::session::State;
use crate::wire::venue::Venue;
use aeromatch_engine::record;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// What the descriptors that are no connections are called.
const TCP: u64 = u64::MAX;
const UNIX: u64 = u64::MAX - 1;
const BELL: u64 = u64::MAX - 2;
const ANSWERS: u64 = u64::MAX - 3;
/// Descriptors that are told of at a time.
const READY: usize = 256;
/// How often sessions are looked at for the time that they take.
const TICK_NS: u64 = 20_000_000;
/// How long a connection may take for the last that it was told.
const LINGER_NS: u64 = 2_000_000_000;

/// What was submitted, by ticket.
#[derive(Clone, Copy)]
pub struct Sent {
    pub commands: usize,
    pub is_answered: bool,
    /// The session that is over once this is answered; 0: none.
    pub ends: u32,
}

/// The thread's own.
pub struct Io {
    pub venue: Arc<dyn Venue>,
    pub admission: Arc<Admission>,
    pub options: ServerOptions,
    pub common: Arc<Common>,
    listeners: Option<Listeners>,
    pub jobs: Sender<Job>,
    epoll: OwnedFd,
    pub port: Port,
    pub shards: u16,
    pub published_levels: usize,
    pub connections: Vec<Option<Box<Connection>>>,
    generations: Vec<u32>,
    free: Vec<u32>,
    /// Those to be served next.
    ready: VecDeque<Token>,
    /// Those that wait for the exchange to answer.
    pub held_up: Vec<Token>,
    /// The one that has something for several shards: until it has gone, nothing else goes.
    pub barrier: Option<Token>,
    /// Nothing new is taken.
    pub is_draining: bool,
    /// Why the exchange takes nothing any more.
    pub stopped: Option<String>,
    /// Sessions that have ended and whose orders are to be canceled: number and account.
    pub cancels: VecDeque<(u32, u32)>,
    /// From the oldest that is not answered; its ticket is `first_ticket`.
    pub sent: VecDeque<Sent>,
    pub first_ticket: u64,
    completions: Vec<Completion>,
    /// Commands whose events may not have been read.
    pub in_flight: usize,
    pub most_in_flight: usize,
    pub delivery: Delivery,
    pub resumes: Resumes,
    pub refusals: Vec<Refusal>,
    pub counters: Counters,
    began: Instant,
    pub now_ns: u64,
    ticked_ns: u64,
    told_depth_ns: u64,
}

impl Io {
    pub fn open(
        venue: Arc<dyn Venue>,
        admission: Arc<Admission>,
        options: ServerOptions,
        common: Arc<Common>,
        listeners: Listeners,
        jobs: Sender<Job>,
    ) -> Result<Io, Failure> {
        let fail = || Failure::io("epoll", "create");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from).map_err(fail())?;
        let mut port = venue.port()?;
        port.is_quiet = true;
        let add = |source: &dyn std::os::fd::AsFd, name: u64| {
            let added = epoll::add(&epoll, source.as_fd(), EventData::new_u64(name), EventFlags::IN);
            added.map_err(io::Error::from).map_err(fail())
        };
        if let Some(tcp) = &listeners.tcp {
            add(tcp, TCP)?;
        }
        if let Some(unix) = &listeners.unix {
            add(unix, UNIX)?;
        }
        add(&*common.bell, BELL)?;
        add(port.doorbell(), ANSWERS)?;
        let run = venue.options();
        let delivery = Delivery::open(&*venue, run.shards, &common.bell)?;
        delivery.positions.iter().enumerate().for_each(|(shard, &position)| common.past.begin(shard, position));
        Ok(Io {
            venue,
            admission,
            options,
            common,
            listeners: Some(listeners),
            jobs,
            epoll,
            port,
            shards: run.shards,
            published_levels: run.published_levels,
            connections: Vec::new(),
            generations: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            held_up: Vec::new(),
            barrier: None,
            is_draining: false,
            stopped: None,
            cancels: VecDeque::new(),
            sent: VecDeque::new(),
            first_ticket: 1,
            completions: Vec::new(),
            in_flight: 0,
            most_in_flight: (run.stream_events / 4).max(1),
            delivery,
            resumes: Resumes::default(),
            refusals: Vec::new(),
            counters: Counters::default(),
            began: Instant::now(),
            now_ns: 0,
            ticked_ns: 0,
            told_depth_ns: 0,
        })
    }

    /// Works until it is told to stop.
    pub fn run(mut self) {
        let mut events = Vec::with_capacity(READY);
        let mut is_busy = true;
        while self.common.phase() != Phase::Stopped {
            self.wait(&mut events, is_busy);
            self.now_ns = self.began.elapsed().as_nanos() as u64;
            for event in events.drain(..) {
                self.woken(event);
            }
            is_busy = self.turn();
            self.common.counters.store(&self.counters);
        }
        for place in 0..self.connections.len() {
            if let Some(token) = self.connections[place].as_ref().map(|connection| connection.token) {
                self.close(token);
            }
        }
        self.cancel_all();
        self.resumes.join();
        self.common.counters.store(&self.counters);
        self.common.has_drained();
    }

    /// Sleeps until there is something to do, unless there is.
    fn wait(&mut self, events: &mut Vec<Event>, is_busy: bool) {
        let sleep = Duration::from_nanos(if self.is_waiting() { 1_000_000 } else { TICK_NS });
        let mut timeout = if is_busy { Duration::ZERO } else { sleep };
        if !is_busy {
            self.common.bell.arm();
            self.port.doorbell().arm();
            if self.has_news() {
                timeout = Duration::ZERO;
            }
        }
        let timeout = Timespec::try_from(timeout).ok();
        // Interrupted: there are no events, and the next turn finds what there is.
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), timeout.as_ref());
        if !is_busy {
            self.common.bell.disarm();
            self.port.doorbell().disarm();
        }
    }

    /// Is something waiting for room that others have to make?
    fn is_waiting(&self) -> bool {
        !self.held_up.is_empty() || !self.cancels.is_empty()
    }

    fn has_news(&self) -> bool {
        let has_past = self.common.past.sent.load(Ordering::Acquire) != self.resumes.taken;
        has_past || self.port.is_ready() || self.delivery.is_ready() || !locked(&self.common.replies).is_empty()
    }

    fn woken(&mut self, event: Event) {
        match event.data.u64() {
            TCP => self.accept(|listeners| listeners.accept_tcp()),
            UNIX => self.accept(|listeners| listeners.accept_unix()),
            BELL | ANSWERS => {}
            data => {
                let token = Token { place: data as u32, generation: (data >> 32) as u32 };
                let flags = event.flags;
                if let Some(connection) = self.connection(token) {
                    connection.is_readable |= flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP);
                    connection.is_writable |= flags.contains(EventFlags::OUT);
                    let was_dirty = std::mem::replace(&mut connection.is_dirty, true);
                    if flags.contains(EventFlags::ERR) {
                        return self.close(token);
                    }
                    if !was_dirty {
                        self.delivery.dirty.push(token);
                    }
                    self.make_ready(token);
                }
            }
        }
    }

    /// Everything once. Returns whether there is more to do at once.
    fn turn(&mut self) -> bool {
        self.is_draining = self.common.phase() == Phase::Draining;
        let replies = std::mem::take(&mut *locked(&self.common.replies));
        for reply in replies {
            self.replied(reply);
        }
        for _ in 0..self.ready.len() {
            let Some(token) = self.ready.pop_front() else { break };
            self.with(token, |io, connection| {
                connection.is_ready = false;
                io.serve(connection);
            });
        }
        self.cancel_all();
        if let Some(cause) = self.stopped.take() {
            self.cancels.clear();
            self.end_all(Code::Unavailable, &cause);
        }
        // First what was answered, then the stream: it has the events of all of that.
        let answered = self.take_answers();
        let has_more = self.deliver();
        self.resume_all();
        self.in_flight -= answered;
        if answered > 0 || self.port.unanswered() == 0 {
            for token in std::mem::take(&mut self.held_up) {
                self.make_ready(token);
            }
        }
        if self.now_ns.saturating_sub(self.ticked_ns) >= TICK_NS {
            self.ticked_ns = self.now_ns;
            self.tick();
        }
        if self.now_ns.saturating_sub(self.told_depth_ns) >= self.options.depth_interval.as_nanos() as u64 {
            self.told_depth_ns = self.now_ns;
            for place in 0..self.connections.len() {
                let Some(token) = self.connections[place].as_ref().map(|connection| connection.token) else { continue };
                self.with(token, |io, connection| io.tell_depth(connection));
            }
        }
        let is_stuck = self.is_waiting() && self.port.unanswered() == 0;
        let is_flushed = self.flush_all();
        has_more || !is_flushed || (!self.ready.is_empty() && !is_stuck)
    }

    /// Takes answers, and returns how many commands they were to.
    fn take_answers(&mut self) -> usize {
        let mut completions = std::mem::take(&mut self.completions);
        self.port.poll(&mut completions);
        for completion in completions.drain(..) {
            let place = (completion.ticket.0 - self.first_ticket) as usize;
            let mut ends = 0;
            if let Some(sent) = self.sent.get_mut(place) {
                sent.is_answered = true;
                ends = sent.ends;
            }
            match completion.result {
                Ok(done) => {
                    // What has no place in the log: there was no room for it.
                    for event in done.events.iter().filter(|event| event.sequence == 0) {
                        self.refuse_for_room(event);
                        ends = 0;
                    }
                    if ends != 0 {
                        let _ = self.jobs.send(Job::Close { session: ends });
                    }
                }
                Err(failure) => self.end_all(Code::Unavailable, &failure.to_string()),
            }
        }
        self.completions = completions;
        let mut answered = 0;
        while self.sent.front().is_some_and(|sent| sent.is_answered) {
            answered += self.sent.pop_front().map_or(0, |sent| sent.commands);
            self.first_ticket += 1;
        }
        answered
    }

    fn refuse_for_room(&mut self, event: &record::Event) {
        let refusal = Refusal { tag: event.detail as u32, code: Code::Capacity, retry_after_ns: 50_000_000 };
        if let Some(token) = self.delivery.token_of((event.detail >> 32) as u32) {
            self.with(token, |io, connection| {
                connection.session.outbox.refused(&[refusal]);
                io.counters.refused += 1;
                io.delivery.mark(connection);
            });
        }
        self.delivery.forget_name(event.detail);
    }

    fn replied(&mut self, reply: Reply) {
        let token = reply.token;
        match reply.answer {
            Answer::Opened(opened) => match *opened {
                Ok(opened) => self.opened(token, opened),
                Err(why) => self.unopened(token, &why),
            },
            Answer::Listed(bodies) => self.with(token, |io, connection| {
                connection.is_listing = false;
                for (count, body) in bodies {
                    let outbox = &mut connection.session.outbox;
                    outbox.frame(crate::wire::frame::Kind::Listed, count, |out| out.extend_from_slice(&body));
                }
                io.delivery.mark(connection);
            }),
        }
    }

    fn unopened(&mut self, token: Token, why: &Unopened) {
        self.counters.refused_logins += 1;
        self.with(token, |io, connection| io.end(connection, why.code, &why.detail, why.retry_after_ns));
    }

    fn opened(&mut self, token: Token, opened: Opened) {
        let session = opened.session;
        if self.connection(token).is_none_or(|connection| connection.session.state != State::Opening) {
            // It has gone meanwhile.
            let _ = self.jobs.send(Job::Close { session });
            return;
        }
        self.with(token, |io, connection| {
            let Opened { session, account, account_name, key, may_trade, login } = opened;
            connection.session.sender = Who { session, account, may_trade, is_killed: false };
            (connection.key, connection.account_name) = (key, account_name);
            connection.cancels_at_end = login.cancel_on_disconnect;
            connection.session.state = State::Open;
            connection.session.excuse(io.now_ns);
            io.counters.logins += 1;
            io.counters.sessions += 1;
            io.welcome(connection, &login.positions);
        });
        self.make_ready(token);
    }

    /// Those who take too long, and those who want to hear that somebody is there.
    fn tick(&mut self) {
        if self.is_draining {
            self.listeners = None;
        }
        let can_end = self.is_draining && self.in_flight == 0 && !self.is_waiting() && !self.delivery.is_ready();
        for place in 0..self.connections.len() {
            let Some(token) = self.connections[place].as_ref().map(|connection| connection.token) else { continue };
            self.with(token, |io, connection| {
                if connection.is_held_up() {
                    connection.session.excuse(io.now_ns);
                } else {
                    connection.session.inbox.relax();
                }
                if let Err(fault) = connection.session.check_time(io.now_ns) {
                    io.counters.faults += 1;
                    io.end(connection, fault.code, fault.detail, 0);
                } else if io.is_in_the_way(connection) {
                    io.counters.slow_consumers += 1;
                    io.end(connection, Code::SlowConsumer, "the client takes nothing of what it has missed", 0);
                } else if can_end {
                    io.end(connection, Code::Draining, "the server is about to end", 5_000_000_000);
                } else if connection.session.is_due(io.now_ns) {
                    io.alive(connection, 0);
                }
            });
            let is_late = |connection: &Connection| {
                connection.session.state == State::Ending && self.now_ns >= connection.deadline_ns
            };
            if self.connections[place].as_deref().is_some_and(is_late) {
                self.close(token);
            }
        }
        if can_end && self.counters.connections == 0 && self.cancels.is_empty() {
            self.common.has_drained();
        }
    }

    fn accept(&mut self, accept: impl Fn(&Listeners) -> Option<Incoming>) {
        while let Some(incoming) = self.listeners.as_ref().and_then(&accept) {
            if let Err(refused) = self.admission.connect(incoming.address) {
                self.counters.refused_connections += 1;
                let mut outbox = crate::wire::outbox::Outbox::new(self.options.bounds.max_frame_bytes);
                outbox.ended(refused.reason.into(), refused.detail, 0);
                let mut socket = incoming.socket;
                // A socket that is new has room for so little.
                let _ = outbox.flush(&mut socket);
                continue;
            }
            self.counters.connections += 1;
            let place = self.free.pop().unwrap_or(self.connections.len() as u32);
            if place as usize == self.connections.len() {
                self.connections.push(None);
                self.generations.push(0);
            }
            let token = Token { place, generation: self.generations[place as usize] };
            let connection = Connection::new(token, incoming, &self.options.bounds, self.now_ns);
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            let data = EventData::new_u64(u64::from(token.generation) << 32 | u64::from(place));
            let is_watched = epoll::add(&self.epoll, &connection.socket, data, flags).is_ok();
            self.connections[place as usize] = Some(Box::new(connection));
            if is_watched { self.make_ready(token) } else { self.close(token) }
        }
    }

    /// A connection, if it is still there.
    pub fn connection(&mut self, token: Token) -> Option<&mut Box<Connection>> {
        let connection = self.connections.get_mut(token.place as usize)?.as_mut()?;
        (connection.token == token).then_some(connection)
    }

    /// Lets `action` use a connection and everything else. Nothing happens if it is gone.
    pub fn with(&mut self, token: Token, action: impl FnOnce(&mut Io, &mut Connection)) {
        let Some(place) = self.connections.get_mut(token.place as usize) else { return };
        if place.as_ref().is_none_or(|connection| connection.token != token) {
            return;
        }
        if let Some(mut connection) = place.take() {
            action(self, &mut connection);
            self.connections[token.place as usize] = Some(connection);
        }
    }

    pub fn make_ready(&mut self, token: Token) {
        if let Some(connection) = self.connection(token)
            && !connection.is_ready
        {
            connection.is_ready = true;
            self.ready.push_back(token);
        }
    }

    /// Tells a client why its session ends. It is closed when that has gone out.
    pub fn end(&mut self, connection: &mut Connection, code: Code, detail: &str, retry_after_ns: u64) {
        if connection.session.state == State::Ending {
            return;
        }
        self.part(connection);
        connection.session.end(code, detail, retry_after_ns);
        connection.deadline_ns = self.now_ns + LINGER_NS;
        self.delivery.mark(connection);
    }

    /// The same to everybody.
    pub fn end_all(&mut self, code: Code, detail: &str) {
        for place in 0..self.connections.len() {
            let Some(token) = self.connections[place].as_ref().map(|connection| connection.token) else { continue };
            self.with(token, |io, connection| io.end(connection, code, detail, 0));
        }
    }

    /// The session is no more: nothing is reported to it, nothing taken from it, and its orders go if it wants that.
    fn part(&mut self, connection: &mut Connection) {
        if connection.session.state == State::Open {
            let sender = connection.session.sender;
            self.counters.sessions -= 1;
            self.delivery.leave(connection);
            if connection.cancels_at_end {
                self.cancels.push_back((sender.session, sender.account));
            } else {
                let _ = self.jobs.send(Job::Close { session: sender.session });
            }
        }
        connection.rest = 0..0;
        connection.waiting.clear();
        connection.resume = None;
        if self.barrier == Some(connection.token) {
            self.barrier = None;
        }
    }

    /// Ends a connection at once.
    pub fn close(&mut self, token: Token) {
        let found = self.connections.get_mut(token.place as usize);
        let Some(mut connection) = found.and_then(|place| place.take_if(|connection| connection.token == token)) else {
            return;
        };
        self.part(&mut connection);
        self.forget(&connection);
        self.generations[token.place as usize] = token.generation.wrapping_add(1);
        self.free.push(token.place);
    }

    fn forget(&mut self, connection: &Connection) {
        self.admission.disconnect(connection.address);
        self.counters.connections -= 1;
        // Dropping the socket takes it out too; a failure means that it is out.
        let _ = epoll::delete(&self.epoll, &connection.socket);
    }
}
