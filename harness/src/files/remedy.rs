//! What a user can do about a file or a folder that the system refuses.

use std::io::{self, ErrorKind};

/// What to do; `None` where the system's own words, or those around them, must do.
pub fn of(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            "a file has the name of a folder there: rename or remove it, or give another folder"
        }
        ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => {
            "a folder has the name of a file there: rename or remove it, or give another folder"
        }
        ErrorKind::PermissionDenied => {
            "this user may not do that there: change the rights, or give another place"
        }
        ErrorKind::ReadOnlyFilesystem => "nothing can be written there: give a folder elsewhere",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "there is no room left: make some, or give a folder elsewhere"
        }
        _ => return None,
    })
}

/// What the system said, and what to do.
pub fn told(error: &io::Error) -> String {
    match of(error) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_follows_what_the_system_said() {
        let exists = io::Error::from_raw_os_error(17);
        assert_eq!(
            told(&exists),
            "File exists (os error 17); a file has the name of a folder there: rename or remove it, or give another \
             folder"
        );
        assert_eq!(told(&io::Error::other("x")), "x");
    }
}
