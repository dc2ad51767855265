//! The native half of the `aeromatch` package: the only crate that knows Python.

mod admission;
mod arguments;
mod batch;
mod bench;
mod bench_runtime;
mod book;
mod book_view;
mod buffer;
mod container;
mod counting;
mod decimal;
mod enums;
mod errors;
mod events;
mod exchange;
mod feed;
mod histogram;
mod indicative;
mod instrument;
mod itch;
mod journal;
mod lab;
mod lens;
mod levels;
mod names;
mod orders;
mod report;
mod rules;
mod scope;
mod settlement;
mod state;
mod tracker;
mod views;
#[cfg(target_os = "linux")]
mod wire;

use pyo3::prelude::*;

/// Native half of `aeromatch`; import the package, not this module.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    enums::register(module)?;
    errors::register(module)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<instrument::Instrument>()?;
    module.add_class::<book_view::BookView>()?;
    module.add_class::<book::OrderBook>()?;
    module.add_class::<report::Report>()?;
    module.add_class::<events::Event>()?;
    module.add_class::<events::Trade>()?;
    module.add_class::<levels::Level>()?;
    module.add_class::<levels::LevelChange>()?;
    module.add_class::<levels::Depth>()?;
    module.add_class::<views::Order>()?;
    module.add_class::<views::Statistics>()?;
    module.add_class::<indicative::Indicative>()?;
    module.add_class::<admission::Admission>()?;
    module.add_class::<admission::AdmissionRefusal>()?;
    module.add_class::<histogram::Histogram>()?;
    module.add_class::<buffer::EventBuffer>()?;
    module.add_class::<buffer::ChangeBuffer>()?;
    module.add_class::<tracker::OrderTracker>()?;
    exchange::register(module)?;
    #[cfg(target_os = "linux")]
    module.add_class::<wire::BinaryServer>()?;
    module.add_class::<feed::DepthReader>()?;
    module.add_class::<feed::DepthDiffer>()?;
    itch::register(module)?;
    journal::register(module)?;
    lab::register(module)?;
    module.add_function(wrap_pyfunction!(batch::register_events, module)?)?;
    module.add_function(wrap_pyfunction!(bench::bench_depth, module)?)?;
    module.add_function(wrap_pyfunction!(bench::bench_native, module)?)?;
    module.add_function(wrap_pyfunction!(bench::empty_call, module)?)?;
    module.add_function(wrap_pyfunction!(bench_runtime::ring::bench_handoff, module)?)?;
    module.add_function(wrap_pyfunction!(bench_runtime::ring::bench_round_trip, module)?)?;
    module.add_class::<bench_runtime::shards::ShardBench>()?;
    Ok(())
}
