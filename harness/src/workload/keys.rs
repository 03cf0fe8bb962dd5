//! Which key an operation works on: a few at a time, of which some are used more than others. Most have their time and
//! make room for new ones, so that no key's history grows without end; the first lives on.

use std::sync::Arc;

use super::Draws;

/// So many writes each key but the first has, then a new one takes its place.
const WRITES: u32 = 200;

/// This fraction of the operations goes to the first key.
const HOT: f64 = 0.25;

/// The keys in use.
#[derive(Clone, Debug)]
pub struct Keys {
    current: Vec<Key>,
    all: Vec<Arc<str>>,
}

#[derive(Clone, Debug)]
struct Key {
    name: Arc<str>,
    left: u32,
}

impl Keys {
    /// So many at a time, at least one.
    pub fn new(count: usize) -> Self {
        let mut keys = Self { current: Vec::new(), all: Vec::new() };
        for _ in 0..count.max(1) {
            let key = keys.fresh();
            keys.current.push(key);
        }
        keys
    }

    fn fresh(&mut self) -> Key {
        let name: Arc<str> = self.all.len().to_string().into();
        self.all.push(Arc::clone(&name));
        Key { name, left: WRITES }
    }

    /// The key that is asked for; a write takes one of the writes that it has.
    pub fn choose(&mut self, draws: &mut Draws, is_write: bool) -> Arc<str> {
        let count = self.current.len();
        let at = if draws.is(HOT) { 0 } else { draws.below(count) };
        let name = Arc::clone(&self.current[at].name);
        if is_write && at > 0 {
            self.current[at].left -= 1;
            if self.current[at].left == 0 {
                self.current[at] = self.fresh();
            }
        }
        name
    }

    /// All keys that were ever in use, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<str>> {
        self.all.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::seed::Seed;

    #[test]
    fn keys_make_room_for_new_ones_but_the_first_lives_on() {
        let mut keys = Keys::new(3);
        let mut draws = Draws::new(Seed(1));
        let mut writes: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        for _ in 0..2000 {
            *writes.entry(keys.choose(&mut draws, true)).or_default() += 1;
        }
        assert!(keys.all().count() > 5);
        assert!(writes["0"] > 2 * WRITES);
        assert!(writes.iter().all(|(name, count)| **name == *"0" || *count <= WRITES));
        assert!(keys.current.iter().any(|key| *key.name == *"0"));
    }
}
