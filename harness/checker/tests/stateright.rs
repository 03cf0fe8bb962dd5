//! The search against `stateright`'s tester, on small random histories of a key-value store.

use checker::{Datum, Entry, EventType, F, History, Options, Recorder, check};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

/// What happens in a random history, in order.
#[derive(Debug, Clone)]
struct Happening {
    process: u64,
    r#type: EventType,
    f: F,
    value: String,
}

/// Clients of a register, each between an invocation and a completion or in between two
/// operations; the operation takes effect somewhere between. `breakage` changes one answer.
fn random_history(rng: &mut ChaCha8Rng, unique: bool, breakage: bool) -> Vec<Happening> {
    let clients = rng.random_range(1..=4_u64);
    let mut open: Vec<Option<(F, String, bool)>> =
        vec![None; usize::try_from(clients).expect("a small number")];
    let mut processes: Vec<u64> = (0..clients).collect();
    let mut next_process = clients;
    let mut state = String::new();
    let mut happenings = Vec::new();
    let mut writes = 0;
    let length = rng.random_range(4..=22);
    while happenings.len() < length {
        let client = rng.random_range(0..open.len());
        let process = processes[client];
        match open[client].clone() {
            None => {
                let f = if rng.random_bool(0.5) { F::Get } else { F::Put };
                let mut value = String::new();
                if f == F::Put {
                    writes += 1;
                    value = if unique { writes } else { rng.random_range(1..=2) }.to_string();
                }
                happenings.push(Happening {
                    process,
                    r#type: EventType::Invoke,
                    f,
                    value: value.clone(),
                });
                open[client] = Some((f, value, false));
            }
            Some((f, value, false)) => {
                if f == F::Put && rng.random_bool(0.1) {
                    // Lost on its way, without a notice.
                    processes[client] = next_process;
                    next_process += 1;
                    open[client] = None;
                    continue;
                }
                let value = if f == F::Get { state.clone() } else { value };
                state.clone_from(&value);
                open[client] = Some((f, value, true));
            }
            Some((f, value, true)) => {
                open[client] = None;
                let unknown = rng.random_range(0..8) == 0;
                if unknown {
                    processes[client] = next_process;
                    next_process += 1;
                } else {
                    happenings.push(Happening { process, r#type: EventType::Ok, f, value });
                }
            }
        }
    }
    if breakage {
        let gets: Vec<usize> = (0..happenings.len())
            .filter(|&at| happenings[at].f == F::Get && happenings[at].r#type == EventType::Ok)
            .collect();
        if !gets.is_empty() {
            let at = gets[rng.random_range(0..gets.len())];
            happenings[at].value = rng.random_range(0..=writes).to_string();
        }
    }
    happenings
}

fn history(happenings: &[Happening]) -> History {
    let mut recorder = Recorder::new();
    for (index, happening) in (0..).zip(happenings) {
        let Happening { process, r#type, f, ref value } = *happening;
        let entry = Entry {
            index,
            time_ns: index * 1_000,
            process,
            client: "0015",
            r#type,
            f,
            key: Some(&Datum::text("k")),
            value: Some(&Datum::text(value)),
            refused: false,
            node: None,
        };
        recorder.record(&entry).expect("events that fit together");
    }
    recorder.finish().expect("values that fit together")
}

fn stateright_says(happenings: &[Happening]) -> bool {
    let mut tester = LinearizabilityTester::new(Register(String::new()));
    for Happening { process, r#type, f, value } in happenings.iter().cloned() {
        match (r#type, f) {
            (EventType::Invoke, F::Put) => tester.on_invoke(process, RegisterOp::Write(value)),
            (EventType::Invoke, _) => tester.on_invoke(process, RegisterOp::Read),
            (_, F::Put) => tester.on_return(process, RegisterRet::WriteOk),
            _ => tester.on_return(process, RegisterRet::ReadOk(value)),
        }
        .expect("events that fit together");
    }
    tester.is_consistent()
}

#[test]
fn verdicts_agree_with_stateright() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..4_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let happenings = random_history(&mut rng, seed % 2 == 0, seed % 4 < 2);
        let expected = if stateright_says(&happenings) { "valid" } else { "invalid" };
        let report = check(&history(&happenings), &Options::default());
        assert_eq!(report.verdict.name(), expected, "seed {seed}: {happenings:#?}");
        if expected == "valid" { valid += 1 } else { invalid += 1 }
    }
    assert!(valid > 1_000 && invalid > 500, "{valid} valid, {invalid} invalid");
}
