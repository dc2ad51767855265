//! A session as such: frames in, steps out, and the time that it may take. It does no I/O and has no clock of its own.

use super::code::Code;
use super::commands::Sender;
use super::frame::{Fault, Header, Kind, Login, Subscribe, u64_at};
use super::inbox::Inbox;
use super::outbox::Outbox;
use aeromatch_engine::record::SLOT_BYTES;
use std::ops::Range;

const MILLISECOND_NS: u64 = 1_000_000;
/// Heartbeats are this far apart at least, and at most.
pub const HEARTBEAT_MS: std::ops::RangeInclusive<u32> = 100..=600_000;

/// What every session may use.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most bytes of a frame's body.
    pub max_frame_bytes: usize,
    /// Most bytes that wait for a client.
    pub outbound_bytes: usize,
    /// Heartbeats where the client does not say.
    pub heartbeat_ms: u32,
    /// How long a login may take.
    pub login_timeout_ms: u32,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The login has not come.
    New,
    /// The login is looked at.
    Opening,
    /// It is open.
    Open,
    /// It was told why it ends; what it was told goes out yet.
    Ending,
}

/// What a client's frame asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// There is no whole frame.
    Wait,
    /// It was dealt with.
    Done,
    /// To be let in.
    Login(Login),
    /// These commands: where they stand in the inbox.
    Commands(Range<usize>),
    /// A heartbeat with this number.
    Test(u64),
    /// To follow something.
    Subscribe(Subscribe),
    /// Or no more.
    Unsubscribe(Subscribe),
    /// To know what there is.
    List,
    /// To go.
    Logout,
}

/// A session.
pub struct Session {
    /// What has come.
    pub inbox: Inbox,
    /// What goes.
    pub outbox: Outbox,
    /// Where it stands.
    pub state: State,
    /// Whose it is, once it is open.
    pub sender: Sender,
    heartbeat_ns: u64,
    login_timeout_ns: u64,
    /// When the last whole frame came; before, when it began.
    heard_ns: u64,
    /// When something was last sent.
    told_ns: u64,
    /// Number of the last frame that was sent then.
    told: u64,
}

impl Session {
    /// One that has just begun.
    pub fn new(bounds: &Bounds, now_ns: u64) -> Session {
        Session {
            inbox: Inbox::new(bounds.max_frame_bytes),
            outbox: Outbox::new(bounds.max_frame_bytes),
            state: State::New,
            sender: Sender { session: 0, account: 0, may_trade: false, is_killed: false },
            heartbeat_ns: u64::from(bounds.heartbeat_ms) * MILLISECOND_NS,
            login_timeout_ns: u64::from(bounds.login_timeout_ms) * MILLISECOND_NS,
            heard_ns: now_ns,
            told_ns: now_ns,
            told: 0,
        }
    }

    /// The next thing that the client asks for.
    ///
    /// # Errors
    /// [`Fault`]: the session is to be ended.
    #[inline]
    pub fn step(&mut self, now_ns: u64) -> Result<Step, Fault> {
        match self.state {
            State::New | State::Open => {}
            State::Opening | State::Ending => return Ok(Step::Wait),
        }
        let Some((header, body)) = self.inbox.next_frame()? else { return Ok(Step::Wait) };
        self.heard_ns = now_ns;
        match Kind::from_code(header.kind) {
            Some(Kind::Login) if self.state == State::New => {
                let login = Login::read(self.inbox.body(body), header.count)?;
                if login.heartbeat_ms != 0 {
                    let heartbeat_ms = login.heartbeat_ms.clamp(*HEARTBEAT_MS.start(), *HEARTBEAT_MS.end());
                    self.heartbeat_ns = u64::from(heartbeat_ms) * MILLISECOND_NS;
                }
                self.state = State::Opening;
                Ok(Step::Login(login))
            }
            _ if self.state == State::New => Err(Fault::new(Code::Unauthenticated, "the first frame is no login")),
            Some(Kind::Commands) if usize::from(header.count) * SLOT_BYTES == body.len() => Ok(Step::Commands(body)),
            Some(Kind::Commands) => Err(Fault::malformed("the frame has not as many slots as its count says")),
            _ if header.count != 0 => Err(Fault::malformed("the frame is no list, and has a count")),
            Some(kind) => self.rare(kind, &header, body),
            None => Err(Fault::malformed("there is no frame of this kind")),
        }
    }

    fn rare(&mut self, kind: Kind, header: &Header, body: Range<usize>) -> Result<Step, Fault> {
        let body = self.inbox.body(body);
        match (kind, header.length) {
            (Kind::Heartbeat, 0) => Ok(Step::Done),
            (Kind::Test, 8) => Ok(Step::Test(u64_at(body, 0))),
            (Kind::Subscribe, _) => Subscribe::read(body).map(Step::Subscribe),
            (Kind::Unsubscribe, _) => Subscribe::read(body).map(Step::Unsubscribe),
            (Kind::List, 0) => Ok(Step::List),
            (Kind::Logout, 0) => Ok(Step::Logout),
            (Kind::Login, _) => Err(Fault::malformed("the session is open: it logs in once")),
            (Kind::Heartbeat | Kind::Test | Kind::List | Kind::Logout, _) => {
                Err(Fault::malformed("the frame's body has not its length"))
            }
            _ => Err(Fault::malformed("a client sends no frames of this kind")),
        }
    }

    /// Heartbeats are so far apart.
    pub fn heartbeat_ms(&self) -> u32 {
        (self.heartbeat_ns / MILLISECOND_NS) as u32
    }

    /// The server has stopped reading: that nothing comes is not the client's silence.
    pub fn excuse(&mut self, now_ns: u64) {
        self.heard_ns = now_ns;
    }

    /// Has it taken too long, or been silent for too long?
    ///
    /// # Errors
    /// [`Fault`]: so.
    pub fn check_time(&self, now_ns: u64) -> Result<(), Fault> {
        let silent_ns = now_ns.saturating_sub(self.heard_ns);
        match self.state {
            State::New if silent_ns > self.login_timeout_ns => {
                Err(Fault::new(Code::RequestTimeout, "no login came in time"))
            }
            State::Open if silent_ns > self.heartbeat_ns / 2 * 5 => {
                Err(Fault::new(Code::Idle, "no frame came for two heartbeats and a half"))
            }
            _ => Ok(()),
        }
    }

    /// Is it time to say that the server is there? True once a heartbeat, unless something else was sent.
    pub fn is_due(&mut self, now_ns: u64) -> bool {
        if self.outbox.number() != self.told {
            (self.told, self.told_ns) = (self.outbox.number(), now_ns);
        }
        self.state == State::Open && now_ns.saturating_sub(self.told_ns) >= self.heartbeat_ns / 2
    }

    /// Says that the server is there: up to which numbers all reports were sent.
    pub fn alive(&mut self, echo: u64, positions: impl ExactSizeIterator<Item = u64>) {
        self.outbox.frame(Kind::Alive, positions.len(), |out| {
            out.extend_from_slice(&echo.to_le_bytes());
            positions.for_each(|position| out.extend_from_slice(&position.to_le_bytes()));
        });
    }

    /// Tells the client why, and nothing more.
    pub fn end(&mut self, code: Code, detail: &str, retry_after_ns: u64) {
        if self.state != State::Ending {
            self.state = State::Ending;
            self.outbox.ended(code, detail, retry_after_ns);
        }
    }
}
