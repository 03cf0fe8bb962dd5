//! Randomness, which the seed decides.

use nix::libc;

use super::Outcome;
use crate::supervisor::{Supervisor, TaskId};
use crate::sys::seccomp::Trap;

impl Supervisor {
    pub(super) fn get_random(&mut self, task: TaskId, call: Trap) -> Outcome {
        let [at, length, ..] = call.args;
        let length = length.min(1 << 25);
        let (mut done, mut bytes) = (0, [0; 256]);
        while done < length {
            let part = &mut bytes[..(length - done).min(256) as usize];
            self.group_mut(task).random.fill(part);
            if !self.write(task, at + done, part) {
                return Outcome::Error(libc::EFAULT);
            }
            done += part.len() as u64;
        }
        Outcome::Value(length as i64)
    }
}
