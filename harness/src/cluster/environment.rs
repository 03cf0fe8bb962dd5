//! The environment of a confined program: what it needs to run, and nothing that may be a secret.

use std::ffi::OsString;
use std::process::Command;

/// The variables that every program gets: where programs and its user's files are, and its language.
const USUAL: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE"];

/// Those of the locale begin so.
const LOCALE: &str = "LC_";

/// Leaves the usual variables and those that are passed.
pub fn clean(command: &mut Command, passed: &[String]) {
    command.env_clear();
    command.envs(kept(passed));
}

/// The usual variables of this process, and those that are passed.
pub fn kept(passed: &[String]) -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| is_kept(name, passed))
}

fn is_kept(name: &OsString, passed: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    USUAL.contains(&name) || name.starts_with(LOCALE) || passed.iter().any(|it| it == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_but_what_is_usual_or_passed() {
        let kept = |name: &str| is_kept(&name.into(), &["JAVA_HOME".to_owned()]);
        assert!(["PATH", "LC_ALL", "JAVA_HOME"].into_iter().all(kept));
        assert!(!["AWS_SECRET_ACCESS_KEY", "JAVA_HOME_OLD", "LD_PRELOAD"].into_iter().any(kept));
    }
}
