//! What a client has missed while it was away, read by a thread of its own from the stream's past, and handed over to the live
//! stream without a gap and none twice.
//!
//! The thread reads a stream of its own from where the client was, and sends what is the account's. When it has come to the end of
//! that it says so, up to a number. If the live stream has passed that, the number that it has come to is where they meet: from
//! then on the session's live reports are held back, and the thread goes on until there. A thread sends a few pieces and waits
//! until they are taken, and they are taken as the client reads: a long past waits where it is. Only a few are read at a time, so
//! who takes nothing while others wait is ended.
//!
//! # Whose events
//! A trade names one of its accounts only ([`crate::wire::owners`]). What the ring still has, the server has seen itself: the few
//! orders that were named second without having been introduced are in a list that reaches back as far. Further back, the
//! thread begins at a snapshot, whose live orders it knows, and follows all of them from there.

use super::connection::{Connection, Source, Token};
use super::io::Io;
use super::{Common, locked};
use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::stream::{EventStream, StreamError};
use crate::wire::answers::{is_answer, time_of};
use crate::wire::code::Code;
use crate::wire::owners::{Owners, PastOwners};
use crate::wire::venue::Venue;
use aeromatch_engine::record::{Event, SLOT_BYTES};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SendError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Sessions whose past is read at a time; the others wait.
const AT_A_TIME: usize = 4;
/// Events that are read at a time.
const EVENTS: usize = 4096;
/// Pieces that a thread is ahead of its client.
const AHEAD: usize = 2;
/// How often a thread looks whether the server's own has come as far as it has.
const LOOK: Duration = Duration::from_millis(1);
/// Pieces that a session gets in one turn.
const PIECES: usize = 4;

/// What the server's thread tells those that read the past.
pub struct Known {
    /// By shard, where the server began to follow, and the last command that it has followed.
    begun: Box<[AtomicU64]>,
    pub delivered: Box<[AtomicU64]>,
    /// How many pieces were sent.
    pub sent: AtomicU64,
    strangers: Mutex<VecDeque<(u64, u32)>>,
    most: usize,
}

impl Known {
    pub fn new(venue: &dyn Venue) -> Known {
        let options = venue.options();
        let zeros = || (0..options.shards).map(|_| AtomicU64::new(0)).collect();
        Known {
            begun: zeros(),
            delivered: zeros(),
            sent: AtomicU64::new(0),
            strangers: Mutex::default(),
            // Every event of the ring could name one.
            most: options.stream_events * usize::from(options.shards),
        }
    }

    /// The server follows a shard behind that number.
    pub fn begin(&self, shard: usize, position: u64) {
        self.begun[shard].store(position, Ordering::Release);
        self.delivered[shard].store(position, Ordering::Release);
    }

    pub fn keep_strangers(&self, found: &mut Vec<(u64, u32)>) {
        if found.is_empty() {
            return;
        }
        let mut strangers = locked(&self.strangers);
        strangers.extend(found.drain(..));
        let surplus = strangers.len().saturating_sub(self.most);
        strangers.drain(..surplus);
    }

    fn stranger(&self, order_id: u64) -> u32 {
        let strangers = locked(&self.strangers);
        strangers.iter().rev().find(|(known, _)| *known == order_id).map_or(0, |(_, account)| *account)
    }
}

/// The server's side.
#[derive(Default)]
pub struct Resumes {
    pub waiting: VecDeque<Token>,
    running: Vec<Token>,
    threads: Vec<JoinHandle<()>>,
    /// How many pieces were sent when they were last looked for.
    pub taken: u64,
}

impl Resumes {
    /// Waits for the threads, whose sessions are gone.
    pub fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // A panic of its own was printed by it.
            let _ = thread.join();
        }
    }
}

/// A session's.
pub struct Resume {
    pieces: Receiver<Piece>,
    /// Where it meets the live stream, for each shard once.
    meetings: Sender<u64>,
}

enum Piece {
    /// What is the account's of a shard up to a number.
    Events { shard: u16, events: Vec<Event>, upto: u64 },
    /// There is no more of a shard at the moment.
    Caught { shard: u16, upto: u64 },
    /// It has come to where the live stream was met.
    Met { shard: u16 },
    /// It cannot be had.
    Failed { code: Code, detail: String },
}

impl Io {
    /// Gives sessions what they have missed, and begins with those that wait.
    pub fn resume_all(&mut self) {
        self.resumes.taken = self.common.past.sent.load(Ordering::Acquire);
        for token in std::mem::take(&mut self.resumes.running) {
            self.with(token, |io, connection| {
                io.take_pieces(connection);
                if connection.resume.is_some() {
                    io.resumes.running.push(token);
                }
            });
        }
        while self.resumes.running.len() < AT_A_TIME {
            let Some(token) = self.resumes.waiting.pop_front() else { return };
            self.with(token, |io, connection| io.begin_resume(connection));
        }
    }

