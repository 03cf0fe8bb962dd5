//! A share of the processors for all replicas together, in virtual time: what they used more than their share in a period
//! they stand still for afterwards.

use supervisor::VirtualTime;

use crate::time::RunTime;

/// The time over which a share is counted, in nanoseconds: the kernel's own default.
const PERIOD: u64 = 100_000_000;

/// What the replicas may use, and what they do now.
#[derive(Debug)]
pub(super) struct Quota {
    /// Of one processor.
    share: f64,
    /// When this is looked at next.
    next: VirtualTime,
    /// What they had used when the period began.
    used: u64,
    is_held: bool,
}

impl Quota {
    /// The replicas begin with this share of one processor; more than one is as good as all.
    pub(super) fn of(share: f64) -> Self {
        Self { share, next: VirtualTime(PERIOD), used: 0, is_held: false }
    }

    /// When it is looked at next.
    pub(super) fn next_at(&self) -> VirtualTime {
        self.next
    }

    /// They have used so much until now, in nanoseconds. Returns whether they stand still from now on, if that changes.
    pub(super) fn due(&mut self, now: VirtualTime, used: u64) -> Option<bool> {
        if self.next > now {
            return None;
        }
        // A replica that was started again begins from nothing.
        let owed = used.saturating_sub(self.used) as f64 / self.share;
        self.used = used;
        let too_much = owed - PERIOD as f64;
        if !self.is_held && too_much > 0.0 {
            self.next = now.plus(RunTime::from_secs_f64(too_much / 1e9).0);
            self.is_held = true;
            return Some(true);
        }
        self.next = now.plus(PERIOD);
        std::mem::take(&mut self.is_held).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_too_much_is_made_up_for() {
        let ms = |ms: u64| ms * 1_000_000;
        let mut quota = Quota::of(0.25);
        assert_eq!(quota.due(VirtualTime(ms(99)), ms(90)), None, "it is not looked at yet");
        assert_eq!(quota.due(VirtualTime(ms(100)), ms(25)), None, "just its share");
        assert_eq!(quota.due(VirtualTime(ms(200)), ms(75)), Some(true));
        assert_eq!(quota.next_at(), VirtualTime(ms(300)), "50 ms of a quarter: 200 ms in all");
        assert_eq!(quota.due(VirtualTime(ms(300)), ms(75)), Some(false));
        assert_eq!(quota.due(VirtualTime(ms(400)), ms(75)), None);
    }
}
