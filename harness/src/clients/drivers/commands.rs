//! A folder of commands: each operation is one command, whose exit status is the answer.

use checker::Datum;

use super::{Answer, Asked, halves, plain, shown, typed};

/// The exit status that means that the operation certainly took no effect. Not 1: that is what a shell or an
/// interpreter ends with whenever something goes wrong.
pub const NOT_DONE: i32 = 3;

/// The arguments of the command for an operation: the key, then what is given, as plain text.
pub fn arguments(asked: Asked<'_>) -> Vec<String> {
    let mut arguments = vec![asked.key.to_owned()];
    match halves(asked.value) {
        Some((old, new)) if asked.f == checker::F::Cas => {
            arguments.extend([plain(old), plain(new)]);
        }
        _ if asked.value.is_nil() => {}
        _ => arguments.push(plain(asked.value)),
    }
    arguments
}

/// What the end of a command means for its operation: its exit status, if it ended by itself, how it ended in words,
/// and what it wrote.
pub fn answer(
    asked: Asked<'_>,
    status: Option<i32>,
    how: &str,
    said: &[u8],
    are_numbers: bool,
) -> Answer {
    let why = || match said.trim_ascii() {
        [] => how.to_owned(),
        said => format!("{how}: {}", shown(said)),
    };
    match status {
        Some(0) if asked.f.only_asks() => read(said, are_numbers),
        Some(0) => Answer::Ok(Datum::Nil),
        Some(NOT_DONE) => Answer::Fail(why()),
        _ => Answer::Info(why()),
    }
}

/// The value that a command wrote: nothing, a list or an object as JSON, or a text.
fn read(said: &[u8], are_numbers: bool) -> Answer {
    let Ok(text) = std::str::from_utf8(said) else {
        return Answer::Info(format!("the command wrote no UTF-8 text: {}", shown(said)));
    };
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Answer::Ok(Datum::Nil);
    }
    if !text.starts_with(['[', '{']) {
        return Answer::Ok(typed(text, are_numbers));
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(json) => Answer::Ok(Datum::from(&json)),
        Err(error) => Answer::Info(format!("the command wrote no JSON ({error}): {}", shown(said))),
    }
}

#[cfg(test)]
mod tests {
    use checker::F;

    use super::*;

    fn asked(f: F, value: &Datum) -> Asked<'_> {
        Asked { f, key: "k", value }
    }

    #[test]
    fn what_is_given_becomes_arguments() {
        let both = Datum::List(vec![1.into(), "x y".into()]);
        assert_eq!(arguments(asked(F::Get, &Datum::Nil)), ["k"]);
        assert_eq!(arguments(asked(F::Put, &"x y".into())), ["k", "x y"]);
        assert_eq!(arguments(asked(F::Cas, &both)), ["k", "1", "x y"]);
        assert_eq!(arguments(asked(F::Put, &both)), ["k", "[1,\"x y\"]"]);
    }

    #[test]
    fn the_exit_status_is_the_answer() {
        let nil = Datum::Nil;
        let get = |status, said: &str| {
            answer(asked(F::Get, &nil), status, "ended", said.as_bytes(), true)
        };
        assert_eq!(get(Some(0), "v\n"), Answer::Ok("v".into()));
        assert_eq!(get(Some(0), "7\n"), Answer::Ok(7.into()));
        assert_eq!(get(Some(0), ""), Answer::Ok(Datum::Nil));
        assert_eq!(get(Some(0), "[1,2]\n"), Answer::Ok(Datum::List(vec![1.into(), 2.into()])));
        assert!(matches!(get(Some(0), "[1,"), Answer::Info(why) if why.contains("no JSON")));
        assert_eq!(get(Some(NOT_DONE), "taken\n"), Answer::Fail("ended: `taken`".into()));
        assert_eq!(get(Some(1), ""), Answer::Info("ended".into()));
        assert_eq!(get(None, ""), Answer::Info("ended".into()));
        let put = answer(asked(F::Put, &"v".into()), Some(0), "ended", b"done", false);
        assert_eq!(put, Answer::Ok(Datum::Nil));
    }
}
