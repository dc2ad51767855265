//! Histograms of times and depths: every value to so many significant digits, in memory that does not grow with their
//! number (HDR, High Dynamic Range).
//!
//! Bytes of one, version 1: `AMHG`, version u8, significant digits u8, then for each value that occurs, in ascending
//! order, two numbers: how far it is above the one before, and how often it occurs. Numbers are in groups of seven bits,
//! the lowest first, the top bit set in all groups but the last. The order and the shortest form are demanded, so that
//! equal histograms have equal bytes.

use crate::enums::type_name;
use hdrhistogram::Histogram as Recorded;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};
use std::sync::{Mutex, MutexGuard};

const MAGIC: &[u8; 4] = b"AMHG";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 6;
const LARGEST: u64 = (1 << 62) - 1;
/// More than this stands for a mistaken interval, and would take long to record.
const MOST_OMITTED: u64 = 100_000_000;
const VALUE_BYTES: usize = 8;
/// What a value of two's complement has set where it is negative.
const SIGN: u64 = 1 << 63;

/// How often each value occurred, to so many significant digits; values are whole numbers from 0 to 2^62 - 1.
///
/// Arguments:
///     significant_digits: 1 to 5; a value is known to one part in ten to this power.
///
/// Raises:
///     ValueError: Another number of digits.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct Histogram {
    recorded: Mutex<Recorded<u64>>,
}

impl From<Recorded<u64>> for Histogram {
    fn from(recorded: Recorded<u64>) -> Histogram {
        Histogram { recorded: Mutex::new(recorded) }
    }
}

impl Histogram {
    fn lock(&self) -> PyResult<MutexGuard<'_, Recorded<u64>>> {
        self.recorded.lock().map_err(|_| PyRuntimeError::new_err("an earlier call ended half-way"))
    }
}

#[pymethods]
impl Histogram {
    #[new]
    #[pyo3(signature = (*, significant_digits=3))]
    fn new(significant_digits: u8) -> PyResult<Histogram> {
        Ok(Histogram::from(empty(significant_digits).map_err(PyValueError::new_err)?))
    }

    /// Counts a value.
    ///
    /// Arguments:
    ///     value: From 0 to 2^62 - 1.
    ///     count: How often.
    ///
    /// Raises:
    ///     ValueError: A larger value.
    #[pyo3(signature = (value, /, count=1))]
    fn record(&self, value: u64, count: u64) -> PyResult<()> {
        put(&mut *self.lock()?, value, 0, count)
    }

    /// Counts a value, and those that were not measured because it took so long (coordinated omission).
    ///
    /// Who measures every `interval` and was held up for `value` would also have measured `value` less one interval,
    /// less two, and so on down to one.
    ///
    /// Arguments:
    ///     value: From 0 to 2^62 - 1.
    ///     interval: Between two measurements that nothing holds up, in the value's unit; 0 adds none.
    ///     count: How often.
    ///
    /// Raises:
    ///     ValueError: A larger value, or one that left out more than 10^8 measurements.
    #[pyo3(signature = (value, interval, /, count=1))]
    fn record_correct(&self, value: u64, interval: u64, count: u64) -> PyResult<()> {
        put(&mut *self.lock()?, value, interval, count)
    }

    /// Counts each value of an array; all or, where one is refused, none.
    ///
    /// Arguments:
    ///     values: Whole numbers of 64 bits, as in an array of NumPy's uint64 or int64.
    ///     interval: As in `record_correct`; 0 adds no values.
    ///
    /// Raises:
    ///     TypeError: Not an array of such numbers.
    ///     ValueError: One is out of range.
    #[pyo3(signature = (values, /, *, interval=0))]
    fn record_many(&self, py: Python<'_>, values: &Bound<'_, PyAny>, interval: u64) -> PyResult<()> {
        let bytes = words(values)?;
        let bytes = bytes.as_bytes();
        let each =
            || bytes.chunks_exact(VALUE_BYTES).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
        for (place, value) in each().enumerate() {
            if value & SIGN != 0 || value > LARGEST {
                return Err(PyValueError::new_err(format!("values: number {place} is not in 0 .. 2^62 - 1")));
            }
            check_omitted(value, interval)?;
        }
        py.detach(|| {
            let mut recorded = self.lock()?;
            each().try_for_each(|value| put(&mut recorded, value, interval, 1))
        })
    }

    /// Adds all that another one counted. The digits of this one stay.
    ///
    /// Arguments:
    ///     other: May be this one.
    #[pyo3(signature = (other, /))]
    fn merge(&self, other: &Histogram) -> PyResult<()> {
        // Copied first: two locks at once could wait for each other.
        let added = other.lock()?.clone();
        self.lock()?.add(&added).map_err(refused)
    }

