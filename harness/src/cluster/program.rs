//! The replica program: found, and checked before any process is started.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::network::transport::Transport;

/// A program that can be started as a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its absolute path: replicas run in another directory.
    #[serde(with = "any_path")]
    pub path: PathBuf,
    /// More arguments, behind the ids; `{id}` and `{data}` are replaced by the replica's id and
    /// its data directory.
    pub arguments: Vec<String>,
    /// How it is started, and how it talks.
    #[serde(default)]
    pub transport: Transport,
    /// Whether each replica has limits on what it may use.
    #[serde(default)]
    pub is_confined: bool,
    /// The variables of the harness's environment that a confined replica gets beside the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_variables: Vec<String>,
}

/// A path as text, or as its bytes where it is none.
mod any_path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => text.serialize(to),
            None => path.as_os_str().as_bytes().serialize(to),
        }
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<PathBuf, D::Error> {
        Ok(match Written::deserialize(from)? {
            Written::Text(text) => text.into(),
            Written::Bytes(bytes) => OsString::from_vec(bytes).into(),
        })
    }
}

/// Why a program cannot be a replica.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Nothing there.
    #[error("replica program {0}: there is no such file; give the path of an existing one")]
    Missing(PathBuf),
    /// A directory, a socket, a device.
    #[error("replica program {0}: this is {1}, not a program; give the path of its file")]
    NotAFile(PathBuf, &'static str),
    /// No run bit.
    #[error("replica program {0}: it is not executable; make it so with `chmod +x {0}`")]
    NotExecutable(PathBuf),
    /// The kernel would look for an interpreter whose name ends in a carriage return.
    #[error(
        "replica program {path}, line 1: `{line}` ends in a carriage return (CRLF), so the \
         system looks for an interpreter of that name; convert the file with `sed -i 's/\\r$//' \
         {path}`"
    )]
    CarriageReturn {
        /// The program.
        path: PathBuf,
        /// Its first line.
        line: String,
    },
    /// The interpreter named in the first line does not exist.
    #[error(
        "replica program {path}, line 1: the interpreter {interpreter} does not exist; install it \
         or name another one"
    )]
    NoInterpreter {
        /// The program.
        path: PathBuf,
        /// Its interpreter.
        interpreter: String,
    },
    /// An empty file, or one that is neither binary nor script.
    #[error(
        "replica program {0}: it is neither a binary nor a script with a first line such as \
         `#!/usr/bin/env python3`; add that line"
    )]
    UnknownFormat(PathBuf),
    /// It cannot be read.
    #[error("replica program {path}: it cannot be read: {reason}")]
    Unreadable {
        /// The program.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl Program {
    /// The same of a command line: the program, which may be found on `PATH`, and its arguments.
    pub fn of_command(words: &[String]) -> Result<Self, ProgramError> {
        let (first, arguments) = words.split_first().map_or(("", &[][..]), |(it, rest)| (it, rest));
        let on_path = || {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|folder| folder.join(first)).find(|it| it.is_file())
        };
        let found = if first.contains('/') { None } else { on_path() };
        let path = found.unwrap_or_else(|| first.into());
        let program = Self::find(&path, arguments.to_vec())?;
        Ok(Self { transport: Transport::Stdio, ..program })
    }

    /// Checks that `path` can be started: exists, is an executable file, and is a binary or a script
    /// whose interpreter exists.
    pub fn find(path: &Path, arguments: Vec<String>) -> Result<Self, ProgramError> {
        let metadata = match path.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ProgramError::Missing(path.to_owned()));
            }
            Err(reason) => {
                return Err(ProgramError::Unreadable { path: path.to_owned(), reason });
            }
            Ok(metadata) => metadata,
        };
        if metadata.is_dir() {
            return Err(ProgramError::NotAFile(path.to_owned(), "a directory"));
        }
        if !metadata.is_file() {
            return Err(ProgramError::NotAFile(path.to_owned(), "a special file"));
        }
        if metadata.permissions().mode() & 0o111 == 0 {
            return Err(ProgramError::NotExecutable(path.to_owned()));
        }
        let unreadable = |reason| ProgramError::Unreadable { path: path.to_owned(), reason };
        check_first_line(path, &first_bytes(path).map_err(unreadable)?)?;
        let path = path.canonicalize().map_err(unreadable)?;
        Ok(Self {
            path,
            arguments,
            transport: Transport::default(),
            is_confined: false,
            passed_variables: Vec::new(),
        })
    }
}

