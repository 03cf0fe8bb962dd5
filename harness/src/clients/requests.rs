//! What was asked under which `MID`, and what became of it.

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

/// All requests of a run. A `MID` is the number of the request: unique, and checked in no time.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    sent: Vec<Request>,
}

impl Requests {
    /// Notes a request and gives it its `MID`.
    pub fn add(&mut self, operation: OperationIndex, now: RunTime) -> String {
        self.sent.push(Request { operation, sent: now, is_answered: false });
        format!("{:08X}", self.sent.len())
    }

    /// The request with this `MID`.
    pub fn find(&mut self, mid: &str) -> Option<&mut Request> {
        let is_ours = mid.len() == 8 && mid.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = usize::from_str_radix(mid, 16).ok().filter(|_| is_ours)?;
        self.sent.get_mut(number.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_is_found() {
        let mut requests = Requests::default();
        let mid = requests.add(7, RunTime(3));
        assert_eq!(requests.find(&mid).unwrap().operation, 7);
        for wrong in ["", "00000000", "00000002", "1", "+0000001", "zzzzzzzz", "000000010"] {
            assert!(requests.find(wrong).is_none(), "{wrong:?} was never asked");
        }
    }
}
