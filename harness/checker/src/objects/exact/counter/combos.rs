//! Numbers of additions of each amount that together make up a sum.
//!
//! Group by group, as many are taken as the groups that follow can still make up for: no less than
//! brings them within reach, no more than leaves them something to do, and so that what remains is a
//! multiple of what their amounts have in common.

use super::gcd;
use crate::budget::{Limit, Meter};
use crate::memory;

/// Additions of one amount that may be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) amount: i128,
    pub(super) most: u32,
    /// Whether those are open: taken only if all that are not, of the same amount, are.
    pub(super) is_open: bool,
}

/// What is chosen of a group, and what remains to be chosen.
#[derive(Debug, Clone, Copy)]
struct Level {
    count: u32,
    last: u32,
    rest: i128,
}

/// All choices, one after another.
#[derive(Debug)]
pub(super) struct Combos {
    groups: Vec<Group>,
    /// From each group on: the least and the most that can be made up, and the common divisor.
    reach: Vec<(i128, i128, i128)>,
    /// Their sum, unless it may be any.
    target: Option<i128>,
    levels: Vec<Level>,
    is_begun: bool,
}

impl Combos {
    pub(super) fn new(groups: Vec<Group>, target: Option<i128>) -> Self {
        let mut reach = vec![(0, 0, 0); groups.len() + 1];
        for (at, group) in groups.iter().enumerate().rev() {
            let (least, most, step) = reach[at + 1];
            let all = group.amount * i128::from(group.most);
            reach[at] = (least + all.min(0), most + all.max(0), gcd(step, group.amount));
        }
        Combos { groups, reach, target, levels: Vec::new(), is_begun: false }
    }

    /// What it takes in memory, once there is a level for each group.
    pub(super) fn memory_bytes(&self) -> usize {
        let levels = memory::block(2 * self.groups.len() * size_of::<Level>());
        memory::list(&self.groups) + memory::list(&self.reach) + levels
    }

    /// The next choice: how many of each group.
    pub(super) fn next(&mut self, meter: &mut Meter<'_>) -> Result<Option<Vec<u32>>, Limit> {
        if self.is_begun && !self.advance() {
            return Ok(None);
        }
        self.is_begun = true;
        loop {
            let at = self.levels.len();
            let target = self.target.unwrap_or(0);
            let rest = self.levels.last().map_or(target, |level| level.rest);
            if at == self.groups.len() && (rest == 0 || self.target.is_none()) {
                return Ok(Some(self.levels.iter().map(|level| level.count).collect()));
            }
            meter.step(0, || 0)?;
            meter.work(at)?;
            let entered = at < self.groups.len() && self.enter(at, rest);
            if !entered && !self.advance() {
                return Ok(None);
            }
        }
    }

    /// Begins to choose of a group.
    fn enter(&mut self, at: usize, rest: i128) -> bool {
        let Some((fewest, most)) = self.range(at, rest) else { return false };
        let Group { amount, is_open, .. } = self.groups[at];
        // Of those that will be over soon, as many as can be; of others, as few.
        let (count, last) = if is_open { (fewest, most) } else { (most, fewest) };
        self.levels.push(Level { count, last, rest: rest - amount * i128::from(count) });
        self.fits(at) || self.advance()
    }

    /// How many of a group can be taken.
    fn range(&self, at: usize, rest: i128) -> Option<(u32, u32)> {
        let Group { amount, most, is_open } = self.groups[at];
        let (least_left, most_left, _) = self.reach[at + 1];
        let bounds = (rest - most_left, rest - least_left);
        let (low, high) = if amount > 0 { bounds } else { (-bounds.1, -bounds.0) };
        let size = amount.abs();
        let (mut fewest, mut most) = (0, i128::from(most));
        if self.target.is_some() {
            fewest = (low + size - 1).div_euclid(size).max(0);
            most = most.min(high.div_euclid(size));
        }
        let chosen = || self.groups.iter().zip(&self.levels);
        let excludes = |(group, level): (&Group, &Level)| {
            let is_undone = group.amount == -amount && level.count > 0;
            let comes_first = is_open && group.amount == amount && level.count < group.most;
            is_undone || comes_first
        };
        if chosen().any(excludes) {
            most = most.min(0);
        }
        (fewest <= most).then(|| u32::try_from(fewest).ok().zip(u32::try_from(most).ok()))?
    }

    fn fits(&self, at: usize) -> bool {
        let (_, _, step) = self.reach[at + 1];
        let rest = self.levels[at].rest;
        self.target.is_none() || rest == 0 || (step != 0 && rest % step == 0)
    }

    /// Goes on to the next number of the last group that has one.
    fn advance(&mut self) -> bool {
        while let Some(at) = self.levels.len().checked_sub(1) {
            let level = &mut self.levels[at];
            let Group { amount, is_open, .. } = self.groups[at];
            if level.count == level.last {
                self.levels.pop();
                continue;
            }
            if is_open {
                level.count += 1;
                level.rest -= amount;
            } else {
                level.count -= 1;
                level.rest += amount;
            }
            if self.fits(at) {
                return true;
            }
        }
        false
    }
}
