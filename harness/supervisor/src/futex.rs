//! Who waits for which word of memory: the queues of the kernel's futexes, without the kernel.

/// A word of memory: the space that it is in, and its address there.
pub type Word = (u64, u64);

#[derive(Clone, Debug)]
struct Waiter<T> {
    who: T,
    word: Word,
    bits: u32,
}

/// All that wait, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Queues<T> {
    waiters: Vec<Waiter<T>>,
}

impl<T> Default for Queues<T> {
    fn default() -> Self {
        Self { waiters: Vec::new() }
    }
}

impl<T: Copy + PartialEq> Queues<T> {
    /// Waits at the end of the queue.
    pub fn wait(&mut self, who: T, word: Word, bits: u32) {
        self.waiters.push(Waiter { who, word, bits });
    }

    /// Does not wait any more.
    pub fn leave(&mut self, who: T) {
        self.waiters.retain(|waiter| waiter.who != who);
    }

    /// Wakes as many as `most` that wait for the word, with one of these bits; returns them in their order.
    pub fn wake(&mut self, word: Word, most: usize, bits: u32) -> Vec<T> {
        let mut woken = Vec::new();
        self.waiters.retain(|waiter| {
            let wakes = woken.len() < most && waiter.word == word && waiter.bits & bits != 0;
            if wakes {
                woken.push(waiter.who);
            }
            !wakes
        });
        woken
    }

    /// Lets as many as `most` wait for another word instead. Returns how many.
    pub fn requeue(&mut self, from: Word, to: Word, most: usize) -> usize {
        let (moving, staying): (Vec<_>, Vec<_>) = {
            let mut count = 0;
            self.waiters.drain(..).partition(|waiter| {
                let moves = waiter.word == from && count < most;
                count += usize::from(moves);
                moves
            })
        };
        let count = moving.len();
        self.waiters = staying;
        self.waiters.extend(moving.into_iter().map(|waiter| Waiter { word: to, ..waiter }));
        count
    }
}

/// `FUTEX_WAKE_OP`: what becomes of the second word, and whether those who wait for it are woken.
pub fn wake_op(encoded: u32, old: i32) -> (i32, bool) {
    let signed = |bits: u32| ((bits << 20).cast_signed()) >> 20;
    let (operation, comparison) = ((encoded >> 28) & 15, (encoded >> 24) & 15);
    let (mut operand, compared) = (signed(encoded >> 12 & 0xfff), signed(encoded & 0xfff));
    if operation & 8 != 0 {
        operand = 1_i32.wrapping_shl(operand.cast_unsigned() & 31);
    }
    let new = match operation & 7 {
        0 => operand,
        1 => old.wrapping_add(operand),
        2 => old | operand,
        3 => old & !operand,
        _ => old ^ operand,
    };
    let wakes = match comparison {
        0 => old == compared,
        1 => old != compared,
        2 => old < compared,
        3 => old <= compared,
        4 => old > compared,
        _ => old >= compared,
    };
    (new, wakes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Word = (1, 100);
    const B: Word = (1, 200);

    #[test]
    fn the_first_that_waits_is_woken_first() {
        let mut queues = Queues::default();
        queues.wait(1, A, !0);
        queues.wait(2, A, !0);
        queues.wait(3, B, !0);
        assert_eq!(queues.wake(A, 1, !0), [1]);
        assert_eq!(queues.wake(A, 9, !0), [2]);
        assert_eq!(queues.wake(A, 9, !0), [] as [i32; 0]);
        assert_eq!(queues.wake(B, 9, !0), [3]);
    }

    #[test]
    fn bits_that_do_not_meet_wake_nobody() {
        let mut queues = Queues::default();
        queues.wait(1, A, 1);
        queues.wait(2, A, 2);
        assert_eq!(queues.wake(A, 9, 2), [2]);
    }

    #[test]
    fn those_who_are_requeued_wait_for_the_other_word() {
        let mut queues = Queues::default();
        queues.wait(1, A, !0);
        queues.wait(2, A, !0);
        assert_eq!(queues.requeue(A, B, 1), 1);
        assert_eq!(queues.wake(A, 9, !0), [2]);
        assert_eq!(queues.wake(B, 9, !0), [1]);
    }

    #[test]
    fn one_who_left_is_not_woken() {
        let mut queues = Queues::default();
        queues.wait(1, A, !0);
        queues.leave(1);
        assert_eq!(queues.wake(A, 9, !0), [] as [i32; 0]);
    }

    #[test]
    fn wake_op_computes_and_compares() {
        // op = add 3, compare old > 1
        let encoded = 1 << 28 | 4 << 24 | 3 << 12 | 1;
        assert_eq!(wake_op(encoded, 2), (5, true));
        assert_eq!(wake_op(encoded, 1), (4, false));
        // op = set -1, compare old == -2
        let encoded = 0xfff << 12 | 0xffe;
        assert_eq!(wake_op(encoded, -2), (-1, true));
        // op = or 1 << 4
        assert_eq!(wake_op(2 << 28 | 8 << 28 | 4 << 12, 0), (16, true));
    }
}
