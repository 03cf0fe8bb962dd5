//! Something about each value of one key.
//!
//! Values are numbers, in the order in which a history names them. So those of a history with few keys lie
//! close together, and a list by number is several times faster than a hash table, and smaller. Where the
//! numbers are too far apart for a list, a hash table it is.

use std::ops::Index;

use rustc_hash::FxHashMap;

use crate::history::Value;

/// So many numbers a list may have for each value that is in use, and so many besides.
const ROOM_PER_VALUE: usize = 4;
const ROOM: usize = 1024;

/// The place of a value that is not there.
const NOWHERE: u32 = u32::MAX;

/// Items by value, in the order in which they were put there.
#[derive(Debug, Clone)]
pub(crate) struct ByValue<T> {
    places: Places,
    items: Vec<T>,
}

/// The places of the items.
#[derive(Debug, Clone)]
enum Places {
    /// By the number of the value.
    Near(Vec<u32>),
    Far(FxHashMap<Value, u32>),
}

impl<T> ByValue<T> {
    pub(crate) fn new() -> Self {
        ByValue { places: Places::Near(Vec::new()), items: Vec::new() }
    }

    /// Puts an item there, unless the value has one. Returns whether it had none.
    pub(crate) fn insert(&mut self, value: Value, item: T) -> bool {
        let place = u32::try_from(self.items.len()).expect("fewer values than operations");
        let is_new = self.places.insert(value, place);
        if is_new {
            self.items.push(item);
        }
        is_new
    }

    /// The place of a value in the order.
    pub(crate) fn place(&self, value: Value) -> Option<u32> {
        self.places.get(value)
    }

    pub(crate) fn get(&self, value: Value) -> Option<&T> {
        self.place(value).map(|place| &self.items[place as usize])
    }

    pub(crate) fn get_mut(&mut self, value: Value) -> Option<&mut T> {
        self.place(value).map(|place| &mut self.items[place as usize])
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The items, in their order.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    pub(crate) fn into_items(self) -> Vec<T> {
        self.items
    }
}

impl<T> Index<Value> for ByValue<T> {
    type Output = T;

    fn index(&self, value: Value) -> &T {
        self.get(value).expect("only values that are there are looked up so")
    }
}

impl Places {
    fn get(&self, value: Value) -> Option<u32> {
        match self {
            Places::Near(places) => {
                places.get(value.0 as usize).copied().filter(|&place| place != NOWHERE)
            }
            Places::Far(places) => places.get(&value).copied(),
        }
    }

    /// Notes a place, the next one, unless the value has one. Returns whether it had none.
    fn insert(&mut self, value: Value, place: u32) -> bool {
        let number = value.0 as usize;
        match self {
            Places::Near(places) if number < ROOM + ROOM_PER_VALUE * place as usize => {
                if number >= places.len() {
                    places.resize(number + 1, NOWHERE);
                }
                let known = &mut places[number];
                let is_new = *known == NOWHERE;
                if is_new {
                    *known = place;
                }
                is_new
            }
            Places::Near(places) => {
                let known = (0u32..).map(Value).zip(places.iter().copied());
                *self = Places::Far(known.filter(|&(_, place)| place != NOWHERE).collect());
                self.insert(value, place)
            }
            Places::Far(places) => {
                let len = places.len();
                places.entry(value).or_insert(place);
                places.len() > len
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rustc_hash::FxHashMap;

    use super::{ByValue, Places};
    use crate::history::Value;

    #[test]
    fn it_is_a_map_however_far_apart_the_values_are() {
        let mut far = 0;
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let apart = [1, 3, 5, 40, 1_000_000][rng.random_range(0..5)];
            let mut by_value = ByValue::new();
            let mut map: FxHashMap<Value, u32> = FxHashMap::default();
            let mut order = Vec::new();
            for at in 0..2_000 {
                let value = Value(rng.random_range(0..=at * apart));
                let is_new = !map.contains_key(&value);
                assert_eq!(by_value.insert(value, at), is_new, "seed {seed}, {value:?}");
                if is_new {
                    map.insert(value, at);
                    order.push(at);
                }
            }
            assert_eq!(by_value.items(), order, "seed {seed}");
            for value in (0..2_100 * apart).step_by(apart as usize / 3 + 1).map(Value) {
                assert_eq!(by_value.get(value), map.get(&value), "seed {seed}, {value:?}");
            }
            far += usize::from(matches!(by_value.places, Places::Far(_)));
        }
        assert!((50..150).contains(&far), "{far} of 200 are far apart");
    }
}