fn first_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(256).read_to_end(&mut start)?;
    Ok(start)
}

fn check_first_line(path: &Path, start: &[u8]) -> Result<(), ProgramError> {
    let Some(rest) = start.strip_prefix(b"#!") else {
        // What `execve` takes: ELF here; anything else needs a first line.
        let is_binary = start.starts_with(b"\x7fELF");
        return if is_binary { Ok(()) } else { Err(ProgramError::UnknownFormat(path.to_owned())) };
    };
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    if line.ends_with('\r') {
        let line = format!("#!{}", line.trim_end());
        return Err(ProgramError::CarriageReturn { path: path.to_owned(), line });
    }
    let mut words = line.split_whitespace();
    let Some(interpreter) = words.next() else {
        return Err(ProgramError::UnknownFormat(path.to_owned()));
    };
    let missing = |interpreter: &str| ProgramError::NoInterpreter {
        path: path.to_owned(),
        interpreter: interpreter.to_owned(),
    };
    if !Path::new(interpreter).exists() {
        return Err(missing(interpreter));
    }
    // `#!/usr/bin/env NAME`: env would fail in each replica with a sentence in its log only.
    match words.next() {
        Some(name)
            if interpreter.ends_with("/env")
                && !name.starts_with('-')
                && !name.contains('=')
                && !is_on_path(name) =>
        {
            Err(missing(name))
        }
        _ => Ok(()),
    }
}

fn is_on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(content: &[u8], mode: u32) -> Result<Program, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Program::find(&path, Vec::new())
            .map_err(|error| error.to_string().replace(&*path.to_string_lossy(), "store"))
    }

    #[test]
    fn a_script_and_a_binary_are_programs() {
        find(b"#!/bin/sh\nexec sleep 1\n", 0o755).unwrap();
        find(b"#!/usr/bin/env sh\n", 0o755).unwrap();
        find(b"\x7fELF...", 0o700).unwrap();
    }

    #[test]
    fn a_program_with_any_name_is_read_back() {
        use std::os::unix::ffi::OsStrExt;
        for name in [&b"store"[..], b"st\xffre"] {
            let path = Path::new(std::ffi::OsStr::from_bytes(name)).to_owned();
            let program = Program { path, ..find(b"\x7fELF...", 0o700).unwrap() };
            let text = serde_json::to_string(&program).unwrap();
            assert_eq!(serde_json::from_str::<Program>(&text).unwrap(), program, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_started_is_refused_with_the_remedy() {
        let cases: [(&[u8], u32, &str); 6] = [
            (b"#!/bin/sh\r\necho\r\n", 0o755, "carriage return (CRLF)"),
            (b"#!/bin/sh\n", 0o644, "chmod +x store"),
            (b"#!/usr/bin/no-such-python\n", 0o755, "/usr/bin/no-such-python does not exist"),
            (b"#!/usr/bin/env no-such-python\n", 0o755, "no-such-python does not exist"),
            (b"", 0o755, "neither a binary nor a script"),
            (b"import sys\n", 0o755, "#!/usr/bin/env python3"),
        ];
        for (content, mode, expected) in cases {
            let error = find(content, mode).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let error = Program::find(Path::new("/no/such/file"), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("no such file"), "{error}");
        let error = Program::find(Path::new("/tmp"), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("a directory"), "{error}");
    }
}
