//! What comes from clients: frames are read, commands checked, let in and submitted.

use super::connection::{Connection, Pending, Token};
use super::desk::Job;
use super::io::{Io, Sent};
use crate::admission::key::Role;
use crate::port::SubmitError;
use crate::shard::submission::Slots;
use crate::wire::code::Code;
use crate::wire::commands::{self, Allowed};
use crate::wire::frame::Fault;
use crate::wire::outbox::Refusal;
use crate::wire::session::{State, Step};
use aeromatch_engine::codes::CommandKind;
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, SLOT_BYTES, as_bytes};
use std::io::{self, Read};
use std::ops::Range;

/// Slots of one submission.
const PIECE: usize = 512;
/// Tokens that are asked for at a time: so much at most is refused for want of one.
const TOKENS: u32 = 64;
/// Reads of a connection before it is the next one's turn.
const READS: usize = 4;

impl Io {
    /// Takes what a client has sent, as far as there is room for it.
    pub fn serve(&mut self, connection: &mut Connection) {
        let mut reads = 0;
        loop {
            if connection.session.state == State::Ending {
                self.discard(connection);
                return;
            }
            if connection.is_held_up() && !self.submit(connection) {
                self.held_up.push(connection.token);
                return;
            }
            if self.is_draining {
                return;
            }
            match connection.session.step(self.now_ns) {
                Ok(Step::Wait) => {
                    if connection.is_at_end {
                        self.end(connection, Code::LoggedOut, "the client has closed the connection", 0);
                        return;
                    }
                    if !connection.is_readable || connection.session.state == State::Opening {
                        return;
                    }
                    if reads == READS {
                        self.delivery.again.push(connection.token);
                        return;
                    }
                    reads += 1;
                    self.read(connection);
                }
                Ok(step) => {
                    self.counters.frames += 1;
                    if let Err(fault) = self.act(connection, step) {
                        self.fault(connection, fault);
                    }
                }
                Err(fault) => self.fault(connection, fault),
            }
        }
    }

    fn fault(&mut self, connection: &mut Connection, fault: Fault) {
        self.counters.faults += 1;
        self.end(connection, fault.code, fault.detail, 0);
    }

    fn read(&mut self, connection: &mut Connection) {
        match connection.session.inbox.fill(&mut connection.socket) {
            Ok(0) => connection.is_at_end = true,
            Ok(came) => self.counters.received_bytes += came as u64,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.is_readable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => connection.is_at_end = true,
        }
    }

