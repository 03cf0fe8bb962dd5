//! From a text that was read to the texts that were appended.

use super::texts::{NO_TEXT, Texts};
use super::{NEVER, START, Symbol};

/// One of the texts that something was cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// Its number.
    pub(super) text: u32,
    /// Where it ends.
    pub(super) end: usize,
}

/// In how many ways something can be cut into texts that were appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decoded {
    No,
    Once(Vec<Token>),
    /// In several ways, of which this is one.
    Several(Vec<Token>),
    /// Too many texts begin with one another to say.
    Unclear,
}

/// Of a text, so many others that it begins with are tried.
const MOST_NESTED: usize = 64;

/// A place where a text must end: a shorter read showed the state there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) end: usize,
    /// What was appended since the last cut was over after this.
    pub(super) after: i64,
    /// It began before this.
    pub(super) before: i64,
}

impl Cut {
    /// The end of a text.
    pub(super) fn whole<S>(text: &[S]) -> Self {
        Cut { end: text.len(), after: START, before: NEVER }
    }
}

/// Cuts `read`, from `from` on, into appended texts. Some end at each of the `cuts`, which are in
/// increasing order up to the end of `read`.
pub(super) fn decode<S: Symbol>(
    texts: &Texts<'_, S>,
    read: &[S],
    from: usize,
    cuts: &[Cut],
    may_be: &dyn Fn(u32, Cut) -> bool,
) -> Decoded {
    if texts.is_prefix_free() {
        return greedy(texts, read, from).map_or(Decoded::No, Decoded::Once);
    }
    let mut tokens = Vec::new();
    let mut is_once = true;
    let mut begin = from;
    for &cut in cuts {
        let part = match between(texts, &read[begin..cut.end], &|text| may_be(text, cut)) {
            Decoded::Once(part) => part,
            Decoded::Several(part) => {
                is_once = false;
                part
            }
            other => return other,
        };
        let shifted = |Token { text, end }| Token { text, end: begin + end };
        tokens.extend(part.into_iter().map(shifted));
        begin = cut.end;
    }
    if is_once { Decoded::Once(tokens) } else { Decoded::Several(tokens) }
}

/// Where no text begins with another, at most one fits.
fn greedy<S: Symbol>(texts: &Texts<'_, S>, read: &[S], from: usize) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut end = from;
    while end < read.len() {
        let text = texts.longest(&read[end..]).filter(|&text| !texts.appends(text).is_empty())?;
        end += texts.get(text).len();
        tokens.push(Token { text, end });
    }
    Some(tokens)
}

/// Counts the ways to come to each place, up to two.
fn between<S: Symbol>(texts: &Texts<'_, S>, part: &[S], may_be: &dyn Fn(u32) -> bool) -> Decoded {
    let mut ways = vec![0_u8; part.len() + 1];
    let mut last = vec![NO_TEXT; part.len() + 1];
    ways[0] = 1;
    for begin in 0..part.len() {
        if ways[begin] == 0 {
            continue;
        }
        let mut next = texts.longest(&part[begin..]);
        let mut nested = 0;
        while let Some(text) = next {
            if may_be(text) {
                let end = begin + texts.get(text).len();
                ways[end] = (ways[end] + ways[begin]).min(2);
                last[end] = text;
            }
            next = texts.shorter(text);
            nested += 1;
            if nested > MOST_NESTED {
                return Decoded::Unclear;
            }
        }
    }
    match ways[part.len()] {
        0 => Decoded::No,
        1 => Decoded::Once(backwards(texts, &last)),
        _ => Decoded::Several(backwards(texts, &last)),
    }
}

fn backwards<S: Symbol>(texts: &Texts<'_, S>, last: &[u32]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut end = last.len() - 1;
    while end > 0 {
        let text = last[end];
        tokens.push(Token { text, end });
        end -= texts.get(text).len();
    }
    tokens.reverse();
    tokens
}
