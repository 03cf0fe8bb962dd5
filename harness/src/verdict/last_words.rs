//! Why a process ended, from the end of its standard error: the line that names the cause, which is seldom
//! the last.

/// Lines that say only that something went wrong before them.
const EMPTY_WORDS: [&str; 6] = [
    "Node.js v",
    "note: run with `RUST_BACKTRACE",
    "note: Some details are omitted",
    "exit status ",
    "goroutine ",
    "FAILURE: Build failed",
];

/// The line that names the cause of a process's end; nothing if it wrote nothing.
pub fn cause(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    rust(&lines)
        .or_else(|| go(&lines))
        .or_else(|| python(&lines))
        .or_else(|| java(&lines))
        .or_else(|| cpp(&lines))
        .or_else(|| node(&lines))
        .or_else(|| last(&lines))
}

/// `thread 'main' panicked at src/main.rs:3:5:`, with the message in the next line.
fn rust(lines: &[&str]) -> Option<String> {
    let at = lines.iter().rposition(|line| is_rust_panic(line))?;
    let line = lines[at].trim();
    match lines.get(at + 1).filter(|_| line.ends_with(':')) {
        Some(message) => Some(format!("{line} {}", message.trim())),
        None => Some(line.to_owned()),
    }
}

fn is_rust_panic(line: &str) -> bool {
    line.trim_start().starts_with("thread '") && line.contains(" panicked at ")
}

/// `panic: ...` or `fatal error: ...`, with the first place of the program's own in the trace.
fn go(lines: &[&str]) -> Option<String> {
    let is_panic = |line: &&str| line.starts_with("panic: ") || line.starts_with("fatal error: ");
    let at = lines.iter().position(is_panic)?;
    let trace = &lines[at..];
    let is_place = |line: &&&str| {
        line.starts_with('\t') && line.contains(".go:") && !line.contains("/src/runtime/")
    };
    let place = trace.iter().find(is_place).map(|line| {
        let place = line.trim();
        place.split_once(" +0x").map_or(place, |(place, _)| place)
    });
    Some(with_place(lines[at], place))
}

/// The last line of a traceback, with the innermost place.
fn python(lines: &[&str]) -> Option<String> {
    let at = lines
        .iter()
        .rposition(|line| line.trim_start().starts_with("Traceback (most recent call last)"));
    let trace = match at {
        Some(at) => &lines[at + 1..],
        // A syntax error has no heading, and a long traceback is cut off above.
        None if lines.iter().any(|line| line.starts_with("  File \"")) => lines,
        None => return None,
    };
    let error = trace.iter().find(|line| !line.starts_with(' '))?;
    let is_place = |line: &&&str| line.starts_with("  File \"");
    let before = trace.iter().take_while(|line| *line != error);
    let place = before.filter(is_place).last().map(|line| line.trim());
    Some(with_place(error, place))
}

/// The innermost `Caused by:`, or the exception itself, with the place below it.
fn java(lines: &[&str]) -> Option<String> {
    let is_cause = |line: &&str| line.trim_start().starts_with("Caused by: ");
    let is_exception = |line: &&str| line.starts_with("Exception in thread ");
    let at = lines.iter().rposition(is_cause).or_else(|| lines.iter().rposition(is_exception))?;
    let place = lines.get(at + 1).map(|line| line.trim()).filter(|line| line.starts_with("at "));
    Some(with_place(lines[at], place))
}

/// `terminate called after throwing ...`, with what it says; or a failed assertion.
fn cpp(lines: &[&str]) -> Option<String> {
    if let Some(at) = lines.iter().rposition(|line| line.starts_with("terminate called")) {
        let what = lines.get(at + 1).filter(|line| line.trim_start().starts_with("what(): "));
        let what = what.map_or_else(String::new, |line| format!(": {}", line.trim()));
        return Some(format!("{}{what}", lines[at].trim()));
    }
    let is_assertion = |line: &&&str| line.contains("Assertion `") && line.contains("' failed");
    lines.iter().rfind(is_assertion).map(|line| line.trim().to_owned())
}

/// `Error: Cannot find module './raft'`: above the stack and the version.
fn node(lines: &[&str]) -> Option<String> {
    let is_version = |line: &&str| line.starts_with("Node.js v");
    let has_stack = |line: &&str| line.starts_with("    at ");
    if !lines.iter().any(|line| is_version(line) || has_stack(line)) {
        return None;
    }
    let is_error = |line: &&str| {
        let name = line.split([':', ' ', '[']).find(|word| !matches!(*word, "" | "Uncaught"));
        name.is_some_and(|name| name.ends_with("Error") || name.ends_with("Exception"))
    };
    let at = lines.iter().position(is_error)?;
    let place = lines[at + 1..].iter().find(|line| has_stack(line)).map(|line| line.trim());
    Some(with_place(lines[at], place))
}

