//! What a doorbell sleeps on: an eventfd on Linux, a pipe on other Unix systems, a condition variable elsewhere.

#[cfg(not(unix))]
pub(super) use condition::Condition as Descriptor;
#[cfg(unix)]
pub(super) use unix::Descriptor;

#[cfg(unix)]
mod unix {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
    use std::time::Duration;

    pub struct Descriptor {
        reader: OwnedFd,
        /// The other end of the pipe; an eventfd has one end.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        writer: OwnedFd,
    }

    impl Descriptor {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        pub fn new() -> io::Result<Descriptor> {
            use rustix::event::{EventfdFlags, eventfd};
            Ok(Descriptor { reader: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
        }

        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        pub fn new() -> io::Result<Descriptor> {
            use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
            let (reader, writer) = rustix::pipe::pipe()?;
            for end in [&reader, &writer] {
                fcntl_setfd(end, FdFlags::CLOEXEC)?;
                ioctl_fionbio(end, true)?;
            }
            Ok(Descriptor { reader, writer })
        }

        /// Makes the descriptor readable.
        pub fn signal(&self) {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let writer = &self.reader;
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            let writer = &self.writer;
            // The only failure of a good descriptor is that it is full of signals: readable already.
            while let Err(rustix::io::Errno::INTR) = rustix::io::write(writer, &1_u64.to_ne_bytes()) {}
        }

        /// Makes the descriptor unreadable.
        pub fn clear(&self) {
            let mut signals = [0; 64];
            // Until it is empty, for a pipe may hold more; an eventfd gives all at once.
            while let Ok(1..) | Err(rustix::io::Errno::INTR) = rustix::io::read(&self.reader, &mut signals) {}
        }

        /// Sleeps until the descriptor is readable, a signal of the system arrives, or `timeout` is over.
        pub fn wait(&self, timeout: Option<Duration>) {
            let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
            // An interrupted sleep is a wake-up for nothing; another failure has no meaning for a good descriptor.
            let _ = poll(&mut [PollFd::new(&self.reader, PollFlags::IN)], timeout.as_ref());
        }

        pub fn raw(&self) -> RawFd {
            self.reader.as_raw_fd()
        }

        pub fn as_fd(&self) -> BorrowedFd<'_> {
            self.reader.as_fd()
        }
    }
}

/// Tested on every system, used where there is no descriptor to wait for.
#[cfg(any(not(unix), test))]
mod condition {
    use std::io;
    use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    pub struct Condition {
        is_signalled: Mutex<bool>,
        changed: Condvar,
    }

    impl Condition {
        pub fn new() -> io::Result<Condition> {
            Ok(Condition { is_signalled: Mutex::new(false), changed: Condvar::new() })
        }

        fn is_signalled(&self) -> MutexGuard<'_, bool> {
            self.is_signalled.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub fn signal(&self) {
            *self.is_signalled() = true;
            self.changed.notify_one();
        }

        pub fn clear(&self) {
            *self.is_signalled() = false;
        }

        pub fn wait(&self, timeout: Option<Duration>) {
            let guard = self.is_signalled();
            match timeout {
                None => drop(self.changed.wait_while(guard, |is_signalled| !*is_signalled)),
                Some(timeout) => {
                    drop(self.changed.wait_timeout_while(guard, timeout, |is_signalled| !*is_signalled));
                }
            }
        }
    }
}

#[cfg(all(test, unix, not(loom)))]
mod tests {
    use super::{Descriptor, condition::Condition};
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    macro_rules! a_signal_before_or_during_a_wait_ends_it {
        ($name:ident, $kind:ty) => {
            #[test]
            fn $name() {
                let bell = Arc::new(<$kind>::new().unwrap());
                bell.wait(Some(Duration::from_millis(1)));
                bell.signal();
                bell.signal();
                bell.wait(None);
                bell.clear();
                // Cleared: this one ends by its time, or the next wait would not need the other thread.
                bell.wait(Some(Duration::from_millis(1)));
                let ringer = thread::spawn({
                    let bell = bell.clone();
                    move || bell.signal()
                });
                bell.wait(None);
                ringer.join().unwrap();
            }
        };
    }

    a_signal_before_or_during_a_wait_ends_it!(of_the_system, Descriptor);
    a_signal_before_or_during_a_wait_ends_it!(of_a_condition, Condition);
}
