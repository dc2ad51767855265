//! The admission table, as Python sees it.

use aeromatch_runtime::admission::address::Address;
use aeromatch_runtime::admission::bucket::{Allowance, Limit};
use aeromatch_runtime::admission::key::{KeySpec, Role, SecretHash};
use aeromatch_runtime::admission::{Admission as Table, Credentials, Limits, Now, Options, Refused, Request};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const SECOND_NS: u64 = 1_000_000_000;
const MILLISECOND_NS: u64 = 1_000_000;
/// A rate in tokens a second, and a burst.
type Rate = (u32, u32);
/// Id, secrets' hashes with the times at which they end, role, account, limit of orders, limit of other requests.
type Spec = (String, Vec<([u8; 32], u64)>, String, Option<String>, Rate, Rate);
/// Headers of an answer, as ASGI has them.
type Headers<'py> = Bound<'py, PyTuple>;

/// Why the admission table refuses a request or a connection. Immutable.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct AdmissionRefusal {
    /// A stable name (docs/security.md).
    #[pyo3(get)]
    slug: &'static str,
    /// The HTTP status that goes with it.
    #[pyo3(get)]
    status: u16,
    /// The reason in a sentence.
    #[pyo3(get)]
    detail: &'static str,
    /// When to try again, in milliseconds from now; None where that does not help.
    #[pyo3(get)]
    retry_after_ms: Option<u64>,
    headers: Py<PyTuple>,
}

#[pymethods]
impl AdmissionRefusal {
    /// What the answer's headers say of it: limits, when to try again, how to authenticate.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> Headers<'py> {
        self.headers.bind(py).clone()
    }

    fn __repr__(&self) -> String {
        format!("AdmissionRefusal({:?}, {}, {:?})", self.slug, self.status, self.detail)
    }
}

impl AdmissionRefusal {
    fn new(py: Python<'_>, refused: &Refused) -> PyResult<AdmissionRefusal> {
        let (slug, status) = refused.reason.slug();
        let mut headers = Vec::new();
        let retry_after_ms = refused.empty.map(|empty| empty.retry_ns.div_ceil(MILLISECOND_NS));
        if let Some(empty) = refused.empty {
            limit_headers(py, empty.allowance, &mut headers)?;
            headers.push(header(py, b"retry-after", empty.retry_ns.div_ceil(SECOND_NS))?);
        }
        if status == 401 {
            headers.push(PyTuple::new(
                py,
                [PyBytes::new(py, b"www-authenticate"), PyBytes::new(py, b"Bearer realm=\"aeromatch\"")],
            )?);
        }
        let headers = PyTuple::new(py, headers)?.unbind();
        Ok(AdmissionRefusal { slug, status, detail: refused.detail, retry_after_ms, headers })
    }
}

/// Keys, signatures, limits and kill switches: one table for every gateway (docs/security.md).
///
/// No call waits for another: several threads may use it at once. Where a method takes `now_ns`, that is the time
/// instead of the machine's clocks: for tests.
///
/// Arguments:
///     required: Whether every request needs a key.
///     window_ms: How old a signature may be, in milliseconds.
///     ahead_ms: How far a signer's clock may be ahead, in milliseconds.
///     not_before_ms: Signatures that are not later are refused, in milliseconds since 1970.
///     nonces: How many nonces can be remembered; 8 bytes each.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct Admission {
    table: Arc<Table>,
}

impl Admission {
    /// The table itself, for those who ask it without the interpreter.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }
}

#[pymethods]
impl Admission {
    #[new]
    #[pyo3(signature = (*, required, window_ms=5_000, ahead_ms=1_000, not_before_ms=0, nonces=1_048_576))]
    fn new(required: bool, window_ms: u64, ahead_ms: u64, not_before_ms: u64, nonces: u32) -> PyResult<Admission> {
        const DAY_MS: u64 = 86_400_000;
        if window_ms > DAY_MS || ahead_ms > DAY_MS {
            return Err(PyValueError::new_err("window_ms, ahead_ms: longer than a day"));
        }
        let options = Options { required, window_ms, ahead_ms, not_before_ms, nonces: nonces as usize };
        let most = u32::MAX;
        let limits = Limits {
            address_orders: Limit::NONE,
            address_requests: Limit::NONE,
            venue_orders: Limit::NONE,
            failures: Limit::NONE,
            connections: most,
            connections_per_address: most,
        };
        Ok(Admission { table: Arc::new(Table::new(options, limits)) })
    }