    fn begin_resume(&mut self, connection: &mut Connection) {
        let (sender, pieces) = sync_channel(AHEAD);
        let (meetings, met) = channel();
        let parts = (0..).zip(&connection.sources).filter_map(|(shard, source)| match source {
            Source::Past(upto) => Some((shard, *upto)),
            _ => None,
        });
        let worker = Worker {
            venue: Arc::clone(&self.venue),
            common: Arc::clone(&self.common),
            account: connection.session.sender.account,
            parts: parts.collect(),
            pieces: sender,
            meetings: met,
        };
        self.resumes.threads.retain(|thread| !thread.is_finished());
        match std::thread::Builder::new().name("wire-past".to_string()).spawn(move || worker.run()) {
            Ok(thread) => {
                self.resumes.threads.push(thread);
                self.resumes.running.push(connection.token);
                connection.resume = Some(Resume { pieces, meetings });
            }
            Err(error) => self.end(connection, Code::Unavailable, &error.to_string(), 0),
        }
    }

    fn take_pieces(&mut self, connection: &mut Connection) {
        let held = connection.sources.iter().map(|source| match source {
            Source::Joining { held, .. } => held.len() * SLOT_BYTES,
            _ => 0,
        });
        if held.sum::<usize>() > self.options.bounds.outbound_bytes {
            self.counters.slow_consumers += 1;
            self.end(connection, Code::SlowConsumer, "more comes than the client takes of what it has missed", 0);
        }
        for _ in 0..PIECES {
            // There is room for what is held back, too.
            let is_full = connection.session.outbox.len() > self.options.bounds.outbound_bytes / 4;
            let Some(resume) = connection.resume.as_ref().filter(|_| !is_full) else { return };
            let Ok(piece) = resume.pieces.try_recv() else { return };
            match piece {
                Piece::Events { shard, events, upto } => {
                    self.report_past(connection, shard, &events);
                    if let Source::Past(known) | Source::Joining { upto: known, .. } =
                        &mut connection.sources[usize::from(shard)]
                    {
                        *known = upto;
                    }
                }
                Piece::Caught { shard, upto } => {
                    let own = self.delivery.positions[usize::from(shard)];
                    let joining = Source::Joining { upto, held: Vec::new() };
                    connection.sources[usize::from(shard)] = if own > upto { joining } else { Source::Live(upto) };
                    if let Some(resume) = &connection.resume {
                        // It may have failed, and says so next.
                        let _ = resume.meetings.send(own.max(upto));
                    }
                }
                Piece::Met { shard } => self.met(connection, shard),
                Piece::Failed { code, detail } => {
                    connection.resume = None;
                    self.end(connection, code, &detail, 0);
                }
            }
        }
    }

    /// Has the client one of the few places for which others wait, and takes nothing of what it is sent?
    pub fn is_in_the_way(&self, connection: &Connection) -> bool {
        let patience_ns = u64::from(self.options.bounds.heartbeat_ms) * 1_000_000 / 2 * 5;
        connection.resume.is_some()
            && !connection.is_writable
            && !self.resumes.waiting.is_empty()
            && self.now_ns.saturating_sub(connection.moved_ns) > patience_ns
    }

    fn met(&mut self, connection: &mut Connection, shard: u16) {
        let source = &mut connection.sources[usize::from(shard)];
        if let Source::Joining { upto, held } = source {
            let held = std::mem::take(held);
            *source = Source::Live(*upto);
            self.report_past(connection, shard, &held);
        }
        if !connection.sources.iter().any(|source| matches!(source, Source::Past(_) | Source::Joining { .. })) {
            connection.resume = None;
        }
    }

    fn report_past(&mut self, connection: &mut Connection, shard: u16, events: &[Event]) {
        for event in events {
            self.write_report(connection, shard, event);
        }
    }
}

/// A thread that reads the past of one session.
struct Worker {
    venue: Arc<dyn Venue>,
    common: Arc<Common>,
    /// 0: all.
    account: u32,
    /// Shards, and the last number that the client has of each.
    parts: Vec<(u16, u64)>,
    pieces: SyncSender<Piece>,
    meetings: Receiver<u64>,
}

/// Why it ends early.
enum Broken {
    /// The session has gone.
    Gone,
    Failed(Code, String),
}

impl<T> From<SendError<T>> for Broken {
    fn from(_: SendError<T>) -> Broken {
        Broken::Gone
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Broken {
        let code = if matches!(failure, Failure::Gone { .. }) { Code::SequenceNotKept } else { Code::Unavailable };
        Broken::Failed(code, failure.to_string())
    }
}

/// Who owns what in a part of the past.
enum Whose {
    /// The server has seen it.
    Seen(PastOwners),
    /// It is followed from a snapshot on.
    Followed(Box<Owners>),
}

impl Worker {
    fn run(self) {
        for &(shard, after) in &self.parts {
            match self.read(shard, after) {
                Ok(()) => {}
                Err(Broken::Gone) => return,
                Err(Broken::Failed(code, detail)) => {
                    let detail = format!("shard {shard}: {detail}");
                    // The session may have gone.
                    let _ = self.send(Piece::Failed { code, detail });
                    return;
                }
            }
        }
    }

