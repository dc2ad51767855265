//! The native half of the `aeromatch` package: the only crate that knows Python.

mod arguments;
mod decimal;
mod enums;
mod errors;
mod instrument;
mod names;

use pyo3::prelude::*;

/// Native half of `aeromatch`; import the package, not this module.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    enums::register(module)?;
    errors::register(module)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<instrument::Instrument>()?;
    Ok(())
}
