//! Words of memory that threads wait for. All of it happens here; the kernel knows of nobody who waits.

use std::fs;

use nix::libc;

use super::Outcome;
use super::times::nanoseconds;
use crate::futex::{Word, wake_op};
use crate::supervisor::{Supervisor, TaskId, Waits};
use crate::sys::seccomp::Trap;
use crate::time::VirtualTime;

impl Supervisor {
    pub(super) fn of_futex(&mut self, task: TaskId, call: Trap) -> Outcome {
        if call.number == libc::SYS_futex_waitv {
            return Outcome::Error(libc::ENOSYS);
        }
        let args = call.args;
        let flags = args[1] as i32;
        let operation = flags & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
        let is_private = flags & libc::FUTEX_PRIVATE_FLAG != 0;
        let word = self.word(task, args[0], is_private);
        let (most, bits) = (args[2] as u32 as usize, args[5] as u32);
        match operation {
            libc::FUTEX_WAIT => self.wait_word(task, call, word, !0),
            libc::FUTEX_WAIT_BITSET if bits == 0 => Outcome::Error(libc::EINVAL),
            libc::FUTEX_WAIT_BITSET => self.wait_word(task, call, word, bits),
            libc::FUTEX_WAKE => self.woke(task, word, most, !0),
            libc::FUTEX_WAKE_BITSET => self.woke(task, word, most, bits),
            libc::FUTEX_REQUEUE | libc::FUTEX_CMP_REQUEUE => {
                if operation == libc::FUTEX_CMP_REQUEUE {
                    match self.read_word(task, args[0]) {
                        None => return Outcome::Error(libc::EFAULT),
                        Some(value) if value != args[5] as u32 => {
                            return Outcome::Error(libc::EAGAIN);
                        }
                        Some(_) => {}
                    }
                }
                let to = self.word(task, args[4], is_private);
                let woken = self.wake_word(word, most, !0);
                let moved = self.futexes.requeue(word, to, args[3] as u32 as usize);
                let told = if operation == libc::FUTEX_CMP_REQUEUE { moved } else { 0 };
                Outcome::Value((woken + told) as i64)
            }
            libc::FUTEX_WAKE_OP => {
                let second = self.word(task, args[4], is_private);
                let Some(old) = self.read_word(task, args[4]) else {
                    return Outcome::Error(libc::EFAULT);
                };
                let (new, wakes) = wake_op(bits, old.cast_signed());
                self.write(task, args[4], &new.to_ne_bytes());
                let mut woken = self.wake_word(word, most, !0);
                if wakes {
                    woken += self.wake_word(second, args[3] as u32 as usize, !0);
                }
                Outcome::Value(woken as i64)
            }
            // Those that lend priorities: free ones are taken without a call.
            _ => {
                self.used_call(task, "priority futexes".into());
                Outcome::Continue
            }
        }
    }

    fn woke(&mut self, task: TaskId, word: Word, most: usize, bits: u32) -> Outcome {
        self.task_mut(task).fruitless = 0;
        Outcome::Value(self.wake_word(word, most, bits) as i64)
    }

    fn wait_word(&mut self, task: TaskId, call: Trap, word: Word, bits: u32) -> Outcome {
        let args = call.args;
        if self.task(task).is_woken {
            return Outcome::Value(0);
        }
        if let Some(deadline) = self.task(task).deadline {
            if deadline > self.now {
                return Outcome::Wait;
            }
            self.futexes.leave(task);
            return Outcome::Error(libc::ETIMEDOUT);
        }
        match self.read_word(task, args[0]) {
            None => return Outcome::Error(libc::EFAULT),
            Some(value) if value != args[2] as u32 => {
                self.task_mut(task).fruitless += 1;
                return Outcome::Error(libc::EAGAIN);
            }
            Some(_) => {}
        }
        let mut deadline = VirtualTime::NEVER;
        if args[3] != 0 {
            let Some(time) = self.read_bytes(task, args[3]) else {
                return Outcome::Error(libc::EFAULT);
            };
            let Some(time) = nanoseconds(time) else { return Outcome::Error(libc::EINVAL) };
            let flags = args[1] as i32;
            let is_plain = flags & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME)
                == libc::FUTEX_WAIT;
            let is_wall = flags & libc::FUTEX_CLOCK_REALTIME != 0;
            deadline = if is_plain { self.after(time) } else { self.when(task, is_wall, time) };
            if deadline <= self.now {
                return Outcome::Error(libc::ETIMEDOUT);
            }
        }
        self.task_mut(task).deadline = Some(deadline);
        self.futexes.wait(task, word, bits);
        self.wait_for(task, Waits::Word)
    }

    /// Which word of memory this is: that of a file is the same in all processes that have it.
    pub(super) fn word(&mut self, task: TaskId, at: u64, is_private: bool) -> Word {
        let space = self.member_of(task).space;
        if is_private {
            return (space, at);
        }
        let page = at & !4095;
        if let Some(&(file, offset)) = self.mappings.get(&(space, page)) {
            return (file, offset + (at - page));
        }
        let (file, offset) = shared(self.member_of(task).pid, page).unwrap_or((space, page));
        if file != space {
            self.mappings.insert((space, page), (file, offset));
        }
        (file, offset + (at - page))
    }
}

/// The file that is mapped at a page and shared, by a number above those of spaces, and where in it the page is.
fn shared(pid: i32, page: u64) -> Option<Word> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (begin, end) = fields.next()?.split_once('-')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let (begin, end) = (number(begin)?, number(end)?);
        if !(begin..end).contains(&page) {
            continue;
        }
        if !fields.next()?.ends_with('s') {
            return None;
        }
        let offset = number(fields.next()?)?;
        let device = fields.next()?;
        let inode: u64 = fields.next()?.parse().ok()?;
        let device = device.bytes().fold(0_u64, |all, byte| all * 31 + u64::from(byte));
        return Some((1 << 63 | device << 40 ^ inode, offset + (page - begin)));
    }
    None
}
