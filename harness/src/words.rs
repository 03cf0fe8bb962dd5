//! Enums whose variants have a word in workload files.

/// An enum whose variants have a word in workload files and a line for people.
macro_rules! words {
    ($(#[$doc:meta])* $enum:ident { $($variant:ident $name:literal $meaning:literal,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $enum {
            $(#[doc = $meaning] $variant,)*
        }

        impl $enum {
            /// All, in the order in which they are listed to people.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Their words, in that order.
            pub const NAMES: &[&str] = &[$($name,)*];

            /// The word in workload files and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The one with this word.
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == word)
            }

            /// What it means, in a line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

pub(crate) use words;
