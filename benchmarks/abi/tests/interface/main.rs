//! Every report and every query of the C interface, through the same functions that it exports.

mod c_interface;
mod common;
mod differential;
mod edge_cases;
