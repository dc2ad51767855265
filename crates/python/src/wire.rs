//! `_core.BinaryServer`: the binary protocol's server, native but for the notes that its sessions leave.

use crate::admission::{Admission, clocks};
use crate::errors::Failure;
use crate::exchange::Exchange;
use crate::exchange::sharded::Core;
use aeromatch_engine::exchange::Exchange as State;
use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::server::{Register, Server, ServerOptions};
use aeromatch_runtime::wire::session::{Bounds, HEARTBEAT_MS};
use aeromatch_runtime::wire::venue::Venue;
use aeromatch_runtime::{EventStream, Failure as Cause, Port, PublishedBook, ShardOptions};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The smallest frame that has room for a command and for a login.
const LEAST_FRAME_BYTES: usize = 4096;
/// What a frame's count can say.
const MOST_FRAME_BYTES: usize = 4 << 20;
/// Longest wait that is one.
const MOST_SECONDS: f64 = 1e6;

/// The shards behind their Python exchange, which may be closed at any time.
struct Hall {
    core: Arc<Core>,
    options: ShardOptions,
}

impl Venue for Hall {
    fn options(&self) -> ShardOptions {
        self.options.clone()
    }

    fn port(&self) -> Result<Port, Cause> {
        self.core.shards(|shards| shards.port())
    }

    fn stream(&self, shard: u16, from_sequence: u64, doorbell: Arc<Doorbell>) -> Result<EventStream, Cause> {
        self.core.shards(|shards| shards.stream_with(shard, from_sequence, doorbell))
    }

    fn history(
        &self,
        shard: u16,
        from_sequence: u64,
        doorbell: Arc<Doorbell>,
        look: &mut dyn FnMut(&State),
    ) -> Result<Option<EventStream>, Cause> {
        self.core.shards(|shards| shards.history(shard, from_sequence, doorbell, look))
    }

    fn look(&self, shard: u16, act: &mut dyn FnMut(&State)) -> Result<(), Cause> {
        self.core.shards(|shards| shards.read(shard, act))
    }

    fn published(&self, instrument: u32) -> Option<Arc<PublishedBook>> {
        self.core.shards(|shards| Ok(shards.published(instrument))).ok().flatten()
    }

    fn home_of_instrument(&self, instrument: u32) -> u16 {
        self.core.shards(|shards| Ok(shards.home_of_instrument(instrument))).unwrap_or(0)
    }

    fn last_sequence(&self, shard: u16) -> u64 {
        self.core.shards(|shards| Ok(shards.last_sequence(shard))).unwrap_or(0)
    }
}

/// Calls Python for a session's number, and to say that it has ended.
struct Notes {
    open_session: Py<PyAny>,
    close_session: Option<Py<PyAny>>,
}

impl Register for Notes {
    fn open(
        &mut self,
        key: Option<&str>,
        account: Option<&str>,
        remote: &str,
        cancels_at_end: bool,
    ) -> Result<u32, (Code, String)> {
        Python::attach(|py| {
            let opened = self.open_session.bind(py).call1((key, account, remote, cancels_at_end));
            opened.and_then(|number| number.extract::<u32>()).map_err(|error| refusal(py, &error))
        })
    }

    fn close(&mut self, session: u32) {
        let Some(close_session) = &self.close_session else { return };
        Python::attach(|py| {
            if let Err(error) = close_session.bind(py).call1((session,)) {
                error.write_unraisable(py, Some(close_session.bind(py)));
            }
        });
    }
}

/// What a client is told where its session could not be numbered: the slug that the error has, if it is known here.
fn refusal(py: Python<'_>, error: &PyErr) -> (Code, String) {
    let slug = error.value(py).getattr("slug").and_then(|slug| slug.extract::<String>()).unwrap_or_default();
    match Code::ALL.iter().find(|code| code.slug() == slug) {
        Some(code) => (*code, error.value(py).to_string()),
        None => {
            error.clone_ref(py).write_unraisable(py, None);
            (Code::InternalError, "the session could not be written down".to_string())
        }
    }
}

/// Serves the binary protocol (docs/binary.md) over TCP and a Unix socket. Linux only.
///
/// Its threads are its own: no interpreter is on the path of an order. It reads and writes by the exchange's shards,
/// not by the object that it is given, which others go on using. `close` it before the exchange; it is a context
/// manager.
///
/// Arguments:
///     exchange: An exchange with shards.
///     admission: Who may come in.
///     tcp: Host and port to listen at, port 0 for one that the system chooses; None: not at all.
///     unix_path: Where to make a socket for this user alone; None: nowhere. One that nobody listens on is replaced.
///     open_session: Called with key id, account and remote address of every login that was good, the first two None
///         where there is none, and with whether the account's orders end with the session; returns the session's
///         number, above 0 and below 2^31. It is called on a thread of the server's. An error with a `slug` refuses the
///         session.
///     close_session: Called with the number when the session has ended, and orders that were to end with it are
///         canceled; also on a thread of the server's.
///     max_frame_bytes: Most bytes of a frame's body, from 4096 to 4 MiB.
///     outbound_bytes: Most bytes that wait for a client before it is ended.
///     heartbeat_ms: Time between heartbeats where the client does not say, from 100 to 600000.
///     login_timeout_ms: How long a login may take.
///     max_subscriptions: Subscriptions of one session.
///     depth_interval_ms: Levels of a book are told at most this often.
///
/// Raises:
///     ValueError: An argument is not what it can be, or there is nowhere to listen.
///     OSError: An address cannot be had.
///     AeroMatchError: The exchange has no shards, or is closed.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct BinaryServer {
    server: Mutex<Option<Arc<Server>>>,
    tcp: Option<String>,
    unix_path: Option<PathBuf>,
}

