//! Sockets: where the server listens, and the connections that it takes.

use crate::admission::address::Address;
use crate::failure::Failure;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How those are called who come over the Unix socket.
const LOCAL: &str = "unix";
/// How long nothing is accepted where the system has no room.
const PAUSE: Duration = Duration::from_millis(1);

/// Where it listens.
pub struct Listeners {
    pub tcp: Option<TcpListener>,
    pub unix: Option<UnixListener>,
    path: Option<PathBuf>,
}

/// A connection's socket.
pub enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// One that has come.
pub struct Incoming {
    pub socket: Socket,
    pub address: Address,
    pub remote: String,
}

impl Listeners {
    /// # Errors
    /// [`Failure::Io`] with the address or path.
    pub fn open(tcp: Option<SocketAddr>, path: Option<&Path>) -> Result<Listeners, Failure> {
        let fail = |file: String| move |error| Failure::Io { file, operation: "listen", error };
        let tcp = tcp.map(|address| {
            let listen = TcpListener::bind(address).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            });
            listen.map_err(fail(address.to_string()))
        });
        let unix = path.map(|path| listen_at(path).map_err(fail(path.display().to_string())));
        Ok(Listeners { tcp: tcp.transpose()?, unix: unix.transpose()?, path: path.map(Path::to_path_buf) })
    }

    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// One that has come over TCP. None: there is none, or the system has no room for it.
    pub fn accept_tcp(&self) -> Option<Incoming> {
        let (socket, from) = accepted(|| self.tcp.as_ref()?.accept().into())?;
        socket.set_nonblocking(true).ok()?;
        // Without it, it is only slower.
        let _ = socket.set_nodelay(true);
        let remote = from.to_string();
        Some(Incoming { socket: Socket::Tcp(socket), address: Address::parse(&remote), remote })
    }

    /// One that has come over the Unix socket.
    pub fn accept_unix(&self) -> Option<Incoming> {
        let (socket, _) = accepted(|| self.unix.as_ref()?.accept().into())?;
        socket.set_nonblocking(true).ok()?;
        Some(Incoming { socket: Socket::Unix(socket), address: Address::parse(LOCAL), remote: LOCAL.to_string() })
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let (Some(_), Some(path)) = (&self.unix, &self.path) {
            // Who has removed it has done our work.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Those who are gone before they are taken are passed over.
fn accepted<T>(accept: impl Fn() -> Option<io::Result<T>>) -> Option<T> {
    loop {
        match accept()? {
            Ok(incoming) => return Some(incoming),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => {
                // The system has no room; whoever waits stays where he is, and is told of again at once.
                std::thread::sleep(PAUSE);
                return None;
            }
        }
    }
}

/// Listens at a path, for its owner alone. The socket of a server that has died is replaced.
fn listen_at(path: &Path) -> io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    let owner_alone = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, owner_alone)?;
    Ok(listener)
}

impl Socket {
    /// Tells the other end that there is no more.
    pub fn shut(&self) {
        // It may be gone.
        let _ = match self {
            Socket::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Socket::Unix(socket) => socket.shutdown(Shutdown::Write),
        };
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => socket.read(buffer),
            Socket::Unix(socket) => socket.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => socket.write(bytes),
            Socket::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
