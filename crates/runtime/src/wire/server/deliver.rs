//! What goes to clients: events of the streams to those whose they are, and then whole frames to the sockets.

use super::connection::{Connection, Source, Token};
use super::io::Io;
use super::listen::Socket;
use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::stream::{EventStream, StreamError};
use crate::wire::answers::{is_answer, time_of};
use crate::wire::code::Code;
use crate::wire::commands::Named;
use crate::wire::frame::{FROM_NOW, Kind};
use crate::wire::owners::Owners;
use crate::wire::session::State;
use crate::wire::venue::Venue;
use aeromatch_engine::codes::EventKind;
use aeromatch_engine::record::{ClientId, Event};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

/// Events of a shard that are read in one turn.
const EVENTS: usize = 8192;
/// How often it is tried to begin in a stream that runs away.
const ATTEMPTS: usize = 10;

/// The streams, and who gets what of them.
pub struct Delivery {
    bell: Arc<Doorbell>,
    streams: Vec<EventStream>,
    /// By shard, the last command that was delivered.
    pub positions: Vec<u64>,
    owners: Vec<Owners>,
    events: Vec<Event>,
    by_account: HashMap<u32, Vec<Token>>,
    /// Sessions for all accounts.
    by_all: Vec<Token>,
    by_session: HashMap<u32, Token>,
    /// By instrument.
    pub by_trades: HashMap<u32, Vec<Token>>,
    /// By shard, orders with client order ids whose first event has not come.
    expected: Vec<VecDeque<Named>>,
    named: Vec<(u64, ClientId)>,
    /// The account whose event came last, and its sessions.
    followers: (u32, Vec<Token>),
    /// Of the last command that was answered, what everybody may know.
    answer: Option<Event>,
    /// Who was told something of a command, by its number, before its answer has come: effects of time stand there (R6).
    owed: Vec<(Token, u64)>,
    /// Those that have something to send.
    pub dirty: Vec<Token>,
    /// Those that have more to read.
    pub again: Vec<Token>,
}

impl Delivery {
    /// Begins with what happens from now on.
    pub fn open(venue: &dyn Venue, shards: u16, bell: &Arc<Doorbell>) -> Result<Delivery, Failure> {
        let mut delivery = Delivery {
            bell: Arc::clone(bell),
            streams: Vec::new(),
            positions: Vec::new(),
            owners: Vec::new(),
            events: Vec::new(),
            by_account: HashMap::new(),
            by_all: Vec::new(),
            by_session: HashMap::new(),
            by_trades: HashMap::new(),
            expected: (0..shards).map(|_| VecDeque::new()).collect(),
            named: Vec::new(),
            followers: (0, Vec::new()),
            answer: None,
            owed: Vec::new(),
            dirty: Vec::new(),
            again: Vec::new(),
        };
        for shard in 0..shards {
            let (stream, position, owners) = begin(venue, shard, bell)?;
            delivery.streams.push(stream);
            delivery.positions.push(position);
            delivery.owners.push(owners);
        }
        Ok(delivery)
    }

    /// Is there something to deliver?
    pub fn is_ready(&self) -> bool {
        self.streams.iter().any(|stream| stream.is_ready() && !stream.is_over())
    }

    /// The connection has something to send.
    #[inline]
    pub fn mark(&mut self, connection: &mut Connection) {
        if !connection.is_dirty {
            connection.is_dirty = true;
            self.dirty.push(connection.token);
        }
    }

    pub fn token_of(&self, session: u32) -> Option<Token> {
        self.by_session.get(&session).copied()
    }

    /// The session gets its account's events from now on.
    fn join(&mut self, connection: &Connection) {
        let (sender, token) = (connection.session.sender, connection.token);
        self.by_session.insert(sender.session, token);
        match sender.account {
            0 => self.by_all.push(token),
            account => self.by_account.entry(account).or_default().push(token),
        }
    }

    /// And no more.
    pub fn leave(&mut self, connection: &mut Connection) {
        let (sender, token) = (connection.session.sender, connection.token);
        self.by_session.remove(&sender.session);
        self.by_all.retain(|other| *other != token);
        if let Some(tokens) = self.by_account.get_mut(&sender.account) {
            tokens.retain(|other| *other != token);
            if tokens.is_empty() {
                self.by_account.remove(&sender.account);
            }
        }
        for followed in std::mem::take(&mut connection.followed) {
            self.unfollow(&followed, token);
        }
    }

