//! What the codes of error replies mean: whether the operation certainly had no effect.

use checker::Datum;
use serde_json::{Map, Value};

use crate::dialect::datum;
use crate::op::{Completion, Definite, F, Indefinite, Op};

/// One code of Maelstrom's table.
struct Code {
    number: i64,
    name: &'static str,
    is_definite: bool,
}

const fn code(code: i64, name: &'static str, is_definite: bool) -> Code {
    Code { number: code, name, is_definite }
}

const CODES: [Code; 11] = [
    code(0, "timeout", false),
    code(1, "node not found", true),
    code(10, "not supported", true),
    code(11, "temporarily unavailable", true),
    code(12, "malformed request", true),
    code(13, "crash", false),
    code(14, "abort", true),
    code(KEY_DOES_NOT_EXIST, "key does not exist", true),
    code(21, "key already exists", true),
    code(22, "precondition failed", true),
    code(30, "transaction conflict", true),
];

const KEY_DOES_NOT_EXIST: i64 = 20;

/// How an error reply ends this operation. A read of a key that does not exist has read nothing, which is an answer.
pub fn of_error(op: &Op, body: &Map<String, Value>) -> Completion {
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    let told = |name: &str| match text {
        "" => name.into(),
        text => format!("{name}: {text}").into(),
    };
    let Some(Datum::Integer(code)) = body.get("code").map(datum::of_json) else {
        return Completion::Info(Indefinite::Unclear(told("an error without a code")));
    };
    if code == KEY_DOES_NOT_EXIST && op.f == F::Get {
        return Completion::Ok(Datum::Nil);
    }
    match CODES.iter().find(|known| known.number == code) {
        Some(Code { name, is_definite: true, .. }) => {
            Completion::Fail(Definite::Refused(told(name)))
        }
        Some(Code { name, .. }) => Completion::Info(Indefinite::Unclear(told(name))),
        // What codes of its own mean is the program's secret: it may have taken effect.
        None => Completion::Info(Indefinite::Unclear(told(&format!("error {code}")))),
    }
}
