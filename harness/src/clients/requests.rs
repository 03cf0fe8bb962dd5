//! What was asked under which `MID`, and what became of it.

use std::collections::VecDeque;

use crate::time::RunTime;

/// The place of an operation in the record.
pub type OperationIndex = usize;

/// One message of a client.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation that it belongs to.
    pub operation: OperationIndex,
    /// When it was sent.
    pub sent: RunTime,
    /// Whether it was answered in any way.
    pub is_answered: bool,
}

/// The requests of a run, but for those that were let go. A `MID` is the number of the request: unique, and checked in
/// no time.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    sent: VecDeque<Request>,
    /// The first ones, which were let go.
    gone: usize,
}

/// What is known of a `MID`.
#[derive(Debug)]
pub enum Found<'a> {
    /// No client used it.
    Unknown,
    /// It was used long ago, and what became of it is not known any more.
    Gone,
    /// Its request.
    Request(&'a mut Request),
}

impl Requests {
    /// Notes a request and gives it its `MID`.
    pub fn add(&mut self, operation: OperationIndex, now: RunTime) -> String {
        self.sent.push_back(Request { operation, sent: now, is_answered: false });
        format!("{:08X}", self.gone + self.sent.len())
    }

    /// What is known of a `MID`.
    pub fn find(&mut self, mid: &str) -> Found<'_> {
        let is_ours = mid.len() == 8 && mid.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = usize::from_str_radix(mid, 16).ok().filter(|_| is_ours);
        let Some(place) = number.and_then(|number| number.checked_sub(1)) else {
            return Found::Unknown;
        };
        match place.checked_sub(self.gone) {
            None => Found::Gone,
            Some(place) => self.sent.get_mut(place).map_or(Found::Unknown, Found::Request),
        }
    }

    /// Lets the first ones go, of operations that are not held any more.
    pub fn let_go(&mut self, is_held: impl Fn(OperationIndex) -> bool) {
        while self.sent.front().is_some_and(|request| !is_held(request.operation)) {
            self.sent.pop_front();
            self.gone += 1;
        }
    }

    /// How many are not let go.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.sent.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_is_found() {
        let mut requests = Requests::default();
        let mid = requests.add(7, RunTime(3));
        assert!(matches!(requests.find(&mid), Found::Request(Request { operation: 7, .. })));
        for wrong in ["", "00000000", "00000002", "1", "+0000001", "zzzzzzzz", "000000010"] {
            assert!(matches!(requests.find(wrong), Found::Unknown), "{wrong:?} was never asked");
        }
    }

    #[test]
    fn what_was_let_go_is_known_to_have_been_asked() {
        let mut requests = Requests::default();
        let mids = [7, 7, 8, 9].map(|operation| requests.add(operation, RunTime(3)));
        requests.let_go(|operation| operation == 8);
        assert!(mids[..2].iter().all(|mid| matches!(requests.find(mid), Found::Gone)));
        assert!(matches!(requests.find(&mids[2]), Found::Request(Request { operation: 8, .. })));
        assert!(matches!(requests.find(&mids[3]), Found::Request(Request { operation: 9, .. })));
        assert_eq!(requests.add(10, RunTime(4)), "00000005");
    }
}