    /// Orders with client order ids have gone to a thread. What the coordinator answers has no order.
    pub fn expect_names(&mut self, target: usize, named: Vec<Named>) {
        if let Some(expected) = self.expected.get_mut(target) {
            expected.extend(named);
        }
    }

    /// An order that was refused before it had a place in the log.
    pub fn forget_name(&mut self, tag: u64) {
        for expected in &mut self.expected {
            if let Some(place) = expected.iter().position(|(other, _)| *other == tag) {
                expected.remove(place);
                return;
            }
        }
    }
}

/// A shard's live orders, and the stream from there on.
fn begin(venue: &dyn Venue, shard: u16, bell: &Arc<Doorbell>) -> Result<(EventStream, u64, Owners), Failure> {
    let mut attempt = 0;
    loop {
        let (mut position, mut owners) = (0, Owners::default());
        venue.look(shard, &mut |exchange| {
            position = exchange.sequence();
            owners.load_all(exchange);
        })?;
        attempt += 1;
        match venue.stream(shard, position + 1, Arc::clone(bell)) {
            Ok(stream) => return Ok((stream, position, owners)),
            Err(Failure::Gone { .. }) if attempt < ATTEMPTS => {}
            Err(failure) => return Err(failure),
        }
    }
}

impl Io {
    /// Delivers what the streams have, but not more than a turn's share. Returns whether there is more.
    pub fn deliver(&mut self) -> bool {
        let mut events = std::mem::take(&mut self.delivery.events);
        let mut has_more = false;
        for shard in 0..self.shards {
            events.clear();
            match self.delivery.streams[usize::from(shard)].read(&mut events, EVENTS) {
                Ok(0) => {}
                Ok(count) => {
                    has_more |= count >= EVENTS;
                    self.distribute(shard, &events);
                }
                Err(error) => {
                    has_more = true;
                    self.lost(shard, &error);
                }
            }
        }
        self.delivery.events = events;
        if !self.delivery.named.is_empty() {
            self.common.keep_names(self.delivery.named.drain(..));
        }
        has_more
    }

    fn distribute(&mut self, shard: u16, events: &[Event]) {
        let follows = !self.delivery.by_account.is_empty() || !self.delivery.by_all.is_empty();
        let place = usize::from(shard);
        let mut followers = std::mem::take(&mut self.delivery.followers);
        followers.0 = 0;
        // Numbers are of this shard.
        self.delivery.answer = None;
        self.delivery.owed.clear();
        for event in events {
            let other = self.delivery.owners[place].follow(event);
            if !self.delivery.expected[place].is_empty() {
                self.note_name(place, event);
            }
            if follows {
                if is_answer(event) {
                    self.answered(shard, event);
                }
                if event.account != 0 {
                    self.report(shard, event.account, event, &mut followers);
                }
                if other != 0 {
                    self.report(shard, other, &Event { account: 0, ..*event }, &mut followers);
                }
                for follower in 0..self.delivery.by_all.len() {
                    self.report_to(self.delivery.by_all[follower], shard, event);
                }
            }
        }
        self.delivery.followers = followers;
        if !self.delivery.by_trades.is_empty() {
            self.trades(shard, events);
        }
        // Before it is said how far this has come: whoever reads up to there finds them.
        self.common.past.keep_strangers(&mut self.delivery.owners[place].strangers);
        if let Some(last) = events.last() {
            self.delivery.positions[place] = last.sequence;
            self.common.past.delivered[place].store(last.sequence, Ordering::Release);
        }
    }

    /// Reports an event to the sessions of an account. Most events in a row are of one account, whose sessions are remembered.
    #[inline]
    fn report(&mut self, shard: u16, account: u32, event: &Event, followers: &mut (u32, Vec<Token>)) {
        if followers.0 != account {
            followers.0 = account;
            followers.1.clear();
            followers.1.extend(self.delivery.by_account.get(&account).into_iter().flatten());
        }
        for &token in &followers.1 {
            self.report_to(token, shard, event);
        }
    }

