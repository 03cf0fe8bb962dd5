//! A program that was just loaded gets our page, our clocks, and our randomness.

use nix::errno::Errno;
use nix::libc;

use super::{Supervisor, TaskId};
use crate::sys::code::{CODE_AT, PAGE_AT};
use crate::sys::page::SIZE;
use crate::sys::{memory, processor, ptrace};
use crate::vdso;

/// How large an image of the vDSO may be.
const IMAGE: usize = 2 * SIZE;
/// How far the pointers to arguments and environment reach.
const STACK: usize = 1 << 20;

/// What the kernel tells a program in words behind its environment.
#[derive(Debug, Default)]
struct Told {
    random_at: u64,
    vdso_at: u64,
}

/// Its words lie behind those of arguments and environment, each of which ends with a zero.
fn told(tid: i32, stack: u64) -> Result<Told, Errno> {
    let mut bytes = vec![0; STACK];
    let length = memory::read_some(tid, stack, &mut bytes)?;
    let words = bytes[..length].chunks_exact(8);
    let mut words =
        words.map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default())).skip(1);
    for _ in 0..2 {
        words.find(|&word| word == 0).ok_or(Errno::E2BIG)?;
    }
    let mut told = Told::default();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name {
            libc::AT_NULL => return Ok(told),
            libc::AT_RANDOM => told.random_at = value,
            libc::AT_SYSINFO_EHDR => told.vdso_at = value,
            _ => {}
        }
    }
    Err(Errno::E2BIG)
}

/// A call that the stopped thread makes for us.
fn call(tid: i32, number: i64, args: [u64; 6]) -> Result<u64, Errno> {
    let before = ptrace::registers(tid)?;
    let code = ptrace::peek(tid, before.rip)?;
    ptrace::poke(tid, before.rip, (code & !0xffff) | 0x050f)?;
    let mut registers = before;
    let prepare = |registers: &mut ptrace::Registers| {
        (registers.orig_rax, registers.rax) = (u64::MAX, number.cast_unsigned());
    };
    prepare(&mut registers);
    [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9] = args;
    ptrace::set_registers(tid, &registers)?;
    // The first step may end where the loading did.
    for _ in 0..4 {
        ptrace::step(tid)?;
        ptrace::change_of(tid).ok_or(Errno::ECHILD)?;
        registers = ptrace::registers(tid)?;
        if registers.rip == before.rip + 2 {
            break;
        }
        prepare(&mut registers);
        ptrace::set_registers(tid, &registers)?;
    }
    let result = registers.rax;
    ptrace::set_registers(tid, &ptrace::Registers { orig_rax: u64::MAX, ..before })?;
    ptrace::poke(tid, before.rip, code)?;
    let failed = result.cast_signed();
    if (-4095..0).contains(&failed) { Err(Errno::from_raw(-failed as i32)) } else { Ok(result) }
}

impl Supervisor {
    pub(super) fn patch(&mut self, task: TaskId) -> Result<(), Errno> {
        let tid = self.task(task).tid;
        let told = told(tid, ptrace::registers(tid)?.rsp)?;
        if told.random_at != 0 {
            let mut bytes = [0; 16];
            self.group_mut(task).random.fill(&mut bytes);
            ptrace::poke_bytes(tid, told.random_at, &bytes)?;
        }
        let (size, file) = (SIZE as u64, self.page_at as u64);
        let flags = (libc::MAP_SHARED | libc::MAP_FIXED) as u64;
        let data = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        let code = (libc::PROT_READ | libc::PROT_EXEC) as u64;
        call(tid, libc::SYS_mmap, [PAGE_AT, size, data, flags, file, 0])?;
        call(tid, libc::SYS_mmap, [CODE_AT, size, code, flags, file, size])?;
        call(tid, libc::SYS_close, [file, 0, 0, 0, 0, 0])?;
        if self.settings.is_processor_hidden {
            // Some processors cannot refuse it.
            let _ = call(tid, libc::SYS_arch_prctl, [processor::SET_CPUID, 0, 0, 0, 0, 0]);
        }
        if told.vdso_at == 0 {
            return Ok(());
        }
        if self.replacements.is_none() {
            let mut image = vec![0; IMAGE];
            if memory::read(tid, told.vdso_at, &mut image).is_err() {
                image.truncate(SIZE);
                memory::read(tid, told.vdso_at, &mut image)?;
            }
            self.replacements = Some(vdso::replacements(&image));
        }
        for &(function, by) in self.replacements.iter().flatten() {
            ptrace::poke_bytes(tid, told.vdso_at + function, &vdso::jump(by))?;
        }
        Ok(())
    }
}
