//! The witness of a register key that was refuted: what is shown, and that others confirm it.

use super::Options;
use super::register::{plain, plain_initial};
use super::sieve::sieve;
use crate::budget::Budget;
use crate::event::F;
use crate::explain;
use crate::history::content::content;
use crate::history::{History, Operation, Value};
use crate::linearizable::appends;
use crate::linearizable::calls::{WithModel, with_model, with_model_of};
use crate::linearizable::confirm::{self, Tester};
use crate::linearizable::contradiction::{self, Shown, Sources};
use crate::linearizable::fewest;
use crate::linearizable::minimize;
use crate::linearizable::pairs;
use crate::linearizable::search::{self, Answer};
use crate::model::Call;
use crate::witness::{Anomaly, Confirmation, Size, Witness, WitnessOperation};

/// A chain of more links than this is shown as it is.
const MOST_TO_MINIMIZE: usize = 3_000;

/// Steps to try whether a witness has an order by itself.
const MOST_STEPS_ALONE: u64 = 20_000;

/// With so few operations, what the structure shows is not compared with what else there is.
const FEW: usize = 3;

/// The witness of a key that was refuted, confirmed by this tester. `core` are positions that are known
/// to contradict one another, if any are.
pub(super) fn witness(
    history: &History,
    operations: &[&Operation],
    core: Option<Vec<u32>>,
    options: &Options<'_>,
    tester: impl Tester,
) -> Witness {
    if !options.witness {
        return explain::unexplained(history, operations[0]);
    }
    let initial = plain_initial(history, options.model);
    let copies = plain(history, operations, options.model);
    let plain: Option<Vec<&Operation>> = copies.as_ref().map(|it| it.iter().collect());
    let operations = plain.as_deref().unwrap_or(operations);
    let key = Key { history, operations, initial, budget: options.budget };
    let Shown { positions, is_minimal } = key.shown(core);
    let shown: Vec<&Operation> = positions.iter().map(|&at| operations[at as usize]).collect();
    let mut witness = explain::explain(history, operations, &shown, initial, is_minimal);
    if key.stands(&positions) == Some(false) {
        explain::call_excerpt(&mut witness);
    }
    let near = sieve(operations, &positions);
    let (operations, positions) = match &near {
        None => (operations, positions),
        Some(near) => (&near.operations[..], near.shown.clone()),
    };
    let confirmer = Confirmer { tester, shown: &positions, must_contradict: is_minimal };
    witness.note(with_model(history, operations, initial, confirmer));
    witness
}

/// The same of a text or list that its reads refute. Where what they show needs others to be understood,
/// a set of operations that does not is searched for.
pub(super) fn witness_of_reads(
    history: &History,
    operations: &[&Operation],
    found: &appends::Contradiction,
    options: &Options<'_>,
    tester: impl Tester,
) -> Witness {
    if !options.witness {
        return explain::unexplained(history, operations[0]);
    }
    let initial = plain_initial(history, options.model);
    if !found.stands {
        let key = Key { history, operations, initial, budget: options.budget };
        let searched = witness(history, operations, None, options, tester);
        if key.stands(&key.positions(&searched)) == Some(true) {
            return searched;
        }
    }
    let positions = &found.operations;
    let core: Vec<&Operation> = positions.iter().map(|&at| operations[at as usize]).collect();
    let mut witness = explain::of_reads(history, operations, &core, initial, named(found.anomaly));
    if !found.stands {
        explain::call_excerpt(&mut witness);
    }
    let confirmer = Confirmer { tester, shown: positions, must_contradict: false };
    witness.note(with_model(history, operations, initial, confirmer));
    witness
}

fn named(anomaly: appends::Anomaly) -> Anomaly {
    match anomaly {
        appends::Anomaly::GarbageRead => Anomaly::GarbageRead,
        appends::Anomaly::FutureRead => Anomaly::FutureRead,
        appends::Anomaly::DuplicatedWrite => Anomaly::DuplicatedWrite,
        appends::Anomaly::DivergentReads => Anomaly::DivergentReads,
        appends::Anomaly::StaleRead => Anomaly::StaleRead,
        appends::Anomaly::LostWrite => Anomaly::LostWrite,
        appends::Anomaly::ResurrectedValue => Anomaly::ResurrectedValue,
        appends::Anomaly::ReorderedWrites => Anomaly::ReorderedWrites,
        appends::Anomaly::NotLinearizable => Anomaly::NotLinearizable,
    }
}

/// The operations of one key.
struct Key<'a> {
    history: &'a History,
    operations: &'a [&'a Operation],
    initial: Value,
    budget: Budget<'a>,
}