    fn send(&self, piece: Piece) -> Result<(), Broken> {
        self.pieces.send(piece)?;
        self.common.past.sent.fetch_add(1, Ordering::AcqRel);
        self.common.bell.ring();
        Ok(())
    }

    fn read(&self, shard: u16, after: u64) -> Result<(), Broken> {
        let bell = Arc::new(Doorbell::new().map_err(Failure::io("doorbell", "create"))?);
        let (mut stream, mut whose) = self.open(shard, after, &bell)?;
        let (mut events, mut upto, mut meeting) = (Vec::new(), after, u64::MAX);
        while upto < meeting {
            events.clear();
            match stream.read(&mut events, EVENTS) {
                Ok(0) if meeting == u64::MAX => {
                    self.send(Piece::Caught { shard, upto })?;
                    meeting = self.meetings.recv().map_err(|_| Broken::Gone)?;
                }
                // Where they meet had been published when it was told, so nothing is left up to there: the last commands
                // of a shard may have no events, such as those that several shards do and one of them tells.
                Ok(0) => break,
                Ok(_) => {
                    let last = stream.position() - 1;
                    self.wait_for(shard, last, &whose)?;
                    let own = self.filter(&events, after..meeting, &mut whose);
                    upto = last.max(upto);
                    self.send(Piece::Events { shard, events: own, upto: upto.min(meeting) })?;
                }
                Err(StreamError::Lagged { .. }) => (stream, whose) = self.follow(shard, upto, &bell)?,
                Err(StreamError::Failed(failure)) => return Err(failure.into()),
            }
        }
        self.send(Piece::Met { shard })
    }

    /// The stream from there on, or from a snapshot before it.
    fn open(&self, shard: u16, after: u64, bell: &Arc<Doorbell>) -> Result<(EventStream, Whose), Broken> {
        if after >= self.common.past.begun[usize::from(shard)].load(Ordering::Acquire)
            && let Ok(stream) = self.venue.stream(shard, after + 1, Arc::clone(bell))
            && stream.is_live()
        {
            return Ok((stream, Whose::Seen(PastOwners::default())));
        }
        self.follow(shard, after, bell)
    }

    fn follow(&self, shard: u16, after: u64, bell: &Arc<Doorbell>) -> Result<(EventStream, Whose), Broken> {
        let mut owners = Owners::default();
        let stream =
            self.venue.history(shard, after + 1, Arc::clone(bell), &mut |exchange| owners.load_all(exchange))?;
        let gone = || Broken::Failed(Code::SequenceNotKept, format!("what is behind {after} is not kept"));
        Ok((stream.ok_or_else(gone)?, Whose::Followed(Box::new(owners))))
    }

    /// Waits until the server has seen as much as this thread.
    fn wait_for(&self, shard: u16, sequence: u64, whose: &Whose) -> Result<(), Broken> {
        let delivered = &self.common.past.delivered[usize::from(shard)];
        while matches!(whose, Whose::Seen(_)) && delivered.load(Ordering::Acquire) < sequence {
            if self.common.phase() == super::Phase::Stopped {
                return Err(Broken::Gone);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// What of events is the account's, behind the range's begin and up to its end.
    fn filter(&self, events: &[Event], range: std::ops::Range<u64>, whose: &mut Whose) -> Vec<Event> {
        let mut own: Vec<Event> = Vec::new();
        // As for those who are told of what happens now: the answer of a command, and a command that is not answered yet.
        let (mut time, mut owed) = (None, 0);
        for event in events {
            let other = match whose {
                Whose::Seen(owners) => owners.follow(event, |order| self.common.past.stranger(order)),
                Whose::Followed(owners) => owners.follow(event),
            };
            if event.sequence <= range.start || event.sequence > range.end {
                continue;
            }
            let is_own = self.account == 0 || event.account == self.account;
            if is_answer(event) {
                time = Some(time_of(event));
                own.extend(time.filter(|_| !is_own && owed == event.sequence));
            }
            if !is_own && other != self.account {
                continue;
            }
            if own.last().is_none_or(|last| last.sequence != event.sequence) && !is_answer(event) {
                match time.filter(|time| time.sequence == event.sequence) {
                    Some(time) => own.push(time),
                    None => owed = event.sequence,
                }
            }
            own.push(if is_own { *event } else { Event { account: 0, ..*event } });
        }
        if let Whose::Followed(owners) = whose {
            owners.strangers.clear();
        }
        own
    }
}
