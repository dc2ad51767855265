//! `aeromatch.Shards` as the runtime takes it. What may be in it the runtime says; here are only its types.

use crate::arguments::{text, unsigned};
use crate::enums::type_name;
use aeromatch_runtime::ShardOptions;
use aeromatch_runtime::idle::Idle;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PySequence};

/// Most shards of an exchange.
const MAX_SHARDS: u64 = 1024;
/// Highest number of a processor that there may be anywhere.
const MAX_CORE: u64 = 65_535;

/// How many shards are wanted, and how they are to be run.
#[derive(Default)]
pub struct Wanted {
    /// `None`: as many as there are already, else one.
    count: Option<u16>,
    options: ShardOptions,
}

impl Wanted {
    /// The argument `shards`: a number, or `aeromatch.Shards`.
    pub fn read(shards: &Bound<'_, PyAny>) -> PyResult<Wanted> {
        if shards.is_instance_of::<PyInt>() && !shards.is_instance_of::<PyBool>() {
            let count = Some(unsigned(shards, "shards", 1, MAX_SHARDS)? as u16);
            return Ok(Wanted { count, options: ShardOptions::default() });
        }
        if shards.getattr_opt("published_levels")?.is_none() {
            let problem = format!("shards must be None, an int or aeromatch.Shards, not {}", type_name(shards));
            return Err(PyTypeError::new_err(problem));
        }
        let field = |name: &str| shards.getattr(name);
        let size = |name: &str| Ok::<_, PyErr>(unsigned(&field(name)?, name, 0, u64::from(u32::MAX))? as usize);
        let is_set = |name: &str| -> PyResult<bool> { wrong(name, "a bool", &field(name)?, |value| value.extract()) };
        let count = Some(field("count")?).filter(|count| !count.is_none());
        let cores = Some(field("cores")?).filter(|cores| !cores.is_none());
        let cores = cores.map(|cores| numbers(&cores, "cores"));
        let options = ShardOptions {
            shards: 1,
            cores: cores.transpose()?.unwrap_or_default(),
            idle: idle(&field("idle")?)?,
            intake_capacity: size("intake_capacity")?,
            window: size("window")?,
            batch_commands: size("batch_commands")?,
            stream_events: size("stream_events")?,
            published_levels: size("published_levels")?,
            stamp_time: is_set("stamp_time")?,
            huge_pages: is_set("huge_pages")?,
            groups: places(&field("groups")?, "groups")?,
            instruments: places(&field("instruments")?, "instruments")?,
            samples: size("samples")?,
        };
        let count = count.map(|count| unsigned(&count, "count", 1, MAX_SHARDS)).transpose()?;
        Ok(Wanted { count: count.map(|count| count as u16), options })
    }

    /// The number itself, where there are that many already or none.
    pub fn options(self, found: Option<u16>) -> ShardOptions {
        ShardOptions { shards: self.count.or(found).unwrap_or(1), ..self.options }
    }
}

/// A value of a type, or an error that names the argument.
fn wrong<'py, T>(
    argument: &str,
    expected: &str,
    value: &Bound<'py, PyAny>,
    extract: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<T> {
    extract(value).map_err(|_| PyTypeError::new_err(format!("{argument} must be {expected}, not {}", type_name(value))))
}

fn idle(value: &Bound<'_, PyAny>) -> PyResult<Idle> {
    let word: String = wrong("idle", "a str", value, |value| value.extract())?;
    Idle::from_slug(&word).ok_or_else(|| {
        let known: Vec<String> = Idle::ALL.iter().map(|known| format!("'{}'", known.slug())).collect();
        PyValueError::new_err(format!("idle must be one of {}; got {word:?}", known.join(", ")))
    })
}

/// Whole numbers, one after the other.
fn numbers(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Vec<usize>> {
    let numbers = wrong(argument, "a sequence of int", value, |value| Ok(value.cast::<PySequence>()?.clone()))?;
    let number =
        |place| Ok(unsigned(&numbers.get_item(place)?, &format!("{argument}[{place}]"), 0, MAX_CORE)? as usize);
    (0..numbers.len()?).map(number).collect()
}

/// Names and the shards that they are to live on.
fn places(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Vec<(String, u16)>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    let expected = "a dict of names and numbers of shards";
    let places = PyDict::new(value.py());
    wrong(argument, expected, value, |value| places.update(value.cast()?))?;
    let pairs = places.iter().map(|(name, shard)| {
        let name = text(&name, &format!("a name in {argument}"))?.to_owned();
        let shard = unsigned(&shard, &format!("{argument}[{name:?}]"), 0, MAX_SHARDS - 1)?;
        Ok((name, shard as u16))
    });
    pairs.collect()
}