impl Key<'_> {
    /// The positions of a witness's operations.
    fn positions(&self, witness: &Witness) -> Vec<u32> {
        let position = |shown: &WitnessOperation| {
            let invoke = |op: &&Operation| op.invoke_index();
            let at = self.operations.binary_search_by_key(&shown.invoke_index, invoke).ok()?;
            u32::try_from(at).ok()
        };
        witness.operations.iter().filter_map(position).collect()
    }

    /// Whether these operations have no order if nothing else was done. `None` if that takes too long.
    fn stands(&self, shown: &[u32]) -> Option<bool> {
        let content = content(self.history, self.operations, self.initial);
        let shown: Vec<&Operation> = shown.iter().map(|&at| self.operations[at as usize]).collect();
        with_model_of(content, self.history, &shown, self.initial, Alone)
    }

    /// The smallest contradiction: by structure where values differ, else of what is known, or of
    /// the whole history.
    fn shown(&self, core: Option<Vec<u32>>) -> Shown {
        let known = pairs::smallest(self.operations, self.initial, self.budget.stop)
            .or_else(|| pairs::garbage_read(self.operations, self.initial))
            .map(|positions| Shown { positions, is_minimal: true });
        match known {
            Some(known) if self.operations.iter().all(|op| op.f != F::Cas) => known,
            known => self.smallest_of(self.smaller(known, core)),
        }
    }

    /// Of what is known and what is found by search, the smaller.
    fn smaller(&self, known: Option<Shown>, core: Option<Vec<u32>>) -> Shown {
        if let Some(known) = &known
            && (core.is_none() || known.positions.len() <= FEW)
        {
            return known.clone();
        }
        let found = match &core {
            Some(core) if core.len() > MOST_TO_MINIMIZE => None,
            core => {
                let minimizer = Minimizer { core: core.as_deref(), budget: self.budget };
                with_model(self.history, self.operations, self.initial, minimizer)
            }
        };
        let size = |shown: &Shown| Size::of_operations(self.operations, &shown.positions);
        let smallest = known.into_iter().chain(found).min_by_key(size);
        smallest.unwrap_or(Shown { positions: core.unwrap_or_default(), is_minimal: false })
    }

    /// What is smaller still, if the operations are few.
    fn smallest_of(&self, known: Shown) -> Shown {
        if self.operations.len() > fewest::MOST_CALLS {
            return known;
        }
        let smallest = Smallest { known, budget: self.budget };
        with_model(self.history, self.operations, self.initial, smallest)
    }
}

/// From positions of operations to those of the calls that they became.
fn calls_of(positions: &[u32], sources: &[u32]) -> Vec<u32> {
    let call = |at: &u32| sources.binary_search(at).ok().and_then(|at| u32::try_from(at).ok());
    positions.iter().filter_map(call).collect()
}

/// Finds the fewest operations that contradict one another, of few.
struct Smallest<'a> {
    known: Shown,
    budget: Budget<'a>,
}

impl WithModel for Smallest<'_> {
    type Output = Shown;

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> Shown {
        let known = Shown { positions: calls_of(&self.known.positions, sources), ..self.known };
        let Shown { positions, is_minimal } = fewest::fewest(model, calls, known, self.budget);
        let positions = positions.into_iter().map(|at| sources[at as usize]).collect();
        Shown { positions, is_minimal }
    }
}

/// Finds few operations that contradict one another, and whether none is too many.
struct Minimizer<'a> {
    /// What is known to contradict itself already, if anything is.
    core: Option<&'a [u32]>,
    budget: Budget<'a>,
}

impl WithModel for Minimizer<'_> {
    type Output = Option<Shown>;

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> Option<Shown> {
        let known = self.core.and_then(|core| {
            minimize::minimize_known(model, calls, &calls_of(core, sources), self.budget)
        });
        let cores =
            known.map_or_else(|| minimize::cores(model, calls, self.budget), |core| vec![core]);
        let shown = contradiction::smallest(model, calls, cores, self.budget)?;
        let positions = shown.positions.into_iter().map(|at| sources[at as usize]).collect();
        Some(Shown { positions, ..shown })
    }
}

/// Tries whether operations have an order if nothing else was done.
struct Alone;

impl WithModel for Alone {
    type Output = Option<bool>;

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], _: &[u32]) -> Option<bool> {
        let budget = Budget { steps: MOST_STEPS_ALONE, ..Budget::default() };
        match search::linearize(model, calls, budget).answer {
            Answer::NotLinearizable => Some(true),
            Answer::Linearizable(_) => Some(false),
            Answer::GivenUp(_) => None,
        }
    }
}

/// Asks the testers that confirm a witness.
struct Confirmer<'a, T> {
    tester: T,
    shown: &'a [u32],
    /// Whether what is shown contradicts itself by how it was found.
    must_contradict: bool,
}

impl<T: Tester> WithModel for Confirmer<'_, T> {
    type Output = Confirmation;

    fn run<M: Sources>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> Confirmation {
        let core = calls_of(self.shown, sources);
        confirm::confirm_core_by(self.tester, model, calls, &core, self.must_contradict)
    }
}
