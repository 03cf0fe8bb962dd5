//! All links of a network, each found by its two ends without a search: every message asks for its
//! own a few times.

use super::link::Link;
use crate::ids::NodeId;

/// Links by (source, destination).
#[derive(Debug, Default)]
pub struct Links {
    /// The number of ids.
    width: usize,
    /// The place of each id among them, by its number.
    numbers: Vec<Option<u16>>,
    /// The place of each pair in `all`, by the numbers of its ends: `source * width + destination`.
    places: Vec<Option<u32>>,
    all: Vec<((NodeId, NodeId), Link)>,
}

impl Links {
    /// Links between these ids, none of them yet.
    pub fn between(ids: impl IntoIterator<Item = NodeId>) -> Self {
        let mut links = Self::default();
        for (NodeId(id), n) in ids.into_iter().zip(0..) {
            let id = usize::from(id);
            let length = links.numbers.len().max(id + 1);
            links.numbers.resize(length, None);
            links.numbers[id] = Some(n);
            links.width += 1;
        }
        links.places = vec![None; links.width * links.width];
        links
    }

    /// Adds a link between two of the ids; one that is there already stays.
    pub fn insert(&mut self, pair: (NodeId, NodeId), link: Link) {
        if let Some(at) = self.at(pair)
            && self.places[at].is_none()
        {
            self.places[at] = u32::try_from(self.all.len()).ok();
            self.all.push((pair, link));
        }
    }

    /// The link of this pair.
    pub fn get(&self, pair: (NodeId, NodeId)) -> Option<&Link> {
        let place = self.places[self.at(pair)?]?;
        self.all.get(place as usize).map(|(_, link)| link)
    }

    /// The link of this pair, to change it.
    pub fn get_mut(&mut self, pair: (NodeId, NodeId)) -> Option<&mut Link> {
        let place = self.places[self.at(pair)?]?;
        self.all.get_mut(place as usize).map(|(_, link)| link)
    }

    /// All, in the order in which they were added.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = ((NodeId, NodeId), &mut Link)> {
        self.all.iter_mut().map(|(pair, link)| (*pair, link))
    }

    /// All, for good.
    pub fn into_all(self) -> impl Iterator<Item = ((NodeId, NodeId), Link)> {
        self.all.into_iter()
    }

    fn at(&self, (from, to): (NodeId, NodeId)) -> Option<usize> {
        let number = |id: NodeId| self.numbers.get(usize::from(id.0)).copied().flatten();
        Some(usize::from(number(from)?) * self.width + usize::from(number(to)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn each_pair_finds_its_own_link_and_an_unknown_pair_none() {
        let ids: Vec<NodeId> = [0, 1, 2, 21].map(NodeId).to_vec();
        let mut links = Links::between(ids.iter().copied());
        for (from, to) in [(0, 1), (1, 0), (21, 0)] {
            links.insert((NodeId(from), NodeId(to)), Link::new(Seed(u64::from(from))));
        }
        links.get_mut((NodeId(21), NodeId(0))).unwrap().too_early("x", 3);
        let counted = |from, to| {
            let link = links.get((NodeId(from), NodeId(to)));
            link.map(Link::has_counted)
        };
        assert_eq!(counted(21, 0), Some(true));
        assert_eq!((counted(0, 1), counted(1, 0)), (Some(false), Some(false)));
        assert_eq!((counted(1, 2), counted(0, 22), counted(0xFFFF, 0)), (None, None, None));
    }
}