    /// Replaces all limits; a rate is (tokens a second, tokens at once), and 0 a second is no limit.
    ///
    /// Arguments:
    ///     address_orders: Orders, amends and cancels from one address.
    ///     address_requests: Everything else from one address.
    ///     venue_orders: Orders, amends and cancels of all.
    ///     failures: Wrong credentials from one address that are told why.
    ///     connections: Connections of all.
    ///     connections_per_address: Connections from one address.
    #[pyo3(signature = (*, address_orders, address_requests, venue_orders, failures, connections, connections_per_address))]
    fn set_limits(
        &self,
        address_orders: Rate,
        address_requests: Rate,
        venue_orders: Rate,
        failures: Rate,
        connections: u32,
        connections_per_address: u32,
    ) {
        self.table.set_limits(Limits {
            address_orders: limit(address_orders),
            address_requests: limit(address_requests),
            venue_orders: limit(venue_orders),
            failures: limit(failures),
            connections,
            connections_per_address,
        });
    }

    /// Replaces all keys. What a key has used of its limits stays used if one with its id is there again.
    ///
    /// Arguments:
    ///     keys: For each its id; its secrets' SHA-256 hashes, each with when it ends in milliseconds since 1970, or 0;
    ///         its role, "read", "trade" or "admin"; its account; its limits of orders and of other requests.
    ///
    /// Raises:
    ///     ValueError: Another role.
    fn set_keys(&self, keys: Vec<Spec>) -> PyResult<()> {
        let specs = keys.into_iter().map(|(id, secrets, role, account, orders, requests)| {
            Ok(KeySpec {
                id: id.into(),
                secrets: secrets.into_iter().map(|(hash, expires_ms)| SecretHash { hash, expires_ms }).collect(),
                role: role_of(&role)?,
                account: account.map(String::into_boxed_str),
                orders: limit(orders),
                requests: limit(requests),
            })
        });
        self.table.set_keys(specs.collect::<PyResult<_>>()?);
        Ok(())
    }

    /// How many connections there are.
    #[getter]
    fn connections(&self) -> u32 {
        self.table.connections()
    }

    /// A connection begins: None if it may, and then `disconnect` is to be called when it ends.
    ///
    /// Arguments:
    ///     remote: The other end's address, with or without a port.
    #[pyo3(signature = (remote, /))]
    fn connect(&self, py: Python<'_>, remote: &str) -> PyResult<Option<AdmissionRefusal>> {
        match self.table.connect(Address::parse(remote)) {
            Ok(()) => Ok(None),
            Err(refused) => AdmissionRefusal::new(py, &refused).map(Some),
        }
    }

    /// A connection that was let in has ended.
    ///
    /// Arguments:
    ///     remote: As for `connect`.
    #[pyo3(signature = (remote, /))]
    fn disconnect(&self, remote: &str) {
        self.table.disconnect(Address::parse(remote));
    }

