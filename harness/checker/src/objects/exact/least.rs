//! For the tests: the least contradiction of few calls, out of all parts of them.

use crate::model::Call;
use crate::witness::Size;

/// What remains of an operation that is struck.
type Strike<'a, O> = &'a dyn Fn(&O) -> Option<O>;

/// The least size of some calls that contradict one another with all others struck: begun in the first
/// state, or after any completion in any state.
pub(super) fn least<O: Clone>(
    calls: &[Call<O>],
    strike: Strike<'_, O>,
    contradicts: &dyn Fn(bool, &[Call<O>]) -> bool,
    size: &dyn Fn(&[u32]) -> Size,
) -> Option<Size> {
    let count = u32::try_from(calls.len()).unwrap();
    let starts = calls.iter().filter_map(|call| call.complete).map(Some).chain([None]);
    let mut least: Option<Size> = None;
    for start in starts {
        for chosen in 0..1_u32 << count {
            let is_kept = |at: u32| chosen & (1 << at) != 0;
            let kept: Vec<u32> = (0..count).filter(|&at| is_kept(at)).collect();
            let begins = |at: &u32| start.is_none_or(|start| calls[*at as usize].invoke > start);
            if !kept.iter().all(begins) || least.is_some_and(|least| size(&kept) >= least) {
                continue;
            }
            let left = |(at, call): (u32, &Call<O>)| {
                let is_over = start.is_some() && call.complete.is_some() && call.complete <= start;
                if is_kept(at) {
                    Some(call.clone())
                } else if is_over {
                    None
                } else {
                    strike(&call.op).map(|op| Call { op, invoke: call.invoke, complete: None })
                }
            };
            let left: Vec<Call<O>> = (0..count).zip(calls).filter_map(left).collect();
            if contradicts(start.is_some(), &left) {
                least = Some(size(&kept));
            }
        }
    }
    least
}
