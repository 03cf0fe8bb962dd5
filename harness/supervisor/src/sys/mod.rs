//! The system's unsafe side: the only room of this crate with `unsafe`, each block with its reason.
#![expect(unsafe_code, reason = "system calls that no safe interface offers, each with its reason")]

pub mod birth;
pub mod code;
pub mod descriptors;
pub mod files;
pub mod memory;
pub mod namespaces;
pub mod page;
pub mod processor;
pub mod ptrace;
pub mod seccomp;
pub mod signals;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use nix::errno::Errno;
use nix::libc;

fn checked(result: libc::c_long) -> Result<libc::c_long, Errno> {
    Errno::result(result)
}

/// A process that was just forked has all descriptors of this one, for a moment: an end of a pipe of another supervisor's
/// process seems to be open that is not. While one is born, no supervisor looks.
static BIRTHS: RwLock<()> = RwLock::new(());

/// As long as the result lives, nobody is born.
pub fn nobody_is_born() -> RwLockReadGuard<'static, ()> {
    BIRTHS.read().unwrap_or_else(PoisonError::into_inner)
}

/// As long as the result lives, no other supervisor looks. Whoever starts a process in a program that supervises, too,
/// holds it meanwhile.
pub fn a_birth() -> RwLockWriteGuard<'static, ()> {
    BIRTHS.write().unwrap_or_else(PoisonError::into_inner)
}
