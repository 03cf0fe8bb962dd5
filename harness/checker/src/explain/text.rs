//! Strings that were appended to: what they are made of, lack, or hold twice.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Teller, is_read};
use crate::event::F;
use crate::history::content::{Content, content};
use crate::history::{Operation, Value};
use crate::witness::Anomaly;

/// Longer texts, and more parts, are not taken apart.
const LONGEST_TEXT: usize = 100_000;
const MOST_PARTS: usize = 2_000;

/// What a key's history says of its strings.
struct Parts<'a> {
    /// Where a string may begin: the empty one, and what was put.
    starts: Vec<&'a str>,
    /// What was appended, without what is empty.
    appended: FxHashMap<&'a [u8], Value>,
    /// How long these are.
    lengths: Vec<usize>,
    /// The operations that made it.
    appends: FxHashMap<Value, Vec<&'a Operation>>,
}

/// What a string is made of.
enum Made {
    /// Of nothing that was put or appended.
    Nowhere,
    /// Of these parts, in only one way.
    Of(Vec<Value>),
    /// In several ways.
    Unclear,
}

impl<'a> Teller<'a> {
    pub(super) fn text(&self) -> Option<(Anomaly, String)> {
        if !self.has_appends || content(self.history, self.all, self.initial) != Content::Text {
            return None;
        }
        let parts = self.parts()?;
        self.reads()
            .find_map(|read| match parts.made(self.string(read.result)) {
                Made::Nowhere => {
                    let what = format!("{}. No client put or appended that.", self.begins(read));
                    Some((Anomaly::GarbageRead, what))
                }
                Made::Of(made) => self
                    .part_from_the_future(&parts, read, &made)
                    .or_else(|| self.part_held_twice(&parts, read, &made))
                    .or_else(|| self.part_lacking(&parts, read, &made))
                    .or_else(|| self.goes_back(&parts, read, &made)),
                Made::Unclear => None,
            })
            .or_else(|| self.apart())
    }