fn check(is_good: bool, problem: &str) -> PyResult<()> {
    if is_good { Ok(()) } else { Err(PyValueError::new_err(problem.to_string())) }
}

#[pymethods]
impl BinaryServer {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    #[pyo3(signature = (
        exchange, admission, *, open_session, close_session=None, tcp=None, unix_path=None, max_frame_bytes=1_048_576,
        outbound_bytes=16_777_216, heartbeat_ms=10_000, login_timeout_ms=5_000, max_subscriptions=256, depth_interval_ms=10
    ))]
    fn new(
        py: Python<'_>,
        exchange: &Exchange,
        admission: &Admission,
        open_session: Py<PyAny>,
        close_session: Option<Py<PyAny>>,
        tcp: Option<(String, u16)>,
        unix_path: Option<PathBuf>,
        max_frame_bytes: usize,
        outbound_bytes: usize,
        heartbeat_ms: u32,
        login_timeout_ms: u32,
        max_subscriptions: usize,
        depth_interval_ms: u32,
    ) -> PyResult<BinaryServer> {
        check(tcp.is_some() || unix_path.is_some(), "tcp, unix_path: one of them is needed")?;
        let is_frame = (LEAST_FRAME_BYTES..=MOST_FRAME_BYTES).contains(&max_frame_bytes);
        check(is_frame, "max_frame_bytes: it is not from 4096 to 4194304")?;
        check(outbound_bytes >= max_frame_bytes, "outbound_bytes: it is less than max_frame_bytes")?;
        check(HEARTBEAT_MS.contains(&heartbeat_ms), "heartbeat_ms: it is not from 100 to 600000")?;
        check(login_timeout_ms > 0, "login_timeout_ms: it is 0")?;
        let address = match &tcp {
            Some((host, port)) => Some(
                (host.as_str(), *port)
                    .to_socket_addrs()?
                    .next()
                    .ok_or_else(|| PyOSError::new_err(format!("tcp: {host:?} has no address")))?,
            ),
            None => None,
        };
        let core = exchange.handle().core.as_ref().ok_or(Failure::NoShards("BinaryServer"));
        let core = Arc::clone(core.map_err(|failure| failure.into_py(py))?);
        let table = Arc::clone(admission.table());
        let register = Box::new(Notes { open_session, close_session });
        let options = ServerOptions {
            tcp: address,
            unix_path,
            bounds: Bounds { max_frame_bytes, outbound_bytes, heartbeat_ms, login_timeout_ms },
            max_subscriptions,
            depth_interval: Duration::from_millis(u64::from(depth_interval_ms)),
            clock: || clocks(None),
        };
        let opened = py.detach(|| {
            let options_of_shards = core.shards(|shards| Ok(shards.options().clone()))?;
            let venue = Arc::new(Hall { core: Arc::clone(&core), options: options_of_shards });
            Server::open(venue, table, options, register)
        });
        let server = opened.map_err(|cause| match cause {
            Cause::Io { file, operation, error } => PyOSError::new_err(format!("{file}: {operation}: {error}")),
            cause => core.failure(0, &cause).into_py(py),
        })?;
        let tcp = server.tcp().map(|address| address.to_string());
        let unix_path = server.unix_path().map(PathBuf::from);
        Ok(BinaryServer { server: Mutex::new(Some(Arc::new(server))), tcp, unix_path })
    }

    /// Where it listens: "tcp" with host and port, "unix" with the path, each where it does.
    #[getter]
    fn addresses<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let addresses = PyDict::new(py);
        if let Some(tcp) = &self.tcp {
            addresses.set_item("tcp", tcp)?;
        }
        if let Some(path) = &self.unix_path {
            addresses.set_item("unix", path.display().to_string())?;
        }
        Ok(addresses)
    }

    /// What it has counted, by name; empty once it is closed.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = PyDict::new(py);
        if let Some(server) = self.server() {
            for (name, value) in server.counters().each() {
                counters.set_item(name, value)?;
            }
        }
        Ok(counters)
    }

    /// Order ids and client order ids of the orders that came with one since the last time, in order.
    ///
    /// The last 131072 are kept.
    fn take_names(&self) -> Vec<(u64, String)> {
        let taken = self.server().map(|server| server.take_names()).unwrap_or_default();
        taken.into_iter().map(|(order, id)| (order, String::from_utf8_lossy(id.bytes()).into_owned())).collect()
    }

    /// Takes nothing new, has all answered that was taken, tells every client why and waits until they are gone.
    ///
    /// Arguments:
    ///     timeout_s: Seconds to wait at most.
    ///
    /// Returns:
    ///     Whether that was done in time.
    ///
    /// Raises:
    ///     ValueError: The time is none.
    #[pyo3(signature = (timeout_s, /))]
    fn drain(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        check((0.0..=MOST_SECONDS).contains(&timeout_s), "timeout_s: it is not from 0 to 1000000")?;
        let timeout = Duration::from_secs_f64(timeout_s);
        Ok(py.detach(|| self.server().is_none_or(|server| server.drain(timeout))))
    }

    /// Ends it: connections are closed as they are. A second time does nothing.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.end());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_details))]
    fn __exit__(&self, py: Python<'_>, _details: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        let path = self.unix_path.as_ref().map(|path| path.display().to_string());
        format!("BinaryServer(tcp={:?}, unix={:?})", self.tcp.as_deref().unwrap_or(""), path.unwrap_or_default())
    }
}

impl BinaryServer {
    /// The server while it runs; held by nobody else for longer than it takes to look.
    fn server(&self) -> Option<Arc<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.close();
        }
    }
}

impl Drop for BinaryServer {
    fn drop(&mut self) {
        // Its other thread may wait for the interpreter, which whoever drops this holds.
        let _ = Python::try_attach(|py| py.detach(|| self.end()));
    }
}
