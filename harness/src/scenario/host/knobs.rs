//! What a profile can say, for people: the table of `harness list knobs` and of the manual.

/// A key of a profile, what it takes, and what it does to replicas: how, and where that is impossible.
pub const KNOBS: [(&str, &str, &str); 14] = [
    ("start_delay", "a time", "each replica waits before its program is loaded"),
    (
        "lookups",
        "`least`, `most`, `each_ms`, `stall_probability`, `stall` (a time)",
        "of the look-ups of files by a program that starts, the first (so many, drawn) are slow, and some stall: held \
         up by a filter on system calls (seccomp), which goes to the harness; where the system refuses that, they are \
         waited out before the program is loaded, and the run says so",
    ),
    (
        "starvation",
        "`runs`, `waits` (times)",
        "stopped and let go (SIGSTOP, SIGCONT), again and again",
    ),
    ("busy_neighbours", "0 to 256", "processes that do nothing but compute, beside the replicas"),
    (
        "cpu_quota",
        "0.01 to 256 processors",
        "a control group for all replicas together; where none may be made they are stopped for their share of each \
         tenth of a second, and the run says so",
    ),
    ("descriptors", "at least 3", "the most descriptors of each process"),
    (
        "processes",
        "at least 1",
        "the most processes and threads of the user; the system sets root no such limit, and the command says so",
    ),
    (
        "socket_bytes",
        "bytes",
        "what waits at most in the harness's socket until a replica reads it; how much a replica's own socket holds is \
         the replica's business",
    ),
    (
        "read_delay",
        "a time",
        "each message of a replica waits before it is read: meanwhile its socket fills",
    ),
    (
        "shared_directory",
        "true or false",
        "one working directory for all runs: the sockets of the next take the place of those of the last",
    ),
    (
        "clock_jump",
        "`after_ms`, `by_ms`",
        "the wall clock is set while replicas run: by a preloaded library, which a C compiler makes at the start; \
         without one the host is refused; programs that are linked statically do not notice",
    ),
    (
        "logs",
        "`kind`: `full`, or `slow` with `delay` (a time for 4,096 bytes)",
        "the disk for what replicas print: each write fails (ENOSPC), or waits for earlier ones",
    ),
    (
        "sync_delay",
        "a time",
        "a slow disk: each `fsync` takes so much longer, by the same filter; no effect where it is refused",
    ),
    ("file_bytes", "bytes", "a full disk: no file grows beyond that (the error is EFBIG)"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::host::profile::Profile;

    #[test]
    fn each_key_of_a_profile_has_its_row() {
        let profile = serde_json::to_value(Profile::default()).unwrap();
        let mut keys: Vec<&str> = profile.as_object().unwrap().keys().map(String::as_str).collect();
        keys.retain(|key| !["name", "description"].contains(key));
        let mut rows: Vec<&str> = KNOBS.iter().map(|(key, _, _)| *key).collect();
        keys.sort_unstable();
        rows.sort_unstable();
        assert_eq!(rows, keys);
    }
}
