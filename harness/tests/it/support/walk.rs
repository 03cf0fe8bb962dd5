//! The project's own files.

use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project's folder").to_owned()
}

/// All files below `folder` with this extension, in order.
pub fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// All pages for people, from the project's folder.
pub fn pages() -> Vec<PathBuf> {
    let mut pages = vec![top().join("README.md"), top().join("replica/README.md")];
    pages.extend(files_below(&top().join("harness/docs"), "md"));
    assert!(pages.len() > 10, "the pages are found");
    pages
}
