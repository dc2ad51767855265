//! Wakes a thread, or an event loop, that ran out of work; costs a fence while it has not.
//!
//! # Contract
//! - One side sleeps, any number ring. Who rings has published something before (into a ring, an intake, a word); who
//!   sleeps looks for exactly that before it sleeps, and after it wakes.
//! - No wake-up is lost: if the sleeper's last look before it slept missed something, the ring that followed wakes it.
//! - A ring for a sleeper that is awake makes no system call; of several rings for one sleep, one does.
//! - A wake-up may come for nothing. [`Doorbell::wait`] looks again by itself; an event loop must.
//!
//! For threads: [`Doorbell::wait`]. For event loops: [`Doorbell::arm`], look once more, watch
//! [`Doorbell::descriptor`] for reading, and [`Doorbell::disarm`] when it is readable. The flag and its orderings are in
//! [`flag`].

pub mod flag;

mod descriptor;

use descriptor::Descriptor;
use flag::Flag;
use std::io;
use std::time::{Duration, Instant};

/// A doorbell: shared by reference by the one who sleeps and those who ring.
pub struct Doorbell {
    flag: Flag,
    descriptor: Descriptor,
}

impl Doorbell {
    /// A doorbell whose owner is awake.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn new() -> io::Result<Doorbell> {
        Ok(Doorbell { flag: Flag::new(), descriptor: Descriptor::new()? })
    }

    /// Wakes the other side if it sleeps. To be called after publishing what it is to find.
    #[inline]
    pub fn ring(&self) {
        if self.flag.ring() {
            self.descriptor.signal();
        }
    }

    /// Sleeps until `is_ready` or `timeout` (None: without end), and returns whether it is ready.
    pub fn wait(&self, mut is_ready: impl FnMut() -> bool, timeout: Option<Duration>) -> bool {
        // A time too far to be written down is no limit.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.arm();
            let is_found = is_ready();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if is_found || left == Some(Duration::ZERO) {
                // Did not sleep: there is a signal to take out only if somebody rang meanwhile.
                if self.flag.disarm() {
                    self.descriptor.clear();
                }
                return is_found;
            }
            self.descriptor.wait(left);
            self.disarm();
        }
    }

    /// Says that this side is going to sleep: rings from now on make the descriptor readable. The caller looks once more
    /// before it sleeps.
    #[inline]
    pub fn arm(&self) {
        self.flag.arm();
    }

    /// Says that this side is awake, and makes the descriptor unreadable. The caller then looks for what came.
    pub fn disarm(&self) {
        self.flag.disarm();
        // Whatever the flag says: the signal of a ring that ended an earlier sleep may have come after that sleep's end.
        self.descriptor.clear();
    }

    /// What an event loop watches for reading.
    #[cfg(unix)]
    pub fn descriptor(&self) -> std::os::fd::RawFd {
        self.descriptor.raw()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Doorbell {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[cfg(all(test, unix, not(loom)))]
mod tests {
    use super::Doorbell;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::Duration;

    fn is_readable(bell: &Doorbell) -> bool {
        let no_time = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(bell, PollFlags::IN)], Some(&no_time)).unwrap() == 1
    }

    #[test]
    fn only_a_sleeper_is_signalled_and_once() {
        let bell = Doorbell::new().unwrap();
        bell.ring();
        assert!(!is_readable(&bell), "nobody sleeps");
        bell.arm();
        assert!(!is_readable(&bell));
        bell.ring();
        bell.ring();
        assert!(is_readable(&bell));
        bell.disarm();
        assert!(!is_readable(&bell));
        bell.ring();
        assert!(!is_readable(&bell), "awake again");
    }

    #[test]
    fn a_wait_ends_by_its_time_or_because_it_is_ready() {
        let bell = Doorbell::new().unwrap();
        assert!(!bell.wait(|| false, Some(Duration::ZERO)));
        assert!(!bell.wait(|| false, Some(Duration::from_millis(2))));
        assert!(bell.wait(|| true, Some(Duration::ZERO)) && bell.wait(|| true, None));
    }

    /// The signal of a ring may arrive after the sleep that it ended: it must not make every later wait spin.
    #[test]
    fn a_late_signal_is_taken_out() {
        let bell = Doorbell::new().unwrap();
        bell.descriptor.signal();
        let mut looks = 0;
        let mut look = || {
            looks += 1;
            false
        };
        assert!(!bell.wait(&mut look, Some(Duration::from_millis(20))));
        assert!((2..10).contains(&looks), "{looks} looks: one wake-up for nothing is right");
    }

    #[test]
    fn no_ring_is_lost() {
        let (ping, pong) = (Arc::new(Doorbell::new().unwrap()), Arc::new(Doorbell::new().unwrap()));
        let ball = Arc::new(AtomicU32::new(0));
        let other = thread::spawn({
            let (ping, pong, ball) = (ping.clone(), pong.clone(), ball.clone());
            move || {
                for round in 0..2000 {
                    assert!(ping.wait(|| ball.load(Ordering::Acquire) == 2 * round + 1, None));
                    ball.store(2 * round + 2, Ordering::Release);
                    pong.ring();
                }
            }
        });
        for round in 0..2000 {
            ball.store(2 * round + 1, Ordering::Release);
            ping.ring();
            assert!(pong.wait(|| ball.load(Ordering::Acquire) == 2 * round + 2, None));
        }
        other.join().unwrap();
    }
}