    /// What comes behind the end is not looked at; but while it is taken, the system does not throw away what the client was told.
    fn discard(&mut self, connection: &mut Connection) {
        let mut bytes = [0; 4096];
        for _ in 0..READS {
            if !connection.is_readable || connection.is_at_end {
                return;
            }
            match connection.socket.read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.is_readable = false,
                Ok(0) | Err(_) => connection.is_at_end = true,
            }
        }
        self.delivery.again.push(connection.token);
    }

    fn act(&mut self, connection: &mut Connection, step: Step) -> Result<(), Fault> {
        let token = connection.token;
        match step {
            Step::Wait | Step::Done => {}
            Step::Commands(body) => return self.commands(connection, body),
            Step::Login(login) => {
                let (address, remote) = (connection.address, connection.remote.clone());
                self.ask(Job::Login { token, login, address, remote });
            }
            Step::Test(echo) => self.alive(connection, echo),
            Step::Subscribe(wanted) => self.subscribe(connection, wanted),
            Step::Unsubscribe(unwanted) => self.unsubscribe(connection, unwanted),
            Step::List if connection.is_listing => {}
            Step::List => {
                self.admission
                    .admit_session(connection.address, connection.key.as_deref(), Role::Read, 1, (self.options.clock)())
                    .map_err(|refused| Fault::new(refused.reason.into(), refused.detail))?;
                connection.is_listing = true;
                self.ask(Job::List { token, account: connection.session.sender.account });
            }
            Step::Logout => self.end(connection, Code::LoggedOut, "the client has logged out", 0),
        }
        Ok(())
    }

    fn ask(&mut self, job: Job) {
        // The desk ends behind this thread.
        let _ = self.jobs.send(job);
    }

    fn commands(&mut self, connection: &mut Connection, body: Range<usize>) -> Result<(), Fault> {
        let asked = commands::count(connection.session.inbox.body(body.clone()))?;
        let allowed = self.admit(connection, asked);
        let mut sender = connection.session.sender;
        sender.is_killed = self.admission.switches().is_killed(connection.account_name.as_deref());
        let bytes = connection.session.inbox.body(body.clone());
        let checked = commands::check(bytes, &sender, allowed, &mut self.refusals)?;
        self.counters.refused += self.refusals.len() as u64;
        if !self.refusals.is_empty() {
            connection.session.outbox.refused(&self.refusals);
            self.refusals.clear();
            self.delivery.mark(connection);
        }
        connection.rest = body.start..body.start + checked.bytes;
        Ok(())
    }

    /// How many of so many commands the limits let in.
    fn admit(&mut self, connection: &Connection, asked: usize) -> Allowed {
        let key = connection.key.as_deref();
        let now = (self.options.clock)();
        let most = self.admission.most_at_once(key);
        let piece = if most == u32::MAX { asked.max(1) as u32 } else { most.min(TOKENS) };
        let mut allowed = 0;
        while allowed < asked {
            let cost = piece.min((asked - allowed) as u32);
            match self.admission.admit_session(connection.address, key, Role::Trade, cost, now) {
                Ok(_) => allowed += cost as usize,
                Err(refused) => {
                    let retry_after_ns = refused.empty.map_or(0, |empty| empty.retry_ns);
                    return (allowed, Refusal { tag: 0, code: refused.reason.into(), retry_after_ns });
                }
            }
        }
        (asked, Refusal { tag: 0, code: Code::RateLimited, retry_after_ns: 0 })
    }

    /// Submits what waits. False: there is no room for all of it yet.
    fn submit(&mut self, connection: &mut Connection) -> bool {
        if self.barrier.is_some_and(|token| token != connection.token) {
            return false;
        }
        loop {
            while let Some(pending) = connection.waiting.pop_front() {
                if let Err(pending) = self.push(connection.token, pending) {
                    connection.waiting.push_front(pending);
                    return false;
                }
            }
            if connection.rest.is_empty() {
                return true;
            }
            if self.in_flight >= self.most_in_flight {
                return false;
            }
            self.take_piece(connection);
        }
    }

    /// Takes the next commands out of the inbox, for each thread that answers its own.
    fn take_piece(&mut self, connection: &mut Connection) {
        let bytes = connection.session.inbox.body(connection.rest.clone());
        if self.shards == 1 {
            let (taken, commands) = piece_of(bytes);
            connection.waiting.push_back(Pending::new(0, Slots::new(&bytes[..taken]), commands));
            connection.rest.start += taken;
            return;
        }
        let mut parts: Vec<(Vec<u8>, usize)> = vec![(Vec::new(), 0); usize::from(self.shards) + 1];
        let coordinator = usize::from(self.shards);
        let (mut slot, slots) = (0, (bytes.len() / SLOT_BYTES).min(PIECE));
        while slot < slots {
            // They were checked; what cannot be read after all is nobody's.
            let Ok((target, used)) = self.port.target(bytes, slot) else { break };
            // What concerns several shards goes alone, behind everything before it.
            if target == coordinator && slot > 0 {
                break;
            }
            parts[target].0.extend_from_slice(&bytes[slot * SLOT_BYTES..(slot + used) * SLOT_BYTES]);
            parts[target].1 += 1;
            slot += used;
            if target == coordinator {
                break;
            }
        }
        for (target, (slots, commands)) in parts.into_iter().enumerate().filter(|(_, part)| part.1 > 0) {
            connection.waiting.push_back(Pending::new(target, Slots::Many(slots.into()), commands));
        }
        connection.rest.start += slot.max(1) * SLOT_BYTES;
    }

    /// Submits, or gives back.
    fn push(&mut self, token: Token, pending: Pending) -> Result<(), Pending> {
        let Pending { target, slots, commands, named } = pending;
        match self.port.submit_to(target, slots, false) {
            Ok(_) => {
                self.sent.push_back(Sent { commands, is_answered: false, ends: 0 });
                self.in_flight += commands;
                self.counters.commands += commands as u64;
                self.barrier = None;
                self.delivery.expect_names(target, named);
                Ok(())
            }
            Err((SubmitError::Full, slots)) => {
                // Others would keep the shards busy for ever.
                if target == usize::from(self.shards) {
                    self.barrier = Some(token);
                }
                Err(Pending { target, slots, commands, named })
            }
            Err((error, slots)) => {
                self.stopped = Some(error.to_string());
                Err(Pending { target, slots, commands, named })
            }
        }
    }

    /// Cancels the orders of sessions that have ended, as soon as there is room.
    pub fn cancel_all(&mut self) {
        let nobody = Token { place: u32::MAX, generation: u32::MAX };
        if self.barrier.is_some_and(|token| token != nobody) {
            return;
        }
        while let Some((session, account)) = self.cancels.pop_front() {
            let command = Command {
                account,
                instrument: ALL_INSTRUMENTS,
                tag: u64::from(session) << 32,
                ..Command::of(CommandKind::MassCancel)
            };
            let target = if self.shards == 1 { 0 } else { usize::from(self.shards) };
            let slots = Slots::new(as_bytes(std::slice::from_ref(&command)));
            if self.push(nobody, Pending::new(target, slots, 1)).is_err() {
                self.cancels.push_front((session, account));
                return;
            }
            if let Some(sent) = self.sent.back_mut() {
                sent.ends = session;
            }
        }
    }
}

/// How many bytes of checked commands are a piece, and how many commands these are.
fn piece_of(bytes: &[u8]) -> (usize, usize) {
    let (mut slot, mut commands) = (0, 0);
    let slots = bytes.len() / SLOT_BYTES;
    while slot < slots.min(PIECE) {
        let extensions = bytes[slot * SLOT_BYTES + 2];
        slot += 1 + usize::from(extensions & 1) + usize::from(extensions >> 1 & 1);
        commands += 1;
    }
    (slot.min(slots) * SLOT_BYTES, commands)
}
