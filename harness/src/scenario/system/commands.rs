//! A folder of commands: what each file's name says of it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::system::description::Commands;

/// What the names of commands begin with.
const PREFIXES: [&str; 5] = ["first", "client", "anytime", "eventually", "finally"];

/// The commands of this folder, or what is wrong with it.
pub(super) fn read(folder: &Path) -> Result<Commands, String> {
    let unreadable =
        |error: std::io::Error| format!("the folder {} cannot be read: {error}", folder.display());
    let mut commands = Commands { folder: folder.to_owned(), ..Commands::default() };
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file = std::fs::metadata(entry.path());
        // Links that lead nowhere, folders and hidden files are no commands.
        let Some(file) = file.ok().filter(std::fs::Metadata::is_file) else { continue };
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_executable = file.permissions().mode() & 0o111 != 0;
        let has_prefix = PREFIXES.iter().any(|prefix| rest(&name, prefix).is_some());
        if name.starts_with('.') || !(is_executable || has_prefix) {
            continue;
        }
        if !is_executable {
            return Err(format!("{name} is not executable; `chmod +x` makes it so"));
        }
        names.push(name);
    }
    names.sort_unstable();
    for name in names {
        sort_in(&mut commands, name)?;
    }
    if commands.clients.is_empty() {
        return Err(format!(
            "the folder {} has no command for a function, such as `client_get`",
            folder.display()
        ));
    }
    Ok(commands)
}

/// What stands behind a prefix in a name, without the extension.
fn rest<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(prefix)?.strip_prefix('_')?;
    Some(rest.split('.').next().unwrap_or(rest))
}

fn sort_in(commands: &mut Commands, name: String) -> Result<(), String> {
    if let Some(f) = rest(&name, "client") {
        let f = super::function(f).map_err(|problem| format!("{name}: {problem}"))?;
        if let Some(other) = commands.clients.insert(f, name.clone()) {
            return Err(format!("{other} and {name} are for the same function; keep one"));
        }
        return Ok(());
    }
    let Some(prefix) = PREFIXES.iter().find(|prefix| rest(&name, prefix).is_some()) else {
        return Err(format!(
            "{name} is executable, and its name does not say when it is to run; allowed: `{}_...`, or a file that \
             is not executable",
            PREFIXES.join("_...`, `")
        ));
    };
    let phase = match *prefix {
        "first" => &mut commands.first,
        "anytime" => &mut commands.anytime,
        "eventually" => &mut commands.eventually,
        _ => &mut commands.finally,
    };
    phase.push(name);
    Ok(())
}
