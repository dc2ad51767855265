//! Settlement (R30 to R32): by hand-computed numbers, and by adding everything up after each of many generated commands.

mod by_hand;
mod desk;
mod generated;
