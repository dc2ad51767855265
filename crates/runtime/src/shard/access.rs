//! How a thread that owns something lends it out between two pieces of work.
//!
//! The owner keeps it to itself, without a lock, and looks at one flag once a round. Where somebody asks, it puts it in a place
//! that a mutex guards, lets as many have it as had asked by then, in order, and takes it back: so neither those who ask nor
//! the owner wait for ever, however many there are of the others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Access<T> {
    /// Somebody asks. A hint: what counts is behind the lock, which also orders its stores. Release and acquire: that an owner on its
    /// way to sleep sees it is the doorbell's business, whose ring has the fence for that.
    wanted: AtomicBool,
    place: Mutex<Place<T>>,
    changed: Condvar,
}

struct Place<T> {
    content: Option<Box<T>>,
    /// Turns asked for, given, and over.
    asked: u64,
    granted: u64,
    done: u64,
    /// The owner has gone. What it left behind, if anything, is everybody's.
    is_over: bool,
}

impl<T> Access<T> {
    pub fn new() -> Access<T> {
        let place = Place { content: None, asked: 0, granted: 0, done: 0, is_over: false };
        Access { wanted: AtomicBool::new(false), place: Mutex::new(place), changed: Condvar::new() }
    }

    /// The counters behind the lock are right at every moment, also where a reader panicked.
    fn place(&self) -> MutexGuard<'_, Place<T>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does somebody ask? The owner's look, once a round.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Waits for a turn and has it. `wake` is called once the wish can be seen. `None`: the owner has gone and left nothing.
    pub fn with<R>(&self, wake: impl FnOnce(), act: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut place = self.place();
        let turn = place.asked;
        if !place.is_over {
            place.asked += 1;
            self.wanted.store(true, Ordering::Release);
            wake();
        }
        while !place.is_over && place.granted <= turn {
            place = self.changed.wait(place).unwrap_or_else(PoisonError::into_inner);
        }
        let mut turn = Turn { place, changed: &self.changed };
        turn.place.content.as_deref_mut().map(act)
    }

    /// The owner's side: lets everybody have it who has asked up to now, and returns with it when they have had it.
    #[cold]
    pub fn lend(&self, content: Box<T>) -> Box<T> {
        let mut place = self.place();
        place.content = Some(content);
        place.granted = place.asked;
        // Whoever asks from here on sets it again, behind this lock.
        self.wanted.store(false, Ordering::Release);
        self.changed.notify_all();
        loop {
            if place.done >= place.granted
                && let Some(content) = place.content.take()
            {
                return content;
            }
            place = self.changed.wait(place).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The owner goes, and leaves it behind or not.
    pub fn leave(&self, content: Option<Box<T>>) {
        let mut place = self.place();
        (place.content, place.is_over) = (content, true);
        drop(place);
        self.changed.notify_all();
    }

    /// Takes what was left behind to its end: who asks meanwhile waits for it, and is told then that there is nothing.
    pub fn finish<R>(&self, end: impl FnOnce(T) -> R) -> Option<R> {
        let mut place = self.place();
        place.content.take().map(|content| end(*content))
    }
}

/// A turn, which is over when it is dropped: also where its reader panics.
struct Turn<'a, T> {
    place: MutexGuard<'a, Place<T>>,
    changed: &'a Condvar,
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.place.done += 1;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    /// An owner that counts its rounds, until it is told to leave.
    fn owner(access: &Arc<Access<u64>>, rounds: u64, leaves: bool) -> thread::JoinHandle<()> {
        let access = Arc::clone(access);
        thread::spawn(move || {
            let mut content = Box::new(0);
            while *content < rounds {
                *content += 1;
                if access.is_wanted() {
                    content = access.lend(content);
                }
                thread::yield_now();
            }
            access.leave(leaves.then_some(content));
        })
    }

    #[test]
    fn readers_and_the_owner_both_get_their_turn() {
        let access = Arc::new(Access::new());
        let owner = owner(&access, 2000, true);
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let access = Arc::clone(&access);
                thread::spawn(move || {
                    let mut last = 0;
                    // Asks as fast as it can: the owner must come to its end all the same.
                    while last < 2000 {
                        let seen = access.with(|| {}, |content| *content).unwrap();
                        assert!(seen >= last);
                        last = seen;
                    }
                })
            })
            .collect();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        owner.join().unwrap();
        assert_eq!(access.finish(|content| content), Some(2000));
    }

    #[test]
    fn an_owner_that_leaves_nothing_keeps_nobody_waiting() {
        let access = Arc::new(Access::<u64>::new());
        let waiting = {
            let access = Arc::clone(&access);
            thread::spawn(move || access.with(|| {}, |content| *content))
        };
        thread::yield_now();
        access.leave(None);
        assert_eq!(waiting.join().unwrap(), None);
        assert_eq!(access.with(|| {}, |content| *content), None);
    }

    #[test]
    fn a_reader_that_panics_gives_it_back() {
        let access = Arc::new(Access::new());
        let owner = owner(&access, 200_000, true);
        let panicking = Arc::clone(&access);
        assert!(thread::spawn(move || panicking.with(|| {}, |_| panic!("on purpose"))).join().is_err());
        assert!(access.with(|| {}, |content| *content).is_some());
        owner.join().unwrap();
    }
}
