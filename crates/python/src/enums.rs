//! The words of the public interface as Python enums: made once, from the engine's tables, when the module is loaded.
//!
//! They are `enum.StrEnum`s that say they live in `aeromatch`, so they pickle by that name and print as their slugs. A member
//! is created once and handed out by reference: `report.status is OrderStatus.FILLED`.

use aeromatch_engine::codes::{
    AdminKind, CancelReason, CommandKind, CreatedKind, EventKind, Matching, OrderType, Phase, RejectReason,
    SelfTradePrevention, SettlementMode, Side, TimeInForce,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// An order's status after the whole command (R9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OrderStatus {
    Dormant = 0,
    Open = 1,
    PartiallyFilled = 2,
    Filled = 3,
    Canceled = 4,
    Rejected = 5,
}

impl OrderStatus {
    const ALL: &[OrderStatus] = &[
        OrderStatus::Dormant,
        OrderStatus::Open,
        OrderStatus::PartiallyFilled,
        OrderStatus::Filled,
        OrderStatus::Canceled,
        OrderStatus::Rejected,
    ];

    const fn code(self) -> u8 {
        self as u8
    }

    pub const fn slug(self) -> &'static str {
        match self {
            OrderStatus::Dormant => "dormant",
            OrderStatus::Open => "open",
            OrderStatus::PartiallyFilled => "partially_filled",
            OrderStatus::Filled => "filled",
            OrderStatus::Canceled => "canceled",
            OrderStatus::Rejected => "rejected",
        }
    }

    fn from_slug(slug: &str) -> Option<OrderStatus> {
        OrderStatus::ALL.iter().copied().find(|status| status.slug() == slug)
    }
}

/// An enum that Python sees.
pub trait Word: Copy + 'static {
    const NAME: &'static str;
    const DOC: &'static str;
    const PLACE: usize;
    fn all() -> &'static [Self];
    fn number(self) -> u8;
    fn word(self) -> &'static str;
    fn from_word(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($($place:literal $name:ident $doc:literal,)+) => {
        $(impl Word for $name {
            const NAME: &'static str = stringify!($name);
            const DOC: &'static str = $doc;
            const PLACE: usize = $place;
            fn all() -> &'static [Self] { $name::ALL }
            #[inline]
            fn number(self) -> u8 { self.code() }
            #[inline]
            fn word(self) -> &'static str { self.slug() }
            #[inline]
            fn from_word(word: &str) -> Option<Self> { $name::from_slug(word) }
        })+

        fn make_all(py: Python<'_>) -> PyResult<Vec<Made>> {
            Ok(vec![$(make::<$name>(py)?,)+])
        }
    };
}

words! {
    0 Side "Side of an order or a price level.",
    1 OrderType "What an order does on arrival (R11, R12), or once its stop price is reached (R15).",
    2 TimeInForce "How long an order lives (R17 to R20).",
    3 SelfTradePrevention "What happens where two orders of one owner would trade (R25).",
    4 Phase "Trading phase of a book (R26).",
    5 OrderStatus "An order's status after the whole command (R9).",
    6 EventKind "What happened (R7).",
    7 RejectReason "Why a command was rejected, in order of precedence (R8).",
    8 CancelReason "Why an order, or what was left of it, was canceled (R8).",
    9 CommandKind "What a command asks for (docs/records.md).",
    10 Matching "How a price level's orders share what an aggressor takes (R29).",
    13 AdminKind "What a command to an exchange asks for, beyond the orders of one book (docs/records.md).",
    12 CreatedKind "What a `created` event says was made (R7).",
    13 SettlementMode "How an event market was settled (R32).",
}

/// One finished enum: its class and its members by code.
struct Made {
    class: Py<PyAny>,
    name: &'static str,
    members: Vec<Option<Py<PyAny>>>,
    codes: Vec<(&'static str, u8)>,
}

static ENUMS: PyOnceLock<Vec<Made>> = PyOnceLock::new();

fn make<W: Word>(py: Python<'_>) -> PyResult<Made> {
    let pairs: Vec<(String, &str)> = W::all().iter().map(|w| (w.word().to_uppercase(), w.word())).collect();
    let options = PyDict::new(py);
    options.set_item("module", "aeromatch")?;
    options.set_item("qualname", W::NAME)?;
    let class = py.import("enum")?.getattr("StrEnum")?.call((W::NAME, pairs), Some(&options))?;
    class.setattr("__doc__", W::DOC)?;
    let mut members: Vec<Option<Py<PyAny>>> = Vec::new();
    for word in W::all() {
        let place = usize::from(word.number());
        members.resize_with(members.len().max(place + 1), || None);
        members[place] = Some(class.call1((word.word(),))?.unbind());
    }
    let codes = W::all().iter().map(|w| (w.word(), w.number())).collect();
    Ok(Made { class: class.unbind(), name: W::NAME, members, codes })
}

/// Adds the enums, and `CODES` (enum name to slug to the byte of a record), to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let tables = PyDict::new(py);
    for made in ENUMS.get_or_try_init(py, || make_all(py))? {
        module.add(made.name, made.class.clone_ref(py))?;
        let codes = PyDict::new(py);
        for (slug, code) in &made.codes {
            codes.set_item(slug, code)?;
        }
        tables.set_item(made.name, codes)?;
    }
    module.add("CODES", tables)
}

/// The Python member of a value; `None` before the module is loaded, which nothing can observe.
#[inline]
pub fn member<W: Word>(py: Python<'_>, word: W) -> Py<PyAny> {
    ENUMS
        .get(py)
        .and_then(|enums| enums[W::PLACE].members.get(usize::from(word.number())))
        .and_then(|member| member.as_ref())
        .map_or_else(|| py.None(), |member| member.clone_ref(py))
}

/// The member of a record's byte, `None` where there is none.
pub fn member_of<W: Word>(py: Python<'_>, word: Option<W>) -> Py<PyAny> {
    word.map_or_else(|| py.None(), |word| member(py, word))
}

/// Reads an enum member or its slug from Python.
#[inline]
pub fn parse<W: Word>(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<W> {
    let Ok(text) = value.cast::<PyString>() else { return Err(wrong_type::<W>(value, argument)) };
    text.to_str().ok().and_then(W::from_word).ok_or_else(|| unknown::<W>(text, argument))
}

#[cold]
fn wrong_type<W: Word>(value: &Bound<'_, PyAny>, argument: &str) -> PyErr {
    PyTypeError::new_err(format!("{argument} must be a {} or its str, not {}", W::NAME, type_name(value)))
}

#[cold]
fn unknown<W: Word>(text: &Bound<'_, PyString>, argument: &str) -> PyErr {
    let known: Vec<String> = W::all().iter().map(|w| format!("'{}'", w.word())).collect();
    PyValueError::new_err(format!("{argument} must be one of {}; got {:?}", known.join(", "), text.to_string_lossy()))
}

/// A type's name, for messages.
///
/// Not by the name's `Display`: that calls `str()`, which looks for signals, and drops the KeyboardInterrupt it finds.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "object".to_string(), |name| name.to_string_lossy().into_owned())
}
