//! What a request names: a page, a listing, a file. Names are bytes, as the system has them.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::{Body, Response};
use crate::files::stored;
use crate::report::index;
use crate::text;

/// What the page of all runs has beside the runs.
const ALL_FILES: &str = "<p><a href=\"/?files\">All files in this folder</a></p></main>";

/// Why a file with several names is not sent.
const HARD_LINK: &str = "this file has a second name (a hard link), which may lie outside of the served folder, so it is \
     not sent; to serve it, copy it to a file of its own";

/// What lies at a target within `root`; nothing if it lies outside, also by a link.
pub fn found(root: &Path, target: &str) -> Option<Response> {
    let target = target.split('#').next()?;
    let (target, query) = target.split_once('?').unwrap_or((target, ""));
    let path = PathBuf::from(decoded(target)?);
    let within = path.strip_prefix("/").ok()?;
    if !within.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let path = root.join(within).canonicalize().ok()?;
    let within = path.strip_prefix(root).ok()?;
    if path.is_dir() {
        // Relative links need the slash; a folder without it is shown by its full name instead.
        if path == root && query != "files" {
            return Some(Response::html(all_runs(root)?));
        }
        return Some(Response::html(listing(&path, within)?));
    }
    // To open a pipe waits for a writer, and to read a device has no end.
    let file = stored::open(&path).ok()?;
    let found = file.metadata().ok()?;
    if found.nlink() > 1 {
        return Some(Response::refusal_for("403 Forbidden", HARD_LINK));
    }
    Some(sent(file, &found, within))
}

fn sent(file: File, found: &Metadata, within: &Path) -> Response {
    Response { status: "200 OK", kind: kind(within), body: Body::File(file, found.len()) }
}

fn all_runs(root: &Path) -> Option<String> {
    let mut page = Vec::new();
    index::write(&index::rows(root).ok()?, &mut page).ok()?;
    Some(String::from_utf8(page).ok()?.replacen("</main>", ALL_FILES, 1))
}

fn kind(within: &Path) -> &'static str {
    if within.components().any(|part| part.as_os_str() == "replicas") {
        return "text/plain; charset=utf-8";
    }
    match within.extension().and_then(|it| it.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

fn listing(folder: &Path, within: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut names: Vec<(OsString, String)> =
        entries.map(|entry| (entry.file_name(), note(&entry))).collect();
    names.sort();
    let title =
        if within.as_os_str().is_empty() { "/".to_owned() } else { shown(within.as_os_str()) };
    let mut page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1><ul>"
    );
    for (name, note) in names {
        let target = encoded(&Path::new("/").join(within).join(&name));
        let _ = write!(page, "<li><a href=\"{target}\">{}</a>{note}", shown(&name));
    }
    page.push_str("</ul>");
    Some(page)
}

/// What a reader should know of a name before following it.
fn note(entry: &fs::DirEntry) -> String {
    let Ok(found) = entry.metadata() else { return String::new() };
    let kind = found.file_type();
    if kind.is_symlink() {
        let leads = fs::read_link(entry.path()).unwrap_or_default();
        return format!(" (a link to {})", shown(leads.as_os_str()));
    }
    if kind.is_file() && found.nlink() > 1 {
        return " (a hard link: the file has a second name and is not sent)".to_owned();
    }
    if kind.is_file() || kind.is_dir() { String::new() } else { " (no regular file)".to_owned() }
}

/// A name for a page: what is no text or not safe to show is marked.
fn shown(name: &OsStr) -> String {
    escaped(&text::escape(&name.to_string_lossy()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn encoded(path: &Path) -> String {
    let mut target = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            target.push(char::from(byte));
        } else {
            let _ = write!(target, "%{byte:02X}");
        }
    }
    target
}

/// The name behind percent signs; nothing if they are malformed or hide a zero byte.
fn decoded(target: &str) -> Option<OsString> {
    let mut bytes = Vec::new();
    let mut rest = target.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok().filter(|it| !it.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    (!bytes.contains(&0)).then(|| OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_replica_wrote_is_no_page() {
        assert_eq!(kind(Path::new("demo/1/report.html")), "text/html; charset=utf-8");
        let own = Path::new("demo/1/replicas/0000/data/x.html");
        assert_eq!(kind(own), "text/plain; charset=utf-8");
    }

    #[test]
    fn any_name_is_listed_and_its_link_leads_there() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let folder = root.join(OsStr::from_bytes(b"a <b> \xff"));
        fs::create_dir(&folder).unwrap();
        let names: [&[u8]; 8] =
            [b"a b", b"\"'q", b"<i>&amp;", b"two\nlines", b"\xff\xfe", b"%41", b"?#", b"\xc3\xa4"];
        for name in names {
            fs::write(folder.join(OsStr::from_bytes(name)), name).unwrap();
        }
        let page = listing(&folder, Path::new(folder.file_name().unwrap())).unwrap();
        assert!(!page.contains("<i>") && !page.contains('\n') && !page.contains("<b>"), "{page}");
        let links: Vec<&str> =
            page.split("href=\"").skip(1).filter_map(|it| it.split('"').next()).collect();
        assert_eq!(links.len(), names.len(), "{page}");
        for link in links {
            let path = root.join(Path::new(&decoded(link).unwrap()).strip_prefix("/").unwrap());
            let name = path.file_name().unwrap().as_bytes().to_vec();
            assert_eq!(fs::read(&path).unwrap(), name, "{link}");
            assert_eq!(found(&root, link).map(|it| it.status), Some("200 OK"), "{link}");
        }
    }

    #[test]
    fn a_file_with_a_second_name_is_noted_and_not_sent() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("results");
        fs::create_dir(&root).unwrap();
        fs::write(outer.path().join("secret"), "1").unwrap();
        fs::hard_link(outer.path().join("secret"), root.join("linked")).unwrap();
        let refused = found(&root, "/linked").unwrap();
        assert_eq!(refused.status, "403 Forbidden");
        assert!(matches!(refused.body, Body::Text(text) if text.contains("hard link")));
        let Some(Response { body: Body::Text(page), .. }) = found(&root, "/?files") else {
            panic!("a listing")
        };
        assert!(page.contains("linked</a> (a hard link"), "{page}");
    }
}
