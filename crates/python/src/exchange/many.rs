//! Many new orders at once: read from structures that a gateway has decoded, sent to each shard as one submission, and
//! answered as the JSON that gateways pass on. One order goes the same way.

use super::Exchange;
use super::answer::{Question, show_mirrored};
use super::directory::{Directory, Listing};
use super::machine::put_slots;
use super::order_json;
use crate::arguments::text;
use crate::orders::{NewOrder, Request};
use aeromatch_engine::collector::Done;
use aeromatch_engine::record::Event;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// New orders on their way to the shards, and what came of them.
#[pyclass(frozen, module = "aeromatch._core", name = "_OrderBatch")]
pub struct OrderBatch {
    exchange: Py<Exchange>,
    inner: Arc<Inner>,
}

/// What the batch and the questions that are under way share.
pub struct Inner {
    state: Mutex<State>,
}

struct State {
    entries: Vec<Entry>,
    groups: Vec<Group>,
    /// Groups before it were sent.
    next: usize,
}

/// One order.
pub struct Entry {
    pub order: Result<Sent, Malformed>,
    answer: Option<(usize, Range<usize>)>,
}

/// An order as it goes to its book.
pub struct Sent {
    pub listing: Arc<Listing>,
    pub request: Request,
}

/// Why an order is none: a slug, and a sentence.
pub struct Malformed {
    slug: &'static str,
    detail: String,
}

/// The orders that one shard takes.
struct Group {
    shard: u16,
    slots: Vec<u8>,
    entries: Vec<usize>,
    events: Box<[Event]>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a shard did with its orders.
    pub fn answer(&self, group: usize, done: Done) {
        let mut state = self.state();
        let State { entries, groups, .. } = &mut *state;
        let group_at = group;
        let group = &mut groups[group_at];
        group.events = done.events;
        let mut from = 0;
        for &place in &group.entries {
            let end = command_end(&group.events, from);
            if let Ok(Sent { listing, .. }) = &entries[place].order
                && let Some(mirror) = listing.mirror
            {
                show_mirrored(&mut group.events[from..end], &mut [], listing.book, mirror);
            }
            entries[place].answer = Some((group_at, from..end));
            from = end;
        }
    }
}

/// Where the events of a command end that begin there: with the last one of its number, or, where there was no room for it
/// and it has none, with its refusal.
fn command_end(events: &[Event], from: usize) -> usize {
    let Some(first) = events.get(from) else { return from };
    if first.sequence == 0 {
        return from + 1;
    }
    from + events[from..].iter().take_while(|event| event.sequence == first.sequence).count()
}

/// An attribute of an order that need not be set.
fn attribute<'py>(order: &Bound<'py, PyAny>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = order.getattr(name)?;
    Ok(if value.is_none() { None } else { Some(value) })
}

impl Directory {
    /// Reads one order. What is wrong with it is said; what is wrong with whoever calls is raised.
    fn read(
        &self,
        order: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        tag: &Bound<'_, PyAny>,
    ) -> PyResult<Result<Sent, Malformed>> {
        let py = order.py();
        let symbol = order.getattr(intern!(py, "symbol"))?;
        let Some(listing) = self.find(text(&symbol, "symbol")?) else {
            let detail = format!("there is no instrument {:?}", symbol.cast::<PyString>()?.to_string_lossy());
            return Ok(Err(Malformed { slug: "unknown_instrument", detail }));
        };
        let request = read_request(order, account, tag, &listing);
        Ok(match request {
            Ok(request) => Ok(Sent { listing, request }),
            Err(error) if error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyTypeError>(py) => {
                Err(Malformed { slug: "malformed", detail: error.value(py).str()?.to_string() })
            }
            Err(error) => return Err(error),
        })
    }
}

fn read_request(
    order: &Bound<'_, PyAny>,
    account: &Bound<'_, PyAny>,
    tag: &Bound<'_, PyAny>,
    listing: &Listing,
) -> PyResult<Request> {
    let py = order.py();
    let side = order.getattr(intern!(py, "side"))?;
    let quantity = order.getattr(intern!(py, "quantity"))?;
    let price = attribute(order, intern!(py, "price"))?;
    let order_type = attribute(order, intern!(py, "type"))?;
    let time_in_force = attribute(order, intern!(py, "time_in_force"))?;
    let client_order_id = attribute(order, intern!(py, "client_order_id"))?;
    let expire_at = attribute(order, intern!(py, "expire_at"))?;
    let post_only = attribute(order, intern!(py, "post_only"))?;
    let protection_price = attribute(order, intern!(py, "protection_price"))?;
    let budget = attribute(order, intern!(py, "budget"))?;
    let stop_price = attribute(order, intern!(py, "stop_price"))?;
    let trail_offset = attribute(order, intern!(py, "trail_offset"))?;
    let trail_offset_bps = attribute(order, intern!(py, "trail_offset_bps"))?;
    let display_quantity = attribute(order, intern!(py, "display_quantity"))?;
    let min_quantity = attribute(order, intern!(py, "min_quantity"))?;
    let self_trade_prevention = attribute(order, intern!(py, "self_trade_prevention"))?;
    let self_trade_group = attribute(order, intern!(py, "self_trade_group"))?;
    let order = NewOrder {
        side: &side,
        quantity: &quantity,
        price: price.as_ref(),
        order_type: order_type.as_ref(),
        time_in_force: time_in_force.as_ref(),
        account: (!account.is_none()).then_some(account),
        client_order_id: client_order_id.as_ref(),
        timestamp: None,
        expire_at: expire_at.as_ref(),
        post_only: post_only.as_ref(),
        protection_price: protection_price.as_ref(),
        budget: budget.as_ref(),
        stop_price: stop_price.as_ref(),
        trail_offset: trail_offset.as_ref(),
        trail_offset_bps: trail_offset_bps.as_ref(),
        display_quantity: display_quantity.as_ref(),
        min_quantity: min_quantity.as_ref(),
        self_trade_prevention: self_trade_prevention.as_ref(),
        self_trade_group: self_trade_group.as_ref(),
        tag: Some(tag),
    };
    order.request(&listing.context)
}

