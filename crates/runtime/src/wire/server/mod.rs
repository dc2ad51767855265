//! The server: one thread that has all sockets, and one beside it that looks at logins.
//!
//! The first thread waits for nobody: sockets, answers and events wake it by descriptors (epoll), commands go to the shards as
//! they came in whole batches, reports come from the event streams. What may wait (who somebody is, the note of a session, what
//! instruments there are) is done by the desk, the other thread; what a client has missed is read by one more, for as long as that
//! takes. Linux only.
//!
//! # What bounds what
//! - A connection's input is one frame, and no more is read while its commands wait for room: the client's writes block.
//! - Commands that were submitted and whose events were not read from the stream are at most a quarter of what the stream holds,
//!   so this server's own flow never makes it lag.
//! - A connection's output is bounded: who does not read is ended.

mod connection;
mod deliver;
mod desk;
mod input;
mod io;
mod listen;
mod market;
mod resume;

use super::session::Bounds;
use super::venue::Venue;
use crate::admission::{Admission, Now};
use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use crate::wire::code::Code;
use aeromatch_engine::record::ClientId;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// So many client order ids wait for whoever takes them; older ones are forgotten.
const NAMES: usize = 1 << 17;

/// How a server is made.
pub struct ServerOptions {
    /// Where it listens; port 0: the system chooses.
    pub tcp: Option<SocketAddr>,
    /// And where else: a path, at which a socket that nobody listens on is replaced.
    pub unix_path: Option<PathBuf>,
    /// What every session may use.
    pub bounds: Bounds,
    /// Subscriptions of a session.
    pub max_subscriptions: usize,
    /// Levels of a book are told at most this often.
    pub depth_interval: Duration,
    /// The clocks that the admission table is asked with.
    pub clock: fn() -> Now,
}

/// Gives sessions their numbers, and writes them down. Called by the desk alone.
pub trait Register: Send {
    /// A session begins. Returns its number: above 0, below 2^31. With `cancels_at_end` the account's orders end with it,
    /// however it ends: a crash before [`Register::close`] leaves them to whoever starts next.
    ///
    /// # Errors
    /// Why it may not.
    fn open(
        &mut self,
        key: Option<&str>,
        account: Option<&str>,
        remote: &str,
        cancels_at_end: bool,
    ) -> Result<u32, (Code, String)>;

    /// It has ended, and orders that were to end with it are canceled. Not called where the exchange stopped before they were.
    fn close(&mut self, session: u32);
}

macro_rules! counters {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// What the server has counted.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])+ pub $name: u64,)+
        }

        /// The same for those who look from elsewhere; written by one thread.
        #[derive(Default)]
        struct Published {
            $($name: AtomicU64,)+
        }

        impl Published {
            fn store(&self, counters: &Counters) {
                $(self.$name.store(counters.$name, Ordering::Relaxed);)+
            }

            fn load(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }

        impl Counters {
            /// Names and values.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)+].into_iter()
            }
        }
    };
}

counters! {
    /// Connections that are open.
    connections,
    /// Sessions that are open.
    sessions,
    /// Connections that were not let in.
    refused_connections,
    /// Logins that were good.
    logins,
    /// Logins that were not.
    refused_logins,
    /// Frames that have come in sessions.
    frames,
    /// Commands that went to the exchange.
    commands,
    /// Commands that did not.
    refused,
    /// Events that were reported.
    reports,
    /// Sessions that were ended because they do not read.
    slow_consumers,
    /// Sessions that were ended for what they sent, or did not send.
    faults,
    /// Bytes that have come.
    received_bytes,
    /// Bytes that went.
    sent_bytes,
    /// Times that the stream of events was lost and found again.
    lagged,
}

/// What the server is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Phase {
    Running,
    Draining,
    Stopped,
}

/// What its threads, and those who look at it, have in common.
struct Common {
    /// Rings for the first thread.
    bell: Arc<Doorbell>,
    phase: AtomicU8,
    counters: Published,
    names: Mutex<VecDeque<(u64, ClientId)>>,
    replies: Mutex<Vec<desk::Reply>>,
    past: resume::Known,
    is_drained: Mutex<bool>,
    drained: Condvar,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Common {
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Stopped,
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.bell.ring();
    }

    fn reply(&self, reply: desk::Reply) {
        locked(&self.replies).push(reply);
        self.bell.ring();
    }

    fn keep_names(&self, named: impl Iterator<Item = (u64, ClientId)>) {
        let mut names = locked(&self.names);
        names.extend(named);
        let surplus = names.len().saturating_sub(NAMES);
        names.drain(..surplus);
    }

    fn has_drained(&self) {
        *locked(&self.is_drained) = true;
        self.drained.notify_all();
    }
}

/// A server that runs.
pub struct Server {
    common: Arc<Common>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    tcp: Option<SocketAddr>,
    unix_path: Option<PathBuf>,
}

impl Server {
    /// Listens, and begins to serve.
    ///
    /// # Errors
    /// [`Failure::Io`] for an address or path that cannot be had; [`Failure::Stopped`].
    pub fn open(
        venue: Arc<dyn Venue>,
        admission: Arc<Admission>,
        options: ServerOptions,
        register: Box<dyn Register>,
    ) -> Result<Server, Failure> {
        let bell = Arc::new(Doorbell::new().map_err(Failure::io("doorbell", "create"))?);
        let common = Arc::new(Common {
            bell,
            phase: AtomicU8::new(Phase::Running as u8),
            counters: Published::default(),
            names: Mutex::default(),
            replies: Mutex::default(),
            past: resume::Known::new(&*venue),
            is_drained: Mutex::new(false),
            drained: Condvar::new(),
        });
        let listeners = listen::Listeners::open(options.tcp, options.unix_path.as_deref())?;
        let (tcp, unix_path) = (listeners.tcp_address(), options.unix_path.clone());
        let (jobs, desk) = desk::Desk::new(&venue, &admission, &options, &common, register);
        let io = io::Io::open(venue, admission, options, Arc::clone(&common), listeners, jobs)?;
        let server = Server { common, threads: Mutex::default(), tcp, unix_path };
        server.start("wire-desk", move || desk.run())?;
        server.start("wire", move || io.run())?;
        Ok(server)
    }

    fn start(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        let thread = std::thread::Builder::new().name(name.to_string()).spawn(run);
        locked(&self.threads).push(thread.map_err(Failure::io(name, "start a thread"))?);
        Ok(())
    }

    /// Where it listens for TCP.
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// Where else.
    pub fn unix_path(&self) -> Option<&std::path::Path> {
        self.unix_path.as_deref()
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.common.counters.load()
    }

    /// Orders that came with client order ids since the last time, in order.
    pub fn take_names(&self) -> Vec<(u64, ClientId)> {
        locked(&self.common.names).drain(..).collect()
    }

    /// Takes nothing new, answers what it has taken, tells every client and closes its connection. Returns whether that was done
    /// in time.
    pub fn drain(&self, timeout: Duration) -> bool {
        self.common.enter(Phase::Draining);
        let is_drained = locked(&self.common.is_drained);
        let waited = self.common.drained.wait_timeout_while(is_drained, timeout, |is_drained| !*is_drained);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Ends it. What was taken is done by the exchange all the same.
    pub fn close(&self) {
        self.common.enter(Phase::Stopped);
        let threads = std::mem::take(&mut *locked(&self.threads));
        for thread in threads {
            // A panic of its own was printed by it, and leaves nothing to mend.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}
