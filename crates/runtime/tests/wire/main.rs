//! The binary protocol's server before a real exchange with shards, over sockets.
#![cfg(target_os = "linux")]

mod client;
mod codec;
mod floods;
mod lagging;
mod limits;
mod orders;
mod resumes;
mod venue;
