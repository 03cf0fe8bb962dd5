//! Delta debugging (Zeller and Hildebrandt, 2002): the fewest items that still fail.

/// Of `items`, which fail, few that still do: leaving out any one of them passes, unless the closure
/// stopped answering. `fails` says whether these fail; `None`: it may not be asked any more.
pub fn fewest<T: Clone>(items: &[T], mut fails: impl FnMut(&[T]) -> Option<bool>) -> Vec<T> {
    let mut kept = items.to_vec();
    let mut chunk = kept.len().max(1);
    loop {
        let mut has_shrunk = false;
        let mut end = kept.len();
        while end > 0 {
            let start = end.saturating_sub(chunk);
            let fewer = [&kept[..start], &kept[end..]].concat();
            match fails(&fewer) {
                None => return kept,
                Some(true) => {
                    kept = fewer;
                    has_shrunk = true;
                }
                Some(false) => {}
            }
            end = start.min(kept.len());
        }
        if chunk == 1 && !has_shrunk {
            return kept;
        }
        chunk = chunk.div_ceil(2).min(kept.len().max(1)).max(1);
    }
}

/// How often a candidate is run before it counts as passing, if the failure came `failed` of `runs`
/// times: a candidate that fails as often is then missed once in ten times at most.
pub fn tries(failed: u32, runs: u32) -> u32 {
    const MOST: u32 = 10;
    let rate = f64::from(failed) / f64::from(runs.max(1));
    if rate >= 1.0 {
        return 1;
    }
    (1..MOST).find(|&n| (1.0 - rate).powi(n.cast_signed()) <= 0.1).unwrap_or(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_that_matter_are_left_of_many() {
        let items: Vec<u32> = (0..50).collect();
        let mut asked = 0;
        let kept = fewest(&items, |some| {
            asked += 1;
            Some(some.contains(&17) && some.contains(&42))
        });
        assert_eq!(kept, [17, 42]);
        assert!(asked < 100, "{asked} trials");
    }

    #[test]
    fn nothing_is_left_if_nothing_matters_and_everything_if_all_does() {
        assert!(fewest(&[1, 2, 3], |_| Some(true)).is_empty());
        assert_eq!(fewest(&[1, 2, 3], |some| Some(some.len() == 3)), [1, 2, 3]);
        assert!(fewest::<u8>(&[], |_| Some(true)).is_empty());
    }

    #[test]
    fn a_budget_that_ends_keeps_what_is_known_to_fail() {
        let mut left = 3;
        let kept = fewest(&[1, 2, 3, 4], |some| {
            left -= 1;
            (left > 0).then(|| some.contains(&1))
        });
        assert!(kept.contains(&1));
    }

    #[test]
    fn rare_failures_are_tried_more_often() {
        assert_eq!([tries(5, 5), tries(4, 5), tries(1, 2), tries(1, 10)], [1, 2, 4, 10]);
    }
}
