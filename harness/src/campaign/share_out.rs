//! Items shared out to threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does `work` for each item, so many at the same time, as long as `goes_on`. What came of each is in the order
/// of the items; those that were not begun are left out.
pub fn share_out<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    goes_on: impl Fn() -> bool + Sync,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_once.min(items.len()) {
            scope.spawn(|| {
                while goes_on() {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(n) else { return };
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((n, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn what_came_of_each_is_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        for at_once in [1, 3, 200] {
            let doubled = share_out(&items, at_once, || true, |item| 2 * item);
            assert_eq!(doubled, (0..100).map(|item| 2 * item).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_is_begun_when_it_goes_on_no_more() {
        let is_over = AtomicBool::new(false);
        let begun = share_out(
            &[1, 2, 3],
            1,
            || !is_over.load(Ordering::SeqCst),
            |&item| {
                is_over.store(item == 2, Ordering::SeqCst);
                item
            },
        );
        assert_eq!(begun, [1, 2]);
    }
}