    #[inline]
    fn report_to(&mut self, token: Token, shard: u16, event: &Event) {
        let Some(connection) = self.connections.get_mut(token.place as usize).and_then(Option::as_mut) else { return };
        let before = match &connection.sources[usize::from(shard)] {
            Source::Live(from) if event.sequence > *from => connection.reported[usize::from(shard)],
            Source::Joining { held, .. } => held.last().map_or(0, |last| last.sequence),
            Source::Live(_) | Source::Past(_) => return,
        };
        if before != event.sequence && !is_answer(event) {
            match self.delivery.answer.filter(|answer| answer.sequence == event.sequence) {
                Some(answer) => self.hand(token, shard, &answer),
                None => self.delivery.owed.push((token, event.sequence)),
            }
        }
        self.hand(token, shard, event);
    }

    /// A command is answered: those who have had something of it are told when that was, unless the answer is theirs.
    fn answered(&mut self, shard: u16, answer: &Event) {
        let time = time_of(answer);
        self.delivery.answer = Some(time);
        for (token, sequence) in std::mem::take(&mut self.delivery.owed) {
            let account = self.connection(token).map_or(0, |connection| connection.session.sender.account);
            if sequence == answer.sequence && account != 0 && account != answer.account {
                self.hand(token, shard, &time);
            }
        }
    }

    #[inline]
    fn hand(&mut self, token: Token, shard: u16, event: &Event) {
        let Some(connection) = self.connections.get_mut(token.place as usize).and_then(Option::as_mut) else { return };
        if let Source::Joining { held, .. } = &mut connection.sources[usize::from(shard)] {
            return held.push(*event);
        }
        let Some(mut connection) = self.connections[token.place as usize].take() else { return };
        self.write_report(&mut connection, shard, event);
        self.connections[token.place as usize] = Some(connection);
    }

    /// Appends an event to a session's reports.
    #[inline]
    pub fn write_report(&mut self, connection: &mut Connection, shard: u16, event: &Event) {
        let reported = &mut connection.reported[usize::from(shard)];
        let begins = *reported != event.sequence;
        *reported = event.sequence;
        connection.session.outbox.event(Kind::Reports, shard, begins, event);
        self.counters.reports += 1;
        self.delivery.mark(connection);
    }

    fn note_name(&mut self, place: usize, event: &Event) {
        let kind = EventKind::from_code(event.kind);
        if !matches!(kind, Some(EventKind::Accepted | EventKind::Rejected)) {
            return;
        }
        let expected = &mut self.delivery.expected[place];
        if expected.front().is_some_and(|(tag, _)| *tag == event.detail)
            && let Some((_, id)) = expected.pop_front()
            && kind == Some(EventKind::Accepted)
        {
            self.delivery.named.push((event.order_id, id));
        }
    }

    /// The stream of a shard has come to an end of some kind.
    fn lost(&mut self, shard: u16, error: &StreamError) {
        self.counters.lagged += 1;
        let place = usize::from(shard);
        let next = self.delivery.positions[place] + 1;
        if let StreamError::Lagged { resume_sequence } = error
            && *resume_sequence == next
            && let Ok(stream) = self.venue.stream(shard, next, Arc::clone(&self.delivery.bell))
        {
            self.delivery.streams[place] = stream;
            return;
        }
        // What lies between is not to be had: sessions are to begin anew, and say what they have.
        let detail = format!("shard {shard}: {error}");
        match begin(&*self.venue, shard, &self.delivery.bell) {
            Ok((stream, position, owners)) => {
                self.delivery.streams[place] = stream;
                (self.delivery.positions[place], self.delivery.owners[place]) = (position, owners);
                self.common.past.begin(place, position);
                self.delivery.expected[place].clear();
                self.end_all(Code::SequenceNotKept, &detail);
            }
            Err(failure) => self.end_all(Code::Unavailable, &failure.to_string()),
        }
    }

