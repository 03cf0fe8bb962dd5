//! `harness check` against an oracle that tries all orders: random histories of every model, in every
//! format, with every operation and option.
//!
//! `FUZZ_CASES` multiplies the number of cases, `FUZZ_SEED` is the first seed.

#![expect(
    clippy::unnecessary_wraps,
    reason = "each form has the shape of a writer, and some cannot fail"
)]
#![expect(clippy::needless_pass_by_value, reason = "a trial takes its case apart")]
#![expect(clippy::ref_option, reason = "a key is kept as an option everywhere here")]
#![expect(clippy::struct_excessive_bools, reason = "a style is a set of choices")]
#![expect(clippy::assigning_clones, reason = "short texts")]
#![expect(clippy::format_push_string, reason = "short texts")]

mod bundle;
mod campaign;
mod convert;
mod damage;
mod files;
mod generate;
mod history;
mod model;
mod object;
mod oracle;
mod run;
mod value;

use crate::support::room::spare_processor;
use files::Format;
use model::Model;

/// How many cases of each model are tried by default.
const CASES: u64 = 500;

fn times() -> u64 {
    std::env::var("FUZZ_CASES").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

fn formats() -> Vec<Format> {
    let known = run::formats();
    let formats: Vec<Format> = Format::ALL
        .into_iter()
        .filter(|format| known.iter().any(|it| it == format.name()))
        .collect();
    assert!(formats.contains(&Format::Jsonl));
    formats
}

/// How many cases of each model are written in all formats by default, and at the most.
const CONVERTED: u64 = 100;
const MOST_CONVERTED: u64 = 1_000;

fn agrees(model: Model) {
    let _turn = spare_processor();
    let first = campaign::first_seed(model as u64);
    campaign::campaign(model, first, CASES * times(), &formats());
}

fn is_the_same_in_all_formats(model: Model) {
    let _turn = spare_processor();
    let first = campaign::first_seed(200 + model as u64);
    let cases = (CONVERTED * times()).min(MOST_CONVERTED);
    let compared = convert::convert(model, first, cases, &formats());
    println!("{} from seed {first}: {compared} files of {cases} cases compared", model.name());
}

macro_rules! models {
    ($($test:ident => $model:ident,)*) => {
        $(
            mod $test {
                use super::{Model, agrees, is_the_same_in_all_formats};

                #[test]
                fn agrees_with_the_oracle() {
                    agrees(Model::$model);
                }

                #[test]
                fn in_all_formats() {
                    is_the_same_in_all_formats(Model::$model);
                }
            }
        )*
    };
}

models! {
    kv => Kv,
    register => Register,
    cas_register => CasRegister,
    list_register => ListRegister,
    set => Set,
    set_eventual => SetEventual,
    set_converged => SetConverged,
    counter_bounds => CounterBounds,
    counter_eventual => CounterEventual,
    lease => Lease,
    unique_ids => UniqueIds,
    bank => Bank,
    bank_negative => BankNegative,
    sequential => Sequential,
    read_your_writes => ReadYourWrites,
    monotonic_reads => MonotonicReads,
    monotonic_writes => MonotonicWrites,
    writes_follow_reads => WritesFollowReads,
    eventual => Eventual,
}

models! {
    counter => Counter,
    queue => Queue,
    unordered_queue => UnorderedQueue,
    stack => Stack,
    priority_queue => PriorityQueue,
    lock => Lock,
    owner_lock => OwnerLock,
    reentrant_lock => ReentrantLock,
    fenced_lock => FencedLock,
    reentrant_fenced_lock => ReentrantFencedLock,
}

#[test]
fn every_model_is_tried() {
    let mut tried: Vec<&str> = Model::ALL.iter().map(|model| model.name()).collect();
    // Their values have forms of their own: the checker's own tests try them.
    let mut known = run::models();
    known.retain(|name| !["echo", "log", "list-append", "rw-register"].contains(&name.as_str()));
    tried.sort_unstable();
    known.sort_unstable();
    assert_eq!(tried, known);
}

/// How many files are damaged, and how many cut, by default.
const DAMAGED: u64 = 2_000;

#[test]
fn damaged_files_are_judged_or_refused() {
    let _turn = spare_processor();
    let counts = damage::damage(campaign::first_seed(100), DAMAGED * times(), &formats());
    println!("damaged: exits 0, 2, 10, 13, 14: {counts:?}");
}

#[test]
fn a_torn_end_is_left_out() {
    let _turn = spare_processor();
    damage::tear(campaign::first_seed(101), DAMAGED * times(), &formats());
}
