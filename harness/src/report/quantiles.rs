//! Percentiles of latencies.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The distribution of at least one latency.
///
/// Percentiles are of the nearest rank: the p-th is the smallest value such that at least p percent
/// of all values are not above it. It is always a value that was measured, never interpolated;
/// of few values the upper percentiles are therefore the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// How many values.
    pub count: u64,
    /// The arithmetic mean, rounded down to a nanosecond.
    #[serde(rename = "mean_us", serialize_with = "as_micros")]
    pub mean: Duration,
    /// The median.
    #[serde(rename = "p50_us", serialize_with = "as_micros")]
    pub p50: Duration,
    /// The 90th percentile.
    #[serde(rename = "p90_us", serialize_with = "as_micros")]
    pub p90: Duration,
    /// The 95th percentile.
    #[serde(rename = "p95_us", serialize_with = "as_micros")]
    pub p95: Duration,
    /// The 99th percentile.
    #[serde(rename = "p99_us", serialize_with = "as_micros")]
    pub p99: Duration,
    /// The 99.9th percentile.
    #[serde(rename = "p99_9_us", serialize_with = "as_micros")]
    pub p99_9: Duration,
    /// The largest value.
    #[serde(rename = "max_us", serialize_with = "as_micros")]
    pub max: Duration,
}

impl Quantiles {
    /// The distribution of `values`; `None` if there are none.
    pub fn of(values: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut sorted: Vec<Duration> = values.into_iter().collect();
        sorted.sort_unstable();
        let max = *sorted.last()?;
        let sum: u128 = sorted.iter().map(Duration::as_nanos).sum();
        let mean = u64::try_from(sum / sorted.len() as u128).unwrap_or(u64::MAX);
        Some(Self {
            count: sorted.len() as u64,
            mean: Duration::from_nanos(mean),
            p50: nearest_rank(&sorted, 500),
            p90: nearest_rank(&sorted, 900),
            p95: nearest_rank(&sorted, 950),
            p99: nearest_rank(&sorted, 990),
            p99_9: nearest_rank(&sorted, 999),
            max,
        })
    }
}

/// The value at `per_mille` thousandths of `sorted`, which is not empty.
fn nearest_rank(sorted: &[Duration], per_mille: usize) -> Duration {
    let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
    sorted[rank - 1]
}

/// Microseconds with three decimals, exact to the nanosecond, as every CSV file writes them.
pub fn micros(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}

fn as_micros<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_nanos() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(values: impl IntoIterator<Item = u64>) -> Option<Quantiles> {
        Quantiles::of(values.into_iter().map(Duration::from_nanos))
    }

    #[test]
    fn a_hundred_values_have_themselves_as_percentiles() {
        let quantiles = nanos((1..=100).rev()).unwrap();
        let of = |duration: Duration| duration.as_nanos();
        assert_eq!(of(quantiles.p50), 50);
        assert_eq!(of(quantiles.p90), 90);
        assert_eq!(of(quantiles.p95), 95);
        assert_eq!(of(quantiles.p99), 99);
        assert_eq!(of(quantiles.p99_9), 100);
        assert_eq!(of(quantiles.max), 100);
        assert_eq!(of(quantiles.mean), 50);
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(nanos([]), None);
    }

    #[test]
    fn microseconds_keep_every_nanosecond() {
        assert_eq!(micros(Duration::from_nanos(7)), "0.007");
        assert_eq!(micros(Duration::from_nanos(1_234_567)), "1234.567");
        assert_eq!(micros(Duration::from_secs(60)), "60000000.000");
    }

    proptest! {
        #[test]
        fn a_percentile_is_the_smallest_measured_value_that_covers_its_share(
            values in proptest::collection::vec(0_u64..1000, 1..300),
        ) {
            let quantiles = nanos(values.iter().copied()).unwrap();
            let shares = [
                (quantiles.p50, 500),
                (quantiles.p90, 900),
                (quantiles.p95, 950),
                (quantiles.p99, 990),
                (quantiles.p99_9, 999),
                (quantiles.max, 1000),
            ];
            for (quantile, per_mille) in shares {
                let covered = |limit: u64| {
                    values.iter().filter(|value| **value <= limit).count() * 1000
                        >= values.len() * per_mille
                };
                let value = u64::try_from(quantile.as_nanos()).unwrap();
                prop_assert!(values.contains(&value), "{value} was never measured");
                prop_assert!(covered(value), "{value} covers too little for {per_mille}");
                let below = values.iter().copied().filter(|v| *v < value).max();
                prop_assert!(!below.is_some_and(covered), "{value} is not the smallest");
            }
            prop_assert!(quantiles.mean <= quantiles.max);
            prop_assert_eq!(quantiles.count, values.len() as u64);
        }
    }
}
