//! Numbers by value: `7`, `7N`, `7.0` and `70e-1` are one number, and none of them is the text `"7"`.

use super::Datum;

/// Whole numbers up to so many digits are written out; longer ones keep their exponent.
const LONGEST_PLAIN: usize = 60;

/// The number that a token of JSON or EDN stands for, or `None` if it is no number.
///
/// Taken are an optional sign, digits, a fraction, an exponent, and EDN's suffixes `N` and `M`; also
/// ratios of whole numbers, `3/4`, as far as they fit 128 bits.
pub(crate) fn parse(token: &str) -> Option<Datum> {
    if let Some(number) = small(token.as_bytes()) {
        return Some(Datum::Integer(number));
    }
    if let Some((above, below)) = token.split_once('/') {
        return ratio(above, below);
    }
    let (is_negative, rest) = match token.as_bytes().first()? {
        b'-' => (true, &token[1..]),
        b'+' => (false, &token[1..]),
        _ => (false, token),
    };
    let rest = rest.strip_suffix(['N', 'M']).unwrap_or(rest);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let digits = [whole, fraction].concat();
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    Some(canonical(is_negative, &digits, exponent))
}

/// A whole number as nearly all are: at most 18 digits, perhaps with a minus.
pub(crate) fn small(token: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match token.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, token),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(if is_negative { -number } else { number })
}

fn ratio(above: &str, below: &str) -> Option<Datum> {
    let (above, below) = (above.parse::<i128>().ok()?, below.parse::<i128>().ok()?);
    if below <= 0 {
        return None;
    }
    let divisor = gcd(above.unsigned_abs(), below.unsigned_abs());
    let divisor = i128::try_from(divisor).ok()?;
    let (above, below) = (above / divisor, below / divisor);
    match (below, i64::try_from(above)) {
        (1, Ok(whole)) => Some(Datum::Integer(whole)),
        (1, Err(_)) => Some(Datum::Number(above.to_string().into())),
        _ => Some(Datum::Number(format!("{above}/{below}").into())),
    }
}

fn gcd(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

/// One form for each value: the digits without superfluous zeros, and the exponent.
fn canonical(is_negative: bool, digits: &str, exponent: i64) -> Datum {
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Datum::Integer(0);
    }
    let zeros = digits.len() - significant.len();
    let exponent = exponent.saturating_add(i64::try_from(zeros).unwrap_or(i64::MAX));
    let sign = if is_negative { "-" } else { "" };
    if let Ok(zeros) = usize::try_from(exponent)
        && significant.len().saturating_add(zeros) <= LONGEST_PLAIN
    {
        let text = format!("{sign}{significant}{}", "0".repeat(zeros));
        return match text.parse() {
            Ok(number) => Datum::Integer(number),
            Err(_) => Datum::Number(text.into()),
        };
    }
    let behind = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
    if exponent < 0 && behind <= LONGEST_PLAIN {
        let padded = format!("{significant:0>width$}", width = behind + 1);
        let (whole, fraction) = padded.split_at(padded.len() - behind);
        return Datum::Number(format!("{sign}{whole}.{fraction}").into());
    }
    let exponent = if exponent == 0 { String::new() } else { format!("e{exponent}") };
    Datum::Number(format!("{sign}{significant}{exponent}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_form() {
        for (tokens, form) in [
            (&["7", "7N", "7.0", "7M", "70e-1", "0.7E1", "+7", "14/2"][..], "7"),
            (&["1.0", "1.00", "1.0M", "1"], "1"),
            (&["-0", "0.0", "0e99", "-0.00M"], "0"),
            (&["1.5", "1.50", "15e-1", "1.5M"], "1.5"),
            (&["-0.25", "-25e-2"], "-0.25"),
            (&["3/4", "6/8"], "3/4"),
            (&["9223372036854775808", "9223372036854775808N"], "9223372036854775808"),
            (&["1e400", "10e399"], "1e400"),
            (&["1e-400"], "1e-400"),
            (&["-9223372036854775808"], "-9223372036854775808"),
        ] {
            for token in tokens {
                assert_eq!(parse(token).unwrap().to_string(), form, "{token}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for token in
            ["", "-", "x", "1x", ".5", "1e", "1e5000000000000000000000", "1/0", "NaN", "0x1"]
        {
            assert_eq!(parse(token), None, "{token}");
        }
    }
}
