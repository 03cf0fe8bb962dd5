//! Which nodes are neighbours: the shapes of `--topology`.

use serde::{Deserialize, Serialize};

/// A shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// A square, each node beside at most four
    #[default]
    Grid,
    /// One behind the other
    Line,
    /// Each with all others
    Total,
    /// A tree of which each node has two children
    #[value(name = "tree2", alias = "tree")]
    Tree2,
    /// A tree of which each node has three children
    #[value(name = "tree3")]
    Tree3,
    /// A tree of which each node has four children
    #[value(name = "tree4")]
    Tree4,
}

impl Topology {
    /// The neighbours of the n-th of so many nodes.
    pub fn neighbours(self, n: usize, count: usize) -> Vec<usize> {
        (0..count).filter(|&other| other != n && self.are_neighbours(n, other, count)).collect()
    }

    fn are_neighbours(self, one: usize, other: usize, count: usize) -> bool {
        let (low, high) = (one.min(other), one.max(other));
        let is_child_of = |children: usize| (high - 1) / children == low;
        match self {
            Self::Total => true,
            Self::Line => high - low == 1,
            Self::Tree2 => is_child_of(2),
            Self::Tree3 => is_child_of(3),
            Self::Tree4 => is_child_of(4),
            Self::Grid => {
                let width = count.isqrt() + usize::from(count.isqrt().pow(2) < count);
                high - low == width || (high - low == 1 && high % width != 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_of_25_has_five_in_a_row() {
        let of = |n| Topology::Grid.neighbours(n, 25);
        assert_eq!(of(0), [1, 5]);
        assert_eq!(of(12), [7, 11, 13, 17]);
        assert_eq!(of(4), [3, 9]);
        assert_eq!(of(5), [0, 6, 10]);
        assert!(Topology::Grid.neighbours(0, 1).is_empty());
    }

    #[test]
    fn all_shapes_connect_all_nodes_both_ways() {
        use Topology::{Grid, Line, Total, Tree2, Tree3, Tree4};
        for shape in [Grid, Line, Total, Tree2, Tree3, Tree4] {
            for count in 1..30 {
                let mut reached = vec![0];
                let mut at = 0;
                while at < reached.len() {
                    for n in shape.neighbours(reached[at], count) {
                        assert!(shape.neighbours(n, count).contains(&reached[at]));
                        if !reached.contains(&n) {
                            reached.push(n);
                        }
                    }
                    at += 1;
                }
                assert_eq!(reached.len(), count, "{shape:?} of {count}");
            }
        }
        assert_eq!(Tree4.neighbours(0, 25), [1, 2, 3, 4]);
        assert_eq!(Line.neighbours(1, 25), [0, 2]);
    }
}
