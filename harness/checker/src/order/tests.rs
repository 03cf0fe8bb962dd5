//! Orders exist exactly for what is linearizable; the replay is in the function itself.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::linearization;
use crate::check::Options;
use crate::format::{Format, read};
use crate::history::{Reading, Value};
use crate::linearizable::oracle::{brute_force, cases, record, register_calls};
use crate::model::Register;
use crate::models::ModelName;

#[test]
fn an_order_is_shown_of_all_that_is_linearizable_and_of_nothing_else() {
    let mut shown = 0;
    let count = cases(60_000);
    for seed in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let length = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, length, seed % 3 != 0, seed % 2 == 0);
        let options = Options { model: ModelName::Kv, ..Options::default() };
        let found = linearization(&record(&calls), &options);
        let expected = brute_force(&Register { initial: Value::EMPTY }, &calls);
        assert_eq!(found.is_some(), expected, "seed {seed}: {calls:?}");
        let Some(found) = found else { continue };
        let answered = calls.iter().filter(|call| call.complete.is_some()).count();
        assert!(found[0].points.len() >= answered, "seed {seed}: {calls:?}");
        shown += 1;
    }
    assert!(shown > count / 4 && shown < count - count / 10, "{shown} of {count}");
}

#[test]
fn a_beginning_is_read_as_the_whole_key_is() {
    // The read is wrong if the key holds a list, which the last append alone says.
    let history = r#"{:process 0, :type :invoke, :f :append, :value nil}
{:process 0, :type :ok, :f :append, :value nil}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value ""}
{:process 2, :type :invoke, :f :append, :value #{1}}
{:process 2, :type :ok, :f :append, :value #{1}}
"#;
    let read = read(history.as_bytes(), Format::Edn, Reading::default()).expect("a history");
    let options = Options { model: ModelName::CasRegister, ..Options::default() };
    let shown = super::explained(&read.history, &options);
    assert_eq!((shown[0].until, shown[0].points.len()), (Some(4), 1), "{shown:?}");
}
