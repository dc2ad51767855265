//! Reading what Python passes: each function takes the argument's name, so that an error can say which one it was.
//!
//! A wrong type is a TypeError, unreadable text a ValueError. A number that is well-formed but impossible is no exception:
//! the caller turns it into a rejection (R9).

use crate::decimal::{Grid, Number};
use crate::enums::type_name;
use crate::errors::Failure;
use crate::names::Names;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyType};

/// An argument that may be left out.
pub type Argument<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// `decimal.Decimal`.
pub fn decimal_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    DECIMAL.import(py, "decimal", "Decimal")
}

/// The exact Decimal of so many ticks or lots.
#[inline]
pub fn to_decimal<'py>(py: Python<'py>, grid: Grid, steps: i128) -> PyResult<Bound<'py, PyAny>> {
    match grid.text(steps) {
        Some(text) => decimal_type(py)?.call1((text.as_str(),)),
        None => product(py, steps, &[grid]),
    }
}

/// A Decimal as a repr shows it: in full, where `str` would write 0E-8 for nothing of an asset with eight decimals.
pub fn amount(decimal: &Bound<'_, PyAny>) -> PyResult<String> {
    decimal.call_method1("__format__", ("f",))?.extract()
}

/// The exact Decimal of a count times the steps of some grids, whatever its size: notionals and sums.
pub fn product<'py>(py: Python<'py>, count: i128, grids: &[Grid]) -> PyResult<Bound<'py, PyAny>> {
    let mut digits = count.into_pyobject(py)?.into_any();
    for grid in grids {
        digits = digits.mul(grid.mantissa())?;
    }
    let places: u32 = grids.iter().map(|grid| grid.scale()).sum();
    decimal_type(py)?.call1((format!("{}e-{places}", digits.str()?.to_str()?),))
}

/// An amount: Decimal, str, int or float.
#[inline]
pub fn number(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Number> {
    if let Ok(text) = value.cast::<PyString>() {
        return text.to_str().ok().and_then(|text| Number::parse(text).ok()).ok_or_else(|| no_number(text, argument));
    }
    if value.is_instance_of::<PyBool>() {
        return Err(wrong_amount(value, argument));
    }
    if value.is_instance_of::<PyInt>() {
        return integer(value);
    }
    if value.is_instance_of::<PyFloat>() {
        return Ok(Number::from_float(value.extract()?));
    }
    if value.is_instance(decimal_type(value.py())?)? {
        let text = value.str()?;
        return Number::parse(text.to_str()?).map_err(|_| no_number(&text, argument));
    }
    match index(value)? {
        Some(whole) => integer(&whole),
        None => Err(wrong_amount(value, argument)),
    }
}

/// What `str()` shows of a value, for messages. Never by its `Display`, which drops a KeyboardInterrupt on the way.
pub fn shown(value: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(value.str()?.to_string_lossy().into_owned())
}

/// Whole numbers, also those that are no `int`, such as NumPy's, by their `__index__`.
fn index<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if value.is_exact_instance_of::<PyInt>() {
        Ok(Some(value.clone()))
    } else if value.hasattr("__index__")? && !is_numpy_bool(value) {
        value.call_method0("__index__").map(Some)
    } else {
        Ok(None)
    }
}

fn is_numpy_bool(value: &Bound<'_, PyAny>) -> bool {
    type_name(value).starts_with("bool")
}

fn integer(value: &Bound<'_, PyAny>) -> PyResult<Number> {
    if let Ok(small) = value.extract::<i64>() {
        return Ok(Number::from_integer(i128::from(small)));
    }
    match value.extract::<i128>() {
        Ok(large) => Ok(Number::from_integer(large)),
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => Ok(Number::Unrepresentable),
        Err(error) => Err(error),
    }
}

#[cold]
fn no_number(text: &Bound<'_, PyString>, argument: &str) -> PyErr {
    PyValueError::new_err(format!("{argument} is no decimal number: {:?}", text.to_string_lossy()))
}

#[cold]
fn wrong_amount(value: &Bound<'_, PyAny>, argument: &str) -> PyErr {
    PyTypeError::new_err(format!("{argument} must be a Decimal, str, int or float, not {}", type_name(value)))
}