    /// The value that so many percent of all do not exceed; 0 where nothing was counted.
    ///
    /// Arguments:
    ///     percent: 0 to 100.
    ///
    /// Raises:
    ///     ValueError: Another number.
    #[pyo3(signature = (percent, /))]
    fn percentile(&self, percent: f64) -> PyResult<u64> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(PyValueError::new_err(format!("percent must be in 0 .. 100, not {percent}")));
        }
        Ok(self.lock()?.value_at_percentile(percent))
    }

    /// How many values were counted.
    #[getter]
    fn count(&self) -> PyResult<u64> {
        Ok(self.lock()?.len())
    }

    /// The smallest value, 0 where nothing was counted.
    #[getter]
    fn min(&self) -> PyResult<u64> {
        Ok(self.lock()?.min())
    }

    /// The largest value, 0 where nothing was counted.
    #[getter]
    fn max(&self) -> PyResult<u64> {
        Ok(self.lock()?.max())
    }

    /// The mean, 0 where nothing was counted.
    #[getter]
    fn mean(&self) -> PyResult<f64> {
        Ok(self.lock()?.mean())
    }

    /// How many digits of a value are known.
    #[getter]
    fn significant_digits(&self) -> PyResult<u8> {
        Ok(self.lock()?.sigfig())
    }

    /// Each value that occurs, as the largest that is not told apart from it, and how often it occurs; ascending.
    fn recorded(&self) -> PyResult<Vec<(u64, u64)>> {
        let recorded = self.lock()?;
        let found = recorded.iter_recorded();
        Ok(found.map(|step| (recorded.highest_equivalent(step.value_iterated_to()), step.count_at_value())).collect())
    }

    /// All of it as bytes, a few for each value that occurs; equal histograms have equal bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &encode(&*self.lock()?)))
    }

    /// The histogram that was made bytes.
    ///
    /// Arguments:
    ///     data: What `to_bytes` gave.
    ///
    /// Raises:
    ///     ValueError: It is nothing of this kind, damaged, or of a version that this one does not know.
    #[staticmethod]
    #[pyo3(signature = (data, /))]
    fn from_bytes(data: &[u8]) -> PyResult<Histogram> {
        decode(data).map(Histogram::from).map_err(|problem| PyValueError::new_err(format!("data: {problem}")))
    }

    fn __repr__(&self) -> PyResult<String> {
        let recorded = self.lock()?;
        let (count, median) = (recorded.len(), recorded.value_at_percentile(50.0));
        Ok(format!("Histogram(count={count}, median={median}, max={})", recorded.max()))
    }
}

fn empty(significant_digits: u8) -> Result<Recorded<u64>, String> {
    if !(1..=5).contains(&significant_digits) {
        return Err(format!("significant_digits must be in 1 .. 5, not {significant_digits}"));
    }
    Recorded::new(significant_digits).map_err(|error| error.to_string())
}

fn refused(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn check_omitted(value: u64, interval: u64) -> PyResult<()> {
    match value.checked_div(interval) {
        Some(omitted) if omitted > MOST_OMITTED => Err(PyValueError::new_err(format!(
            "interval: {value} leaves out {omitted} measurements of every {interval}"
        ))),
        _ => Ok(()),
    }
}

fn put(recorded: &mut Recorded<u64>, value: u64, interval: u64, count: u64) -> PyResult<()> {
    if value > LARGEST {
        return Err(PyValueError::new_err(format!("value must be in 0 .. 2^62 - 1, not {value}")));
    }
    check_omitted(value, interval)?;
    recorded.record_n_correct(value, count, interval).map_err(refused)
}

/// A copy of an array's numbers, wherever in memory they stand: it may be a column of a table.
fn words<'py>(values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let problem = || {
        let found = type_name(values);
        PyTypeError::new_err(format!("values must be an array of whole numbers of 64 bits, not {found}"))
    };
    let view = PyMemoryView::from(values).map_err(|_| problem())?;
    let format: String = view.getattr("format")?.extract()?;
    let item_bytes: usize = view.getattr("itemsize")?.extract()?;
    // In a table a number need not be aligned, which NumPy says with a sign in front.
    let native = if cfg!(target_endian = "little") { "@=^<" } else { "@=^>" };
    let kind = format.trim_start_matches(|sign| native.contains(sign));
    if item_bytes != VALUE_BYTES || !matches!(kind, "Q" | "L" | "q" | "l") {
        return Err(problem());
    }
    Ok(view.call_method0("tobytes")?.cast_into()?)
}

fn encode(recorded: &Recorded<u64>) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([VERSION, recorded.sigfig()]);
    let mut before = 0;
    for step in recorded.iter_recorded() {
        let value = recorded.lowest_equivalent(step.value_iterated_to());
        put_number(&mut bytes, value - before);
        put_number(&mut bytes, step.count_at_value());
        before = value;
    }
    bytes
}

fn decode(bytes: &[u8]) -> Result<Recorded<u64>, String> {
    let Some((header, mut rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err("too short for a histogram".to_string());
    };
    if &header[..4] != MAGIC {
        return Err("not a histogram".to_string());
    }
    if header[4] != VERSION {
        return Err(format!("a histogram of version {}, this one knows {VERSION}", header[4]));
    }
    let mut recorded = empty(header[5])?;
    let mut before = None;
    while !rest.is_empty() {
        let damaged = || format!("damaged at byte {}", bytes.len() - rest.len());
        let (step, after_value) = take_number(rest).ok_or_else(damaged)?;
        let (count, after_count) = take_number(after_value).ok_or_else(damaged)?;
        let value = before.unwrap_or(0u64).checked_add(step).filter(|&value| value <= LARGEST).ok_or_else(damaged)?;
        if count == 0 || (before.is_some() && step == 0) || recorded.lowest_equivalent(value) != value {
            return Err(damaged());
        }
        recorded.len().checked_add(count).ok_or_else(damaged)?;
        recorded.record_n(value, count).map_err(|_| damaged())?;
        before = Some(value);
        rest = after_count;
    }
    Ok(recorded)
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The first number, and what follows it; `None` where it has no end, is too large, or is not in its shortest form.
fn take_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (place, &byte) in bytes.iter().take(10).enumerate() {
        let group = u64::from(byte & 0x7f);
        if place == 9 && byte > 1 {
            return None;
        }
        number |= group << (7 * place);
        if byte & 0x80 == 0 {
            let is_shortest = byte != 0 || place == 0;
            return is_shortest.then_some((number, &bytes[place + 1..]));
        }
    }
    None
}