    /// Lets a request in, or says why not.
    ///
    /// Arguments:
    ///     remote: The other end's address, with or without a port.
    ///     role: What it needs: "read", "trade" or "admin".
    ///     cost: How many tokens it takes from its limits.
    ///     authorization: The header of that name.
    ///     key: Who signed.
    ///     timestamp: When, in milliseconds since 1970.
    ///     nonce: What nobody with this key signs twice.
    ///     signature: 64 hexadecimal digits.
    ///     method: The request's method.
    ///     target: Path and query as they stand in the request.
    ///     body: The body.
    ///     now_ns: Nanoseconds since 1970.
    ///
    /// Returns:
    ///     The key's id, None where no key is needed, and headers that tell what its limits leave.
    ///
    /// Raises:
    ///     ValueError: Another role.
    #[expect(clippy::too_many_arguments, reason = "a request has that many headers; a structure would cost a call")]
    #[pyo3(signature = (
        remote, role, cost, authorization, key, timestamp, nonce, signature, method, target, body, now_ns=None, /
    ))]
    fn admit<'py>(
        &self,
        py: Python<'py>,
        remote: &str,
        role: &str,
        cost: u32,
        authorization: Option<&str>,
        key: Option<&str>,
        timestamp: Option<&str>,
        nonce: Option<&str>,
        signature: Option<&str>,
        method: &str,
        target: &[u8],
        body: &[u8],
        now_ns: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let credentials = Credentials { authorization, key, timestamp, nonce, signature, method, target, body };
        let request = Request { address: Address::parse(remote), credentials, role: role_of(role)?, cost };
        match self.table.admit(&request, clocks(now_ns)) {
            Ok(admitted) => {
                let key = admitted.key.as_deref().map(|key| key.id());
                Ok((key, allowance_headers(py, admitted.allowance)?).into_pyobject(py)?.into_any())
            }
            Err(refused) => Ok(AdmissionRefusal::new(py, &refused)?.into_pyobject(py)?.into_any()),
        }
    }

    /// Says why a request would be refused, before its body has come; None: it could be let in. Takes from no limit.
    ///
    /// Arguments: as of `admit`, without the body.
    ///
    /// Raises:
    ///     ValueError: Another role.
    #[expect(clippy::too_many_arguments, reason = "as `admit`")]
    #[pyo3(signature = (
        remote, role, authorization, key, timestamp, nonce, signature, method, target, now_ns=None, /
    ))]
    fn screen(
        &self,
        py: Python<'_>,
        remote: &str,
        role: &str,
        authorization: Option<&str>,
        key: Option<&str>,
        timestamp: Option<&str>,
        nonce: Option<&str>,
        signature: Option<&str>,
        method: &str,
        target: &[u8],
        now_ns: Option<u64>,
    ) -> PyResult<Option<AdmissionRefusal>> {
        let credentials = Credentials { authorization, key, timestamp, nonce, signature, method, target, body: b"" };
        let request = Request { address: Address::parse(remote), credentials, role: role_of(role)?, cost: 1 };
        match self.table.screen(&request, clocks(now_ns)) {
            Ok(()) => Ok(None),
            Err(refused) => AdmissionRefusal::new(py, &refused).map(Some),
        }
    }

    /// Lets another request in from a connection that has proved who it is, or says why not.
    ///
    /// Arguments:
    ///     remote: The other end's address, with or without a port.
    ///     key: The id of the key that it was let in with.
    ///     role: What it needs: "read", "trade" or "admin".
    ///     cost: How many tokens it takes from the limits of the address and the key.
    ///     now_ns: Nanoseconds since 1970.
    ///
    /// Returns:
    ///     Headers that tell what its limits leave.
    ///
    /// Raises:
    ///     ValueError: Another role.
    #[pyo3(signature = (remote, key, role, cost, now_ns=None, /))]
    fn admit_again<'py>(
        &self,
        py: Python<'py>,
        remote: &str,
        key: &str,
        role: &str,
        cost: u32,
        now_ns: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.table.admit_by_id(Address::parse(remote), key, role_of(role)?, cost, clocks(now_ns)) {
            Ok(allowance) => Ok(allowance_headers(py, allowance)?.into_any()),
            Err(refused) => Ok(AdmissionRefusal::new(py, &refused)?.into_pyobject(py)?.into_any()),
        }
    }

    /// Turns the kill switch of an account, or of the venue (None), on or off.
    ///
    /// Arguments:
    ///     account: The account's name.
    ///     engaged: Whether it is on.
    #[pyo3(signature = (account, engaged, /))]
    fn set_switch(&self, account: Option<&str>, engaged: bool) {
        self.table.switches().set(account, engaged);
    }

    /// Whether an account may not trade: its kill switch is on, or the venue's.
    ///
    /// Arguments:
    ///     account: The account's name; None: only the venue's counts.
    #[pyo3(signature = (account, /))]
    fn is_killed(&self, account: Option<&str>) -> bool {
        self.table.switches().is_killed(account)
    }

    fn __repr__(&self) -> String {
        format!("Admission(keys={}, connections={})", self.table.keys().len(), self.table.connections())
    }
}

fn limit((per_second, burst): Rate) -> Limit {
    Limit::new(per_second, burst)
}

fn role_of(word: &str) -> PyResult<Role> {
    match word {
        "read" => Ok(Role::Read),
        "trade" => Ok(Role::Trade),
        "admin" => Ok(Role::Admin),
        _ => Err(PyValueError::new_err(format!("role: {word:?} is none of \"read\", \"trade\", \"admin\""))),
    }
}

/// The machine's clocks; a time that is given stands for both.
pub fn clocks(now_ns: Option<u64>) -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    match now_ns {
        Some(now_ns) => Now { unix_ms: now_ns / MILLISECOND_NS, monotonic_ns: now_ns },
        None => {
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let start = START.get_or_init(Instant::now);
            Now { unix_ms: unix.as_millis() as u64, monotonic_ns: start.elapsed().as_nanos() as u64 }
        }
    }
}

fn header<'py>(py: Python<'py>, name: &[u8], value: u64) -> PyResult<Bound<'py, PyTuple>> {
    let mut digits = [0; 20];
    let mut first = digits.len();
    let mut rest = value;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    PyTuple::new(py, [PyBytes::new(py, name), PyBytes::new(py, &digits[first..])])
}

fn limit_headers<'py>(py: Python<'py>, left: Allowance, headers: &mut Vec<Bound<'py, PyTuple>>) -> PyResult<()> {
    headers.push(header(py, b"ratelimit-limit", u64::from(left.limit))?);
    headers.push(header(py, b"ratelimit-remaining", u64::from(left.remaining))?);
    headers.push(header(py, b"ratelimit-reset", left.reset_ns.div_ceil(SECOND_NS))?);
    Ok(())
}

fn allowance_headers(py: Python<'_>, allowance: Option<Allowance>) -> PyResult<Headers<'_>> {
    let Some(allowance) = allowance else { return Ok(PyTuple::empty(py)) };
    let mut headers = Vec::with_capacity(3);
    limit_headers(py, allowance, &mut headers)?;
    PyTuple::new(py, headers)
}
