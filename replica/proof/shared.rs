//! Values that many states of the model have in common, kept once.
//!
//! A state differs from the one before it in a replica and a few messages, and the same replica, message or
//! history turns up in thousands of states. A breadth-first search keeps millions of states whole: with
//! their parts shared each of them is a handful of pointers.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// A value that others may hold too, with its hash at hand.
pub struct Shared<T>(Arc<Hashed<T>>);

#[derive(Clone)]
struct Hashed<T> {
    hash: u64,
    /// Whether the value may have changed since it was hashed.
    stale: bool,
    value: T,
}

impl<T> Shared<T> {
    /// A value of one's own. It must be given to a pool before it is hashed or compared.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Hashed { hash: 0, stale: true, value }))
    }
}

impl<T: Clone> Shared<T> {
    /// To change the value here and nowhere else: as if it were new.
    pub fn edit(&mut self) -> &mut T {
        let hashed = Arc::make_mut(&mut self.0);
        hashed.stale = true;
        &mut hashed.value
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.hash == other.0.hash && self.0.value == other.0.value)
    }
}

impl<T: PartialEq> Eq for Shared<T> {}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(!self.0.stale, "shared before it is hashed");
        state.write_u64(self.0.hash);
    }
}

/// An order that means nothing, but is the same in every run.
impl<T: PartialEq + fmt::Debug> Ord for Shared<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_hash = self.0.hash.cmp(&other.0.hash);
        if by_hash != Ordering::Equal || self == other {
            return by_hash;
        }
        format!("{self:?}").cmp(&format!("{other:?}"))
    }
}

impl<T: PartialEq + fmt::Debug> PartialOrd for Shared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The one copy of every value in use.
pub struct Pool<T>(Mutex<Copies<T>>);

struct Copies<T> {
    copies: HashSet<Shared<T>>,
    /// How many copies there may be before unused ones are thrown out.
    limit: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::new(Copies { copies: HashSet::new(), limit: 1 << 12 }))
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl<T: Clone + Hash + PartialEq> Pool<T> {
    /// Puts the one copy of this value in its place, or makes it that copy.
    pub fn share(&self, shared: &mut Shared<T>) {
        if !shared.0.stale {
            return;
        }
        let hashed = Arc::make_mut(&mut shared.0);
        hashed.hash = hash(&hashed.value);
        hashed.stale = false;
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = pool.copies.get(shared) {
            *shared = copy.clone();
            return;
        }
        if pool.copies.len() >= pool.limit {
            pool.copies.retain(|copy| Arc::strong_count(&copy.0) > 1);
            pool.limit = 2 * pool.copies.len().max(1 << 12);
        }
        pool.copies.insert(shared.clone());
    }
}