    /// Says what the session is, and where its reports begin.
    pub fn welcome(&mut self, connection: &mut Connection, positions: &[u64]) {
        let shards = usize::from(self.shards);
        if !positions.is_empty() && positions.len() != shards {
            let detail = format!("{} positions for {shards} shards", positions.len());
            self.delivery.join(connection);
            return self.end(connection, Code::Malformed, &detail, 0);
        }
        let mut begins = Vec::with_capacity(shards);
        for (place, &own) in self.delivery.positions.iter().enumerate() {
            let wanted = positions.get(place).copied().filter(|&position| position != FROM_NOW);
            begins.push(wanted.unwrap_or(own));
        }
        connection.reported = begins.clone();
        connection.sources =
            self.delivery.positions.iter().zip(&begins).map(|(&own, &begin)| Source::of(own, begin)).collect();
        self.delivery.join(connection);
        if let Some((shard, begin)) =
            (0..).zip(&begins).find(|&(shard, &begin)| begin > self.venue.last_sequence(shard))
        {
            let detail = format!("shard {shard}: the log has no number {begin}");
            return self.end(connection, Code::SequenceNotKept, &detail, 0);
        }
        if connection.sources.iter().any(|source| matches!(source, Source::Past(_))) {
            self.resumes.waiting.push_back(connection.token);
        }
        let (bounds, levels) = (&self.options.bounds, self.published_levels as u16);
        let (sender, heartbeat_ms) = (connection.session.sender, connection.session.heartbeat_ms());
        connection.session.outbox.frame(Kind::Welcome, shards, |out| {
            out.extend_from_slice(&u64::from(sender.session).to_le_bytes());
            out.extend_from_slice(&sender.account.to_le_bytes());
            out.extend_from_slice(&heartbeat_ms.to_le_bytes());
            out.extend_from_slice(&(bounds.max_frame_bytes as u32).to_le_bytes());
            out.extend_from_slice(&levels.to_le_bytes());
            out.extend_from_slice(&[0; 2]);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            out.extend_from_slice(&(now.as_nanos() as u64).to_le_bytes());
            begins.iter().for_each(|begin| out.extend_from_slice(&begin.to_le_bytes()));
        });
        self.delivery.mark(connection);
    }

    /// Says that the server is there, and what the client has.
    pub fn alive(&mut self, connection: &mut Connection, echo: u64) {
        let delivered = &self.delivery.positions;
        let positions: Vec<u64> = connection
            .sources
            .iter()
            .enumerate()
            .map(|(place, source)| match source {
                Source::Live(from) => delivered[place].max(*from),
                Source::Past(upto) | Source::Joining { upto, .. } => *upto,
            })
            .collect();
        connection.session.alive(echo, positions.into_iter());
        self.delivery.mark(connection);
    }

    /// Gives the sockets what they take. False: some have taken their share, and there is more.
    pub fn flush_all(&mut self) -> bool {
        let mut later = Vec::new();
        for token in std::mem::take(&mut self.delivery.dirty) {
            let mut is_over = false;
            self.with(token, |io, connection| {
                connection.is_dirty = false;
                is_over = io.flush(connection);
                if connection.is_writable && !connection.session.outbox.is_empty() && !is_over {
                    connection.is_dirty = true;
                    later.push(token);
                }
            });
            if is_over {
                self.close(token);
            }
        }
        let is_done = later.is_empty();
        self.delivery.dirty.append(&mut later);
        for token in std::mem::take(&mut self.delivery.again) {
            self.make_ready(token);
        }
        is_done
    }

    /// Writes what a connection has, as far as it goes. True: there is nothing to keep it for.
    fn flush(&mut self, connection: &mut Connection) -> bool {
        while connection.is_writable && !connection.session.outbox.is_empty() {
            match connection.session.outbox.flush(&mut connection.socket) {
                Ok(sent) => {
                    self.counters.sent_bytes += sent as u64;
                    connection.moved_ns = self.now_ns;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.is_writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
        }
        let waiting = connection.session.outbox.len();
        if waiting > self.options.bounds.outbound_bytes && connection.session.state == State::Open {
            self.counters.slow_consumers += 1;
            let detail = format!("{waiting} bytes wait for the client");
            self.end(connection, Code::SlowConsumer, &detail, 0);
        }
        if connection.session.state == State::Ending && connection.session.outbox.is_empty() {
            if !connection.is_shut {
                connection.is_shut = true;
                Socket::shut(&connection.socket);
            }
            // Until the client has gone too, or its time is over.
            return connection.is_at_end;
        }
        false
    }
}
