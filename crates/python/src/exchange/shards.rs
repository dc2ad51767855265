//! What an exchange with shards has besides: its events as a stream, its counters, and the door for those who await answers.

use super::Exchange;
use super::answer::Question;
use super::counters::ShardCounters;
use super::sharded::Answer;
use super::stream::EventStream;
use crate::arguments::Argument;
use crate::errors::Failure;
use aeromatch_engine::collector::Done;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

#[pymethods]
impl Exchange {
    /// Every event from a sequence number on, then those that come: needs shards.
    ///
    /// Arguments:
    ///     from_sequence: The number of the first command whose events are wanted, of every shard; or a tuple with one
    ///         for each, such as an earlier stream's `position`. 0 and 1 are the beginning.
    ///
    /// Returns:
    ///     A stream with a place of its own, for one thread at a time.
    ///
    /// Raises:
    ///     TypeError: `from_sequence` is neither an int nor a tuple of int.
    ///     ValueError: A number does not fit or is beyond the next command, or there are not as many as shards.
    ///     StreamLagged: The exchange is in memory and has those events no more.
    ///     JournalError: The journal cannot be read.
    ///     AeroMatchError: The exchange has no shards, or it was closed.
    #[pyo3(signature = (from_sequence=None), text_signature = "($self, from_sequence=0)")]
    fn stream(&self, py: Python<'_>, from_sequence: Argument<'_, '_>) -> PyResult<EventStream> {
        EventStream::open(py, &self.handle, from_sequence)
    }

    /// What each shard has done since it was opened.
    ///
    /// Returns:
    ///     A list of ShardCounters, by shard; empty where there are no shards.
    ///
    /// Raises:
    ///     AeroMatchError: The exchange was closed.
    fn counters(&self, py: Python<'_>) -> PyResult<Vec<ShardCounters>> {
        let Some(core) = &self.handle.core else { return Ok(Vec::new()) };
        let counters = core.counters().map_err(|failure| failure.into_py(py))?;
        Ok(counters.iter().enumerate().map(|(shard, counters)| ShardCounters::new(shard, counters)).collect())
    }

    /// The samples of batches that the shards have taken since the last call.
    ///
    /// Returns:
    ///     An array of SAMPLE_DTYPE, by shard.
    fn _samples<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let bytes = match &self.handle.core {
            Some(core) => core.samples().map_err(|failure| failure.into_py(py))?,
            None => Vec::new(),
        };
        let dtype = py.import("aeromatch.market.records")?.getattr("SAMPLE_DTYPE")?;
        py.import("numpy")?.call_method1("frombuffer", (PyBytes::new(py, &bytes), dtype))
    }

    /// Another way to the same exchange, for one thread more: needs shards.
    ///
    /// An exchange, and each of its ports, is used by one thread at a time. Commands of one port are applied in its
    /// order if one shard takes them, those of two in any. Closing a port gives up this way only; closing the exchange
    /// ends its ports.
    ///
    /// Returns:
    ///     The exchange with everything that it has, as another object; also a context manager.
    ///
    /// Raises:
    ///     AeroMatchError: The exchange has no shards, or it was closed.
    fn port(&self, py: Python<'_>) -> PyResult<Exchange> {
        // The shards answer, which may take time.
        py.detach(|| self.handle.another()).map(Exchange::over).map_err(|failure| failure.into_py(py))
    }

    /// A port whose commands return tickets, None where there is no room: `_answers` gives what came of them.
    ///
    /// Returns:
    ///     An exchange to be used by one thread, beside the first one.
    fn _door(&self, py: Python<'_>) -> PyResult<Exchange> {
        let handle = py.detach(|| self.handle.another()).map_err(|failure| failure.into_py(py))?;
        Ok(Exchange { answers_later: true, ..Exchange::over(handle) })
    }

    /// Takes no more commands, from any port: the first step of `close`, which may have to wait for answers.
    fn _begin_close(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.handle.core.as_ref().ok_or(Failure::NoShards("_begin_close"));
        core.and_then(|core| py.detach(|| core.begin_close())).map_err(|failure| failure.into_py(py))
    }

    /// What becomes readable when a door has answers, once `_answers` has said that there are no more.
    ///
    /// Returns:
    ///     A file descriptor.
    fn _fileno(&self, py: Python<'_>) -> PyResult<i32> {
        self.with(py, |machine| machine.door()?.ok_or(Failure::NoShards("_fileno"))?.descriptor())
    }

    /// What came of a door's commands since the last call.
    ///
    /// Returns:
    ///     A list of tickets with a Report, a Receipt or the exception to raise.
    fn _answers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let answers = self.with(py, |machine| {
            let answers = machine.door()?.ok_or(Failure::NoShards("_answers"))?.answers()?;
            if answers.iter().any(|answer| matches!(answer.question, Question::Admin(_))) {
                machine.catch_up(self.directory())?;
            }
            Ok(answers)
        })?;
        let list = PyList::empty(py);
        for Answer { ticket, question, result } in answers {
            list.append((ticket, answered(py, question, result)?))?;
        }
        Ok(list)
    }
}

/// What Python gets to see of an answer.
fn answered(py: Python<'_>, question: Question, result: Result<Done, Failure>) -> PyResult<Py<PyAny>> {
    let done = match result {
        Ok(done) => done,
        Err(failure) => return Ok(failure.into_py(py).into_value(py).into_any()),
    };
    Ok(match question {
        Question::Order(question) => Py::new(py, question.report(done))?.into_any(),
        Question::Admin(question) => Py::new(py, question.receipt(done.events))?.into_any(),
        Question::Batch { batch, group } => {
            batch.answer(group, done);
            py.None()
        }
    })
}
