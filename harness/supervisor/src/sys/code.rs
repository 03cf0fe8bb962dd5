//! The code that takes the place of the kernel's vDSO in each process: it tells the time from the shared page, without
//! a call, until the next event is due.
//!
//! It lies at a fixed address behind the page, is written by hand, and uses no other memory but its stack.

use std::arch::global_asm;

/// Where the shared page lies in each process.
pub const PAGE_AT: u64 = 0x20000;
/// Where the code lies.
pub const CODE_AT: u64 = PAGE_AT + super::page::SIZE as u64;

/// The functions that are replaced, and where their replacements are in [`code`].
pub const FUNCTIONS: [(&str, u64); 6] = [
    ("__vdso_clock_gettime", 0x000),
    ("__vdso_gettimeofday", 0x080),
    ("__vdso_time", 0x100),
    ("__vdso_clock_getres", 0x180),
    ("__vdso_getcpu", 0x1c0),
    ("__vdso_getrandom", 0x200),
];

// The words of the page, from its begin: base 0, extra 8, limit 16, step 24, reads 32, wall 40, monotonic 48.
// `read` takes a clock in edi and returns nanoseconds in rax; rax is zero: ask the supervisor. It changes rcx, rdx,
// r8, r9, r10 only. From the 256th reading since the last call on, each costs more: who waits for the clock is not
// to wait long.
global_asm!(
    ".pushsection .text.supervisor_vdso,\"ax\",@progbits",
    ".balign 4096",
    ".globl supervisor_vdso_begin",
    "supervisor_vdso_begin:",
    // clock_gettime(edi, rsi)
    "call 9f",
    "test rax, rax",
    "jz 2f",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "mov [rsi], rax",
    "mov [rsi + 8], rdx",
    "xor eax, eax",
    "ret",
    "2: mov eax, 228",
    "syscall",
    "ret",
    ".balign 128",
    // gettimeofday(rdi, rsi)
    ".org supervisor_vdso_begin + 0x80",
    "xor eax, eax",
    "test rdi, rdi",
    "jz 3f",
    "push rdi",
    "xor edi, edi",
    "call 9f",
    "pop rdi",
    "test rax, rax",
    "jz 2f",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "mov [rdi], rax",
    "mov rax, rdx",
    "xor edx, edx",
    "mov ecx, 1000",
    "div rcx",
    "mov [rdi + 8], rax",
    "xor eax, eax",
    "3: ret",
    "2: mov eax, 96",
    "syscall",
    "ret",
    // time(rdi)
    ".org supervisor_vdso_begin + 0x100",
    "push rdi",
    "xor edi, edi",
    "call 9f",
    "pop rdi",
    "test rax, rax",
    "jz 2f",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "test rdi, rdi",
    "jz 3f",
    "mov [rdi], rax",
    "3: ret",
    "2: mov eax, 201",
    "syscall",
    "ret",
    // clock_getres(edi, rsi): a nanosecond
    ".org supervisor_vdso_begin + 0x180",
    "test rsi, rsi",
    "jz 3f",
    "xor eax, eax",
    "mov [rsi], rax",
    "inc eax",
    "mov [rsi + 8], rax",
    "3: xor eax, eax",
    "ret",
    // getcpu(rdi, rsi): the first of the first node
    ".org supervisor_vdso_begin + 0x1c0",
    "xor eax, eax",
    "test rdi, rdi",
    "jz 3f",
    "mov [rdi], eax",
    "3: test rsi, rsi",
    "jz 3f",
    "mov [rsi], eax",
    "3: ret",
    // getrandom: no such function; the call is there
    ".org supervisor_vdso_begin + 0x200",
    "mov rax, -38",
    "ret",
    ".org supervisor_vdso_begin + 0x240",
    "9: mov ecx, edi",
    "xor eax, eax",
    "cmp ecx, 11",
    "ja 3f",
    "mov edx, 0x8f3", // the clocks 0, 1, 4, 5, 6, 7, 11
    "bt edx, ecx",
    "jnc 3f",
    "mov r8d, 0x20000",
    "mov r9, [r8 + 32]",
    "mov rdx, r9",
    "sub rdx, 256",
    "jae 4f",
    "xor edx, edx",
    "4: shl rdx, 4",
    "cmp rdx, 100000",
    "jbe 4f",
    "mov edx, 100000",
    "4: add rdx, [r8 + 24]",
    "add rdx, [r8 + 8]",
    "mov r10, [r8]",
    "add r10, rdx",
    "cmp r10, [r8 + 16]",
    "jae 3f",
    "mov [r8 + 8], rdx",
    "inc r9",
    "mov [r8 + 32], r9",
    "mov edx, 0x821", // the wall clocks 0, 5, 11
    "bt edx, ecx",
    "mov rax, r10",
    "jc 4f",
    "add rax, [r8 + 48]",
    "ret",
    "4: add rax, [r8 + 40]",
    "3: ret",
    ".globl supervisor_vdso_end",
    "supervisor_vdso_end:",
    ".popsection",
);

unsafe extern "C" {
    static supervisor_vdso_begin: u8;
    static supervisor_vdso_end: u8;
}

/// The code.
pub fn code() -> &'static [u8] {
    let (begin, end) = (&raw const supervisor_vdso_begin, &raw const supervisor_vdso_end);
    // SAFETY: both symbols are in one section of this very program, the second behind the first; it is only read.
    unsafe { std::slice::from_raw_parts(begin, end.addr() - begin.addr()) }
}