/// A whole number of any size: `Some` where it is in 0 .. 2^64 - 1.
#[inline]
pub fn maybe_unsigned(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<Option<u64>> {
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return match value.extract::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => Ok(None),
            Err(error) => Err(error),
        };
    }
    match index(value)? {
        Some(whole) if !value.is_instance_of::<PyBool>() => maybe_unsigned(&whole, argument),
        _ => Err(PyTypeError::new_err(format!("{argument} must be an int, not {}", type_name(value)))),
    }
}

/// A whole number in `low ..= high`.
pub fn unsigned(value: &Bound<'_, PyAny>, argument: &str, low: u64, high: u64) -> PyResult<u64> {
    match maybe_unsigned(value, argument)? {
        Some(number) if (low..=high).contains(&number) => Ok(number),
        _ => Err(PyValueError::new_err(format!("{argument} must be in {low} .. {high}, not {}", shown(value)?))),
    }
}

/// A whole number of 64 bits with a sign.
pub fn signed(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<i64> {
    let whole = index(value)?.filter(|_| !value.is_instance_of::<PyBool>());
    let Some(whole) = whole else {
        return Err(PyTypeError::new_err(format!("{argument} must be an int, not {}", type_name(value))));
    };
    match whole.extract::<i64>() {
        Ok(number) => Ok(number),
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            Err(PyValueError::new_err(format!("{argument} must fit 64 bits with a sign, not {}", shown(value)?)))
        }
        Err(error) => Err(error),
    }
}

/// An optional whole number, 0 where it is absent.
#[inline]
pub fn unsigned_or_zero(value: Option<&Bound<'_, PyAny>>, argument: &str) -> PyResult<u64> {
    value.map_or(Ok(0), |value| unsigned(value, argument, 0, u64::MAX))
}

/// An order's id for a look-up: what no order can have becomes an id that none has.
pub fn order_id(value: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    let Some(value) = value else { return Ok(0) };
    Ok(maybe_unsigned(value, "order_id")?.filter(|&id| id != 0).unwrap_or(u64::MAX))
}

/// Text, as its UTF-8 bytes.
pub fn text<'a>(value: &'a Bound<'_, PyAny>, argument: &str) -> PyResult<&'a str> {
    let Ok(text) = value.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!("{argument} must be a str, not {}", type_name(value))));
    };
    text.to_str().map_err(|_| PyValueError::new_err(format!("{argument} is not valid Unicode")))
}

/// What an account argument names.
pub enum Account<'a> {
    Nobody,
    Number(u32),
    Name(&'a str),
}

impl<'a> Account<'a> {
    /// Reads an account's name, its number, or nothing.
    #[inline]
    pub fn parse(value: Option<&'a Bound<'_, PyAny>>) -> PyResult<Account<'a>> {
        let Some(value) = value else { return Ok(Account::Nobody) };
        if let Ok(name) = value.cast::<PyString>() {
            let name = name.to_str().map_err(|_| PyValueError::new_err("account is not valid Unicode"))?;
            return if name.is_empty() {
                Err(PyValueError::new_err("account must not be empty; leave it out for no account"))
            } else {
                Ok(Account::Name(name))
            };
        }
        if !value.is_instance_of::<PyInt>() && index(value)?.is_none() {
            let problem = format!("account must be a str (a name) or an int (a number), not {}", type_name(value));
            return Err(PyTypeError::new_err(problem));
        }
        let number = unsigned(value, "account", 1, u64::from(u32::MAX))?;
        Ok(Account::Number(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// The number that commands carry.
    #[inline]
    pub fn number(&self, names: &Names) -> PyResult<u32> {
        match *self {
            Account::Nobody => Ok(0),
            Account::Number(number) => Ok(number),
            Account::Name(name) => {
                names.number(name).ok_or_else(|| PyValueError::new_err("account: no number is left"))
            }
        }
    }

    /// The number for a read: `None` for a name that no command has used.
    ///
    /// # Errors
    /// UnknownNameError where only commands make accounts, and none has made this one.
    pub fn known(&self, py: Python<'_>, names: &Names) -> PyResult<Option<u32>> {
        match *self {
            Account::Nobody => Ok(Some(0)),
            Account::Number(number) => Ok(Some(number)),
            Account::Name(name) => match names.find(name) {
                None if names.is_registered() => Err(Failure::UnknownName("account", name.to_string()).into_py(py)),
                number => Ok(number),
            },
        }
    }
}
