//! The thread that may wait: it looks at logins, has sessions written down, and lists what there is.

use super::connection::Token;
use super::{Common, Register, ServerOptions};
use crate::admission::key::{Key, Role};
use crate::admission::{Admission, Credentials, Now, Refused, Request};
use crate::wire::code::Code;
use crate::wire::frame::{Login, write_text};
use crate::wire::venue::Venue;
use aeromatch_engine::exchange::Exchange;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Instruments of a frame that lists them.
const LISTED: usize = 1024;
/// Account 0 stands for all.
const ALL_ACCOUNTS: u32 = 0;

/// What it is to do. Of each connection it has one at a time, and its end.
pub enum Job {
    Login { token: Token, login: Login, address: crate::admission::address::Address, remote: String },
    List { token: Token, account: u32 },
    Close { session: u32 },
}

/// What came of it.
pub struct Reply {
    pub token: Token,
    pub answer: Answer,
}

pub enum Answer {
    Opened(Box<Result<Opened, Unopened>>),
    /// Bodies of frames, with their counts.
    Listed(Vec<(usize, Vec<u8>)>),
}

/// A session that may begin.
pub struct Opened {
    pub session: u32,
    pub account: u32,
    pub account_name: Option<String>,
    pub key: Option<Arc<Key>>,
    pub may_trade: bool,
    pub login: Login,
}

/// One that may not.
pub struct Unopened {
    pub code: Code,
    pub detail: String,
    pub retry_after_ns: u64,
}

impl Unopened {
    fn new(code: Code, detail: impl Into<String>) -> Unopened {
        Unopened { code, detail: detail.into(), retry_after_ns: 0 }
    }
}

impl From<Refused> for Unopened {
    fn from(refused: Refused) -> Unopened {
        let retry_after_ns = refused.empty.map_or(0, |empty| empty.retry_ns);
        Unopened { code: refused.reason.into(), detail: refused.detail.to_string(), retry_after_ns }
    }
}

pub struct Desk {
    venue: Arc<dyn Venue>,
    admission: Arc<Admission>,
    clock: fn() -> Now,
    common: Arc<Common>,
    register: Box<dyn Register>,
    jobs: Receiver<Job>,
}

impl Desk {
    pub fn new(
        venue: &Arc<dyn Venue>,
        admission: &Arc<Admission>,
        options: &ServerOptions,
        common: &Arc<Common>,
        register: Box<dyn Register>,
    ) -> (Sender<Job>, Desk) {
        let (sender, jobs) = channel();
        let (venue, admission, common) = (Arc::clone(venue), Arc::clone(admission), Arc::clone(common));
        (sender, Desk { venue, admission, clock: options.clock, common, register, jobs })
    }

    /// Works until nobody can send it anything.
    pub fn run(mut self) {
        while let Ok(job) = self.jobs.recv() {
            match job {
                Job::Login { token, login, address, remote } => {
                    let opened = self.login(login, address, &remote);
                    self.common.reply(Reply { token, answer: Answer::Opened(Box::new(opened)) });
                }
                Job::List { token, account } => {
                    let listed = self.list(account);
                    self.common.reply(Reply { token, answer: Answer::Listed(listed) });
                }
                Job::Close { session } => self.register.close(session),
            }
        }
    }

    fn login(
        &mut self,
        login: Login,
        address: crate::admission::address::Address,
        remote: &str,
    ) -> Result<Opened, Unopened> {
        let (timestamp, nonce) = (login.timestamp_ms.to_string(), login.nonce.to_string());
        let signature = login.signature.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let credentials = Credentials {
            key: (!login.key.is_empty()).then_some(login.key.as_str()),
            timestamp: Some(&timestamp),
            nonce: Some(&nonce),
            signature: Some(&signature),
            method: "LOGIN",
            target: b"binary",
            ..Credentials::default()
        };
        let admitted =
            self.admission.admit(&Request { address, credentials, role: Role::Read, cost: 1 }, (self.clock)())?;
        let role = admitted.key.as_ref().map_or(Role::Admin, |key| key.role());
        let name = account_of(admitted.key.as_deref(), role, &login.account)?;
        let account = match &name {
            Some(name) => self.number_of(name)?,
            None => ALL_ACCOUNTS,
        };
        if login.cancel_on_disconnect && (role < Role::Trade || name.is_none()) {
            let problem = "orders are canceled at the end of a session that trades for an account";
            return Err(Unopened::new(Code::NotPermitted, problem));
        }
        let key = admitted.key.as_ref().map(|key| key.id());
        let opened = self.register.open(key, name.as_deref(), remote, login.cancel_on_disconnect);
        let session = opened.map_err(|(code, detail)| Unopened::new(code, detail))?;
        if session == 0 || session > i32::MAX as u32 {
            return Err(Unopened::new(Code::InternalError, "the session's number does not fit a tag"));
        }
        let may_trade = role >= Role::Trade;
        Ok(Opened { session, account, account_name: name, key: admitted.key, may_trade, login })
    }

    fn number_of(&self, name: &str) -> Result<u32, Unopened> {
        let mut number = None;
        let looked = self.venue.look(0, &mut |exchange| number = exchange.registry().accounts.find(name));
        looked.map_err(|failure| Unopened::new(Code::Unavailable, failure.to_string()))?;
        number.ok_or_else(|| Unopened::new(Code::UnknownAccount, format!("there is no account {name:?}")))
    }

    fn list(&self, account: u32) -> Vec<(usize, Vec<u8>)> {
        let mut listed = Vec::new();
        // An exchange that has stopped lists nothing; the session hears of it otherwise.
        let _ = self.venue.look(0, &mut |exchange| listed = self.bodies(exchange, account));
        listed
    }

    fn bodies(&self, exchange: &Exchange, account: u32) -> Vec<(usize, Vec<u8>)> {
        let registry = exchange.registry();
        let instruments: Vec<_> = registry.instruments().collect();
        let name = registry.accounts.get(account).map_or("", |name| name);
        // One frame even where there is none.
        let frames = instruments.len().div_ceil(LISTED).max(1);
        let body = |frame: usize| {
            let some = &instruments[frame * LISTED..instruments.len().min((frame + 1) * LISTED)];
            let mut body = Vec::new();
            body.extend_from_slice(&account.to_le_bytes());
            body.extend_from_slice(&(instruments.len() as u32).to_le_bytes());
            body.extend_from_slice(&[0; 8]);
            write_text(name, &mut body);
            for (number, info) in some {
                body.extend_from_slice(&number.to_le_bytes());
                body.extend_from_slice(&self.venue.home_of_instrument(*number).to_le_bytes());
                body.extend_from_slice(&[0; 10]);
                [&info.symbol, &info.tick_size, &info.lot_size].iter().for_each(|text| write_text(text, &mut body));
            }
            (some.len(), body)
        };
        (0..frames).map(body).collect()
    }
}

/// The account that a session is for; None: all.
fn account_of(key: Option<&Key>, role: Role, named: &str) -> Result<Option<String>, Unopened> {
    let own = key.and_then(Key::account);
    if named.is_empty() {
        return match own {
            Some(own) => Ok(Some(own.to_string())),
            None if role == Role::Admin => Ok(None),
            None => Err(Unopened::new(Code::NotPermitted, "the key has no account, and none is named")),
        };
    }
    if role == Role::Admin || own == Some(named) {
        Ok(Some(named.to_string()))
    } else {
        Err(Unopened::new(Code::NotPermitted, "the key acts for another account"))
    }
}
