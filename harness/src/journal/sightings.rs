//! `sightings.jsonl`: which replicas showed, after a put was acknowledged, that they hold its value. Written when a
//! run is over.
//!
//! A header, then a line for each replica and put, [`Sighting`], with the last time.

use std::io;
use std::path::Path;

use checker::Sighting;

use super::lines::{Header, Lines};
use crate::files::folder::Folder;
use crate::files::stored;

/// The name in a run's folder.
pub const NAME: &str = "sightings.jsonl";

/// The version of the shape of the lines.
pub const SCHEMA: u32 = 1;

/// Writes them all.
pub fn write(folder: &Folder, sightings: &[Sighting]) -> io::Result<()> {
    let mut lines = Lines::create(folder, NAME, &Header { schema: SCHEMA, kind: "sightings" })?;
    sightings.iter().try_for_each(|sighting| lines.write(sighting))?;
    lines.flush()
}

/// What the file in a run's folder says; nothing of one that is missing or damaged: it only says what an anomaly is
/// called.
pub fn read(folder: &Path) -> Vec<Sighting> {
    let text = stored::text(&folder.join(NAME)).unwrap_or_default();
    text.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect()
}