#[pymethods]
impl Exchange {
    /// New orders, read and ready to be sent.
    ///
    /// Arguments:
    ///     orders: A list of objects with the attributes of `aeromatch.schema.orders.NewOrder`.
    ///     accounts: Whose each of them is, by name; None for nobody's.
    ///     tags: The sender's own number of each, returned in its command's first event.
    ///
    /// Returns:
    ///     A batch, whose orders go to the shards with `send`.
    ///
    /// Raises:
    ///     TypeError: An argument is no list, or the lists are not of one length.
    ///     AeroMatchError: The exchange has no shards.
    fn _order_batch(
        slf: &Bound<'_, Self>,
        orders: &Bound<'_, PyList>,
        accounts: &Bound<'_, PyList>,
        tags: &Bound<'_, PyList>,
    ) -> PyResult<OrderBatch> {
        if orders.len() != accounts.len() || orders.len() != tags.len() {
            return Err(PyTypeError::new_err("orders, accounts and tags must be of one length"));
        }
        let exchange = slf.get();
        let (py, directory) = (slf.py(), exchange.directory());
        let core = exchange.handle.core.as_ref();
        let core = core.ok_or_else(|| crate::errors::Failure::NoShards("_order_batch").into_py(py))?;
        let mut entries = Vec::with_capacity(orders.len());
        let mut groups: Vec<Group> = Vec::new();
        let senders = accounts.iter().zip(tags.iter());
        for (place, (order, (account, tag))) in orders.iter().zip(senders).enumerate() {
            let order = directory.read(&order, &account, &tag)?;
            if let Ok(sent) = &order {
                let shard = core.home_of_instrument(sent.listing.number).map_err(|failure| failure.into_py(py))?;
                let at = groups.iter().position(|group| group.shard == shard).unwrap_or_else(|| {
                    groups.push(Group { shard, slots: Vec::new(), entries: Vec::new(), events: Box::default() });
                    groups.len() - 1
                });
                put_slots(&sent.request.0, &sent.request.1, &mut groups[at].slots);
                groups[at].entries.push(place);
            }
            entries.push(Entry { order, answer: None });
        }
        let state = Mutex::new(State { entries, groups, next: 0 });
        Ok(OrderBatch { exchange: slf.clone().unbind(), inner: Arc::new(Inner { state }) })
    }
}

#[pymethods]
impl OrderBatch {
    /// How many shards its orders go to: `send` has to succeed as often.
    #[getter]
    fn parts(&self) -> usize {
        self.inner.state().groups.len()
    }

    /// Sends the orders that go to the next shard.
    ///
    /// Returns:
    ///     The ticket under which they are answered; None: there was no room, and nothing was sent.
    ///
    /// Raises:
    ///     AeroMatchError: The exchange was closed, or has stopped.
    fn send(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        let mut state = self.inner.state();
        let group = state.next;
        let Some(slots) = state.groups.get(group).map(|group| group.slots.as_slice()) else { return Ok(None) };
        let question = Question::Batch { batch: Arc::clone(&self.inner), group };
        // Sending never waits, so the interpreter is kept: who lets it go may get it back late.
        let ticket = self.exchange.get().with(py, |machine| machine.send(slots, question))?;
        state.next += usize::from(ticket.is_some());
        Ok(ticket)
    }

    /// What came of the orders, once every part is answered.
    ///
    /// Returns:
    ///     A list in the order in which they came, of tuples: the order's id and its JSON as bytes; or, where it was
    ///     refused, a slug, a sentence that may be empty, and the id of the order that has its client order id, or 0.
    fn results<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let (entries, groups) = {
            let mut state = self.inner.state();
            (std::mem::take(&mut state.entries), std::mem::take(&mut state.groups))
        };
        let list = PyList::empty(py);
        let mut json = Vec::with_capacity(640);
        for Entry { order, answer } in &entries {
            let result = match (order, answer) {
                (Ok(sent), Some((group, range))) => {
                    let events = &groups[*group].events[range.clone()];
                    json.clear();
                    match order_json::write(py, sent, events, &mut json)? {
                        Ok(order_id) => (order_id, PyBytes::new(py, &json)).into_pyobject(py)?.into_any(),
                        Err((slug, other)) => refused(py, slug, "", other)?,
                    }
                }
                (Err(malformed), _) => refused(py, malformed.slug, &malformed.detail, 0)?,
                (Ok(_), None) => return Err(PyValueError::new_err("the orders are not answered yet")),
            };
            list.append(result)?;
        }
        Ok(list)
    }

    fn __len__(&self) -> usize {
        self.inner.state().entries.len()
    }
}

fn refused<'py>(py: Python<'py>, slug: &str, detail: &str, other: u64) -> PyResult<Bound<'py, PyAny>> {
    Ok((slug, detail, other).into_pyobject(py)?.into_any())
}