/// The last line that says something.
fn last(lines: &[&str]) -> Option<String> {
    let says = |line: &&&str| !EMPTY_WORDS.iter().any(|empty| line.trim_start().starts_with(empty));
    lines.iter().rfind(says).or(lines.last()).map(|line| line.trim().to_owned())
}

fn with_place(line: &str, place: Option<&str>) -> String {
    let line = line.trim();
    place.map_or_else(|| line.to_owned(), |place| format!("{line} ({place})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(text: &str, expected: &str) {
        assert_eq!(cause(text).as_deref(), Some(expected));
    }

    #[test]
    fn a_missing_module_of_node_is_told_and_not_its_version() {
        let text = "node:internal/modules/cjs/loader:1143\n  throw err;\n  ^\n\n\
            Error: Cannot find module './raft'\nRequire stack:\n- /tmp/replica.js\n    \
            at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15)\n    \
            at Module._load (node:internal/modules/cjs/loader:981:27) {\n  code: 'MODULE_NOT_FOUND',\n  \
            requireStack: [ '/tmp/replica.js' ]\n}\n\nNode.js v20.20.2\n";
        is(
            text,
            "Error: Cannot find module './raft' (at Module._resolveFilename \
             (node:internal/modules/cjs/loader:1140:15))",
        );
        let text = "/tmp/a.js:3\nx.y.z\n    ^\n\nTypeError [ERR_X]: Cannot read properties\n    at f (/tmp/a.js:3:5)\n\nNode.js v20\n";
        is(text, "TypeError [ERR_X]: Cannot read properties (at f (/tmp/a.js:3:5))");
    }

    #[test]
    fn a_traceback_is_told_by_its_last_line_and_innermost_place() {
        let text = "starting\nTraceback (most recent call last):\n  File \"store.py\", line 9, in <module>\n    \
            main()\n  File \"store.py\", line 4, in main\n    log[7]\nIndexError: list index out of range\nbye\n";
        is(text, "IndexError: list index out of range (File \"store.py\", line 4, in main)");
        let text = "  File \"store.py\", line 2\n    def f(\n         ^\nSyntaxError: '(' was never closed\n";
        is(text, "SyntaxError: '(' was never closed (File \"store.py\", line 2)");
    }

    #[test]
    fn the_innermost_cause_of_a_java_exception_is_told() {
        let text = "Exception in thread \"main\" java.lang.RuntimeException: no start\n\tat Main.main(Main.java:5)\n\
            Caused by: java.net.BindException: Address already in use\n\tat Net.bind(Net.java:9)\n\t... 3 more\n";
        is(
            text,
            "Caused by: java.net.BindException: Address already in use (at Net.bind(Net.java:9))",
        );
        let text = "Exception in thread \"main\" java.lang.NullPointerException\n\tat Main.main(Main.java:5)\n";
        is(
            text,
            "Exception in thread \"main\" java.lang.NullPointerException (at Main.main(Main.java:5))",
        );
    }

    #[test]
    fn a_go_panic_is_told_with_its_own_place() {
        let text = "panic: runtime error: index out of range [3] with length 2\n\ngoroutine 1 [running]:\n\
            main.apply(...)\n\t/home/a/store.go:17 +0x1d\nmain.main()\n\t/home/a/store.go:40 +0x2b\nexit status 2\n";
        is(
            text,
            "panic: runtime error: index out of range [3] with length 2 (/home/a/store.go:17)",
        );
    }

    #[test]
    fn a_rust_panic_is_told_with_its_message() {
        let text = "thread 'main' panicked at src/main.rs:3:5:\nindex out of bounds\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        is(text, "thread 'main' panicked at src/main.rs:3:5: index out of bounds");
        is(
            "thread 'main' panicked at 'no log', src/main.rs:3:5\nnote: run with `RUST_BACKTRACE=1` x\n",
            "thread 'main' panicked at 'no log', src/main.rs:3:5",
        );
    }

    #[test]
    fn a_thrown_exception_of_cpp_is_told_with_what_it_says() {
        let text =
            "terminate called after throwing an instance of 'std::out_of_range'\n  what():  at\n";
        assert!(cause(text).unwrap().ends_with("'std::out_of_range': what():  at"));
    }

    #[test]
    fn other_programs_are_told_by_their_last_line() {
        is("reading\nindex out of range\n\n", "index out of range");
        assert_eq!(cause("\n \n"), None);
        is("Node.js v20.1.0", "Node.js v20.1.0");
        is("cannot bind\nexit status 2\n", "cannot bind");
    }
}
