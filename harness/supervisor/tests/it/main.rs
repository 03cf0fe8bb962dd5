//! Real programs in virtual time, from the outside: what they print is the same each time, and the seed decides it.

mod awaited;
mod clocks;
mod environments;
mod holding;
mod languages;
mod leaks;
mod support;
mod threads;
mod waiting;
