//! How far a measured rate may be off.

/// Wilson's interval at 95 % for `hits` of `trials` (Wilson 1927; Brown, Cai and `DasGupta` 2001 on why it
/// and not the textbook's: it holds for few trials and for rates of 0 and 1). Both ends are fractions.
pub fn wilson(hits: usize, trials: usize) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    if trials == 0 {
        return (0.0, 1.0);
    }
    let (n, rate) = (trials as f64, hits as f64 / trials as f64);
    let middle = rate + Z * Z / (2.0 * n);
    let reach = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_tables() {
        let near = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!(
                (low - expected.0).abs() < 5e-4 && (high - expected.1).abs() < 5e-4,
                "{low} {high}"
            );
        };
        near(wilson(0, 200), (0.0, 0.0188));
        near(wilson(10, 102), (0.0541, 0.1711));
        near(wilson(5, 10), (0.2366, 0.7634));
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }
}