    /// A value of a key that holds texts.
    fn string(&self, value: Value) -> &'a str {
        self.history.text(value).unwrap_or_default()
    }

    fn parts(&self) -> Option<Parts<'a>> {
        let mut appends: FxHashMap<Value, Vec<&Operation>> = FxHashMap::default();
        let mut starts = FxHashSet::default();
        for op in self.all.iter().copied() {
            match op.f {
                F::Append => appends.entry(op.argument).or_default().push(op),
                F::Put | F::Cas if !op.refused => {
                    starts.insert(op.argument);
                }
                _ => {}
            }
        }
        let text = |value: Value| self.string(value);
        let starts = starts.into_iter().chain([self.initial]).map(text).collect();
        let appended: FxHashMap<&[u8], Value> = appends
            .keys()
            .map(|&value| (text(value).as_bytes(), value))
            .filter(|(part, _)| !part.is_empty())
            .collect();
        let mut lengths: Vec<usize> = appended.keys().map(|part| part.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let is_few = appended.len() <= MOST_PARTS;
        is_few.then_some(Parts { starts, appended, lengths, appends })
    }

    fn part_from_the_future(
        &self,
        parts: &Parts<'_>,
        read: &Operation,
        made: &[Value],
    ) -> Option<(Anomaly, String)> {
        let early =
            |part: &&Value| parts.appends[part].iter().all(|append| append.invoke > read.complete);
        let append = parts.appends[made.iter().find(early)?].first()?;
        let what = format!("{}. But {} began only later.", self.begins(read), self.told(append));
        Some((Anomaly::FutureRead, what))
    }

    fn part_held_twice(
        &self,
        parts: &Parts<'_>,
        read: &Operation,
        made: &[Value],
    ) -> Option<(Anomaly, String)> {
        let mut counts: FxHashMap<Value, usize> = FxHashMap::default();
        for &part in made {
            *counts.entry(part).or_default() += 1;
        }
        let times = |part: Value| counts[&part];
        let part = *made.iter().find(|&&part| times(part) > parts.appends[&part].len())?;
        let appends = &parts.appends[&part];
        let what = format!(
            "{}, which holds {} {} times. But it was appended only {}, by {}.",
            self.begins(read),
            self.history.value(part),
            times(part),
            match appends.len() {
                1 => "once".to_owned(),
                count => format!("{count} times"),
            },
            self.told(appends.first()?)
        );
        Some((Anomaly::DuplicatedWrite, what))
    }

    /// A part whose append was over before the read began, where nothing was ever put.
    fn part_lacking(
        &self,
        parts: &Parts<'_>,
        read: &Operation,
        made: &[Value],
    ) -> Option<(Anomaly, String)> {
        if self.all.iter().any(|op| op.f == F::Put) {
            return None;
        }
        let append = self.core.iter().copied().find(|op| {
            op.f == F::Append
                && op.complete < read.invoke
                && parts.appends[&op.argument].len() == 1
                && !self.string(op.argument).is_empty()
                && !made.contains(&op.argument)
        })?;
        let holds = |op: &&&Operation| {
            is_read(op)
                && op.complete > read.invoke
                && match parts.made(self.string(op.result)) {
                    Made::Of(made) => made.contains(&append.argument),
                    Made::Nowhere | Made::Unclear => false,
                }
        };
        let (kind, end) = match self.all.iter().find(holds) {
            Some(later) => {
                (Anomaly::StaleRead, format!("Later {} returned it again", self.told(later)))
            }
            None => match self.still_there(append, read) {
                Some(there) => (Anomaly::StaleRead, there.trim_end_matches('.').to_owned()),
                None => (Anomaly::LostWrite, "No later read returned it".to_owned()),
            },
        };
        let (what, gap) = (self.begins(read), self.gap(append, read));
        let appended = self.did(append);
        Some((kind, format!("{what}. But {appended}, and was over {gap}. {end}.")))
    }

    /// A string that another read had seen continued before. Its last part was appended once: so
    /// it was that string at one time only, before it was continued.
    fn goes_back(
        &self,
        parts: &Parts<'_>,
        read: &Operation,
        made: &[Value],
    ) -> Option<(Anomaly, String)> {
        if parts.appends[made.last()?].len() > 1 {
            return None;
        }
        let text = self.string(read.result);
        let continues = |op: &Operation| {
            is_read(op) && op.result != read.result && self.string(op.result).starts_with(text)
        };
        let before = self.reads().find(|op| op.complete < read.invoke && continues(op))?;
        let again = self.all.iter().find(|op| op.complete > read.invoke && continues(op));
        let (kind, end) = match again {
            Some(later) => (Anomaly::StaleRead, format!("Later {} saw it again", self.told(later))),
            None => (Anomaly::LostWrite, "No later read saw it".to_owned()),
        };
        let what = format!(
            "{}. But {} had already seen more. {end}.",
            self.begins(read),
            self.told(before)
        );
        Some((kind, what))
    }

    /// Two strings of which neither is the beginning of the other, where nothing was ever put.
    fn apart(&self) -> Option<(Anomaly, String)> {
        if self.all.iter().any(|op| op.f == F::Put) {
            return None;
        }
        let text = |op: &Operation| self.string(op.result);
        let mut by_length: Vec<&str> = self.reads().map(&text).collect();
        by_length.sort_unstable_by_key(|text| text.len());
        if by_length.windows(2).all(|pair| pair[1].starts_with(pair[0])) {
            return None;
        }
        let (one, other) = self.reads().find_map(|one| {
            let apart = |other: &&Operation| {
                !text(one).starts_with(text(other)) && !text(other).starts_with(text(one))
            };
            self.reads().find(apart).map(|other| (one, other))
        })?;
        let what = format!(
            "{}, and {}. Neither continues the other, and nothing was ever put.",
            self.begins(one),
            self.did(other)
        );
        Some((Anomaly::DivergentReads, what))
    }
}

impl Parts<'_> {
    fn made(&self, text: &str) -> Made {
        if text.len() > LONGEST_TEXT {
            return Made::Unclear;
        }
        // By position: how many ways lead there, two standing for many, and over which part.
        let mut ways: Vec<(u8, Option<(usize, Value)>)> = vec![(0, None); text.len() + 1];
        for start in &self.starts {
            if text.starts_with(start) {
                ways[start.len()].0 = 1;
            }
        }
        for at in 0..text.len() {
            let here = ways[at].0;
            if here == 0 {
                continue;
            }
            for &length in self.lengths.iter().take_while(|&&length| at + length <= text.len()) {
                if let Some(&part) = self.appended.get(&text.as_bytes()[at..at + length]) {
                    let there = &mut ways[at + length];
                    *there = (2.min(there.0 + here), Some((length, part)));
                }
            }
        }
        match ways[text.len()].0 {
            0 => Made::Nowhere,
            1 => {
                let mut made = Vec::new();
                let mut at = text.len();
                while let Some((length, part)) = ways[at].1 {
                    made.push(part);
                    at -= length;
                }
                made.reverse();
                Made::Of(made)
            }
            _ => Made::Unclear,
        }
    }
}
