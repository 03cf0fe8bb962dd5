//! What processes are told of the processor (`cpuid`): not on which one they are, and none that draws random numbers.

use std::arch::asm;

/// `arch_prctl(2)`: whether `cpuid` may be used. Each program that is loaded may, at first.
pub const SET_CPUID: u64 = 0x1012;

/// What `cpuid` puts into eax, ebx, ecx and edx.
pub fn told(leaf: u32, part: u32) -> [u32; 4] {
    const RDRAND: u32 = 1 << 30;
    const RDSEED: u32 = 1 << 18;
    let (mut eax, mut ecx) = (leaf, part);
    let (ebx, edx): (u64, u32);
    // SAFETY: each processor of this architecture has the instruction; rbx, which may not be named, is put back.
    unsafe {
        asm!(
            "mov {other:r}, rbx",
            "cpuid",
            "xchg {other:r}, rbx",
            other = out(reg) ebx,
            inout("eax") eax,
            inout("ecx") ecx,
            out("edx") edx,
            options(nomem, nostack, preserves_flags),
        );
    }
    let ebx = ebx as u32;
    match (leaf, part) {
        // The number of the processor, twice.
        (1, _) => [eax, ebx & 0x00ff_ffff, ecx & !RDRAND, edx],
        (0xb | 0x1f, _) => [eax, ebx, ecx, 0],
        (7, 0) => [eax, ebx & !RDSEED, ecx, edx],
        _ => [eax, ebx, ecx, edx],
    }
}
