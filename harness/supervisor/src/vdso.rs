//! Where the functions of the kernel's vDSO are in its image, and what is put over them.

use crate::sys::code::{CODE_AT, FUNCTIONS};

const DYNAMIC: u32 = 2;
const LOAD: u32 = 1;
const HASH: u64 = 4;
const STRINGS: u64 = 5;
const SYMBOLS: u64 = 6;
const GNU_HASH: u64 = 0x6fff_fef5;

fn number<const N: usize>(image: &[u8], at: u64) -> Option<u64> {
    let at = usize::try_from(at).ok()?;
    let mut bytes = [0; 8];
    bytes[..N].copy_from_slice(image.get(at..at.checked_add(N)?)?);
    Some(u64::from_le_bytes(bytes))
}

fn word(image: &[u8], at: u64) -> Option<u32> {
    number::<4>(image, at).and_then(|word| u32::try_from(word).ok())
}

/// How many symbols a table of the newer kind knows.
fn gnu_count(image: &[u8], at: u64) -> Option<u64> {
    let (buckets, first) = (u64::from(word(image, at)?), u64::from(word(image, at + 4)?));
    let bloom = u64::from(word(image, at + 8)?);
    let (bucket_at, chain_at) = (at + 16 + 8 * bloom, at + 16 + 8 * bloom + 4 * buckets);
    let mut last = 0;
    for bucket in 0..buckets {
        let mut symbol = u64::from(word(image, bucket_at + 4 * bucket)?);
        if symbol < first {
            continue;
        }
        while word(image, chain_at + 4 * (symbol - first))? & 1 == 0 {
            symbol += 1;
        }
        last = last.max(symbol + 1);
    }
    Some(last)
}

/// The functions that are replaced, as they are found in an image of the vDSO: where, and by what address.
pub fn replacements(image: &[u8]) -> Vec<(u64, u64)> {
    find(image).unwrap_or_default()
}

fn find(image: &[u8]) -> Option<Vec<(u64, u64)>> {
    let (headers, count) = (number::<8>(image, 32)?, number::<2>(image, 56)?);
    let (mut load, mut dynamic) = (0, None);
    for n in 0..count {
        let at = headers + 56 * n;
        match word(image, at)? {
            LOAD => load = number::<8>(image, at + 16)?,
            DYNAMIC => dynamic = number::<8>(image, at + 8),
            _ => {}
        }
    }
    let (mut symbols, mut strings, mut total, mut gnu) = (None, None, None, None);
    let mut at = dynamic?;
    loop {
        let (tag, value) =
            (number::<8>(image, at)?, number::<8>(image, at + 8)?.wrapping_sub(load));
        match tag {
            0 => break,
            HASH => total = word(image, value + 4).map(u64::from),
            GNU_HASH => gnu = gnu_count(image, value),
            STRINGS => strings = Some(value),
            SYMBOLS => symbols = Some(value),
            _ => {}
        }
        at += 16;
    }
    let (symbols, strings, total) = (symbols?, strings?, total.or(gnu)?);
    let mut found = Vec::new();
    for n in 0..total {
        let at = symbols + 24 * n;
        let name_at = usize::try_from(strings + u64::from(word(image, at)?)).ok()?;
        let name = image.get(name_at..)?.split(|&byte| byte == 0).next()?;
        let value = number::<8>(image, at + 8)?.wrapping_sub(load);
        let replaced = FUNCTIONS.iter().find(|(known, _)| known.as_bytes() == name);
        found.extend(replaced.map(|&(_, offset)| (value, CODE_AT + offset)));
    }
    Some(found)
}

/// The instructions that jump to an address.
pub fn jump(to: u64) -> [u8; 16] {
    let mut code = [0xcc; 16];
    code[..2].copy_from_slice(&[0x48, 0xb8]); // mov rax, to
    code[2..10].copy_from_slice(&to.to_le_bytes());
    code[10..12].copy_from_slice(&[0xff, 0xe0]); // jmp rax
    code
}

/// An instruction that is answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// `rdtsc`: the processor's clock.
    Clock,
    /// `rdtscp`: the same, and the number of the processor.
    ClockAndNumber,
    /// `cpuid`: what the processor can do.
    Processor,
}

impl Instruction {
    /// Which one begins with this code, if any.
    pub fn of(code: u64) -> Option<Self> {
        match code & 0xff_ffff {
            0xf9_010f => Some(Self::ClockAndNumber),
            code if code & 0xffff == 0x310f => Some(Self::Clock),
            code if code & 0xffff == 0xa20f => Some(Self::Processor),
            _ => None,
        }
    }

    /// How long it is.
    pub fn length(self) -> u64 {
        if self == Self::ClockAndNumber { 3 } else { 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_has_no_functions() {
        assert_eq!(replacements(b""), []);
        assert_eq!(replacements(&[0xff; 8192]), []);
    }

    #[test]
    fn instructions_are_known_by_their_code() {
        assert_eq!(Instruction::of(0x9090_310f), Some(Instruction::Clock));
        assert_eq!(Instruction::of(0x90f9_010f), Some(Instruction::ClockAndNumber));
        assert_eq!(Instruction::of(0x9090_a20f), Some(Instruction::Processor));
        assert_eq!(Instruction::of(0x90), None);
    }

    #[test]
    fn the_code_fits_a_page() {
        let code = crate::sys::code::code();
        assert!(code.len() > 0x240 && code.len() <= crate::sys::page::SIZE, "{}", code.len());
    }
}
