//! Clients that are programs of the user's: one process for each client, a line of JSON each way.
//!
//! A process whose operation was given up is given some more time for it, and what it has to say of it then is left out:
//! on a busy host a new process would be slower still. After that it is ended, and the next operation has a new one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clients::drivers::exec::{Replica, answer, line};
use crate::clients::drivers::{Answer, Asked};
use crate::cluster::command::Command;
use crate::cluster::sweep;
use crate::ids::NodeId;
use crate::limits;
use crate::os;

/// The clients of such a system.
pub struct Exec {
    start: Rc<Start>,
    clients: RefCell<BTreeMap<NodeId, Client>>,
    next: RefCell<u64>,
}

/// How a client's process is started.
struct Start {
    command: Command,
    /// The folder in which its standard error is kept.
    folder: PathBuf,
    /// The mark of the run.
    mark: String,
}

/// A client: the task that talks with its process.
struct Client {
    operations: mpsc::UnboundedSender<Operation>,
    task: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An operation to be asked.
struct Operation {
    id: u64,
    line: Vec<u8>,
    answer: oneshot::Sender<Answer>,
}

/// A client's process, which is ended with this, and what it started.
struct Program {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            let group = nix::unistd::Pid::from_raw(pid);
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

impl Exec {
    /// Clients that run this command.
    pub fn new(command: Command, folder: PathBuf, mark: &str) -> Self {
        let start = Rc::new(Start { command, folder, mark: mark.to_owned() });
        Self { start, clients: RefCell::default(), next: RefCell::new(0) }
    }

    /// Starts the process of a client, before it is asked for anything. Must be called within a `LocalSet`.
    pub fn begin(&self, client: NodeId) {
        let (operations, asked) = mpsc::unbounded_channel();
        let task = tokio::task::spawn_local(talk(Rc::clone(&self.start), client, asked));
        self.clients.borrow_mut().insert(client, Client { operations, task });
    }

    /// Asks the client's program to ask this replica.
    pub async fn ask(&self, client: NodeId, replica: &Replica, asked: Asked<'_>) -> Answer {
        let (sender, receiver) = oneshot::channel();
        {
            if !self.clients.borrow().contains_key(&client) {
                self.begin(client);
            }
            let mut next = self.next.borrow_mut();
            *next += 1;
            let operation =
                Operation { id: *next, line: line(*next, asked, replica), answer: sender };
            if let Some(client) = self.clients.borrow().get(&client) {
                // One that is gone answers nothing.
                let _ = client.operations.send(operation);
            }
        }
        let gone = || Answer::Fail("the client's program was ended".to_owned());
        receiver.await.unwrap_or_else(|_| gone())
    }

    /// All programs are ended.
    pub fn stop(&self) {
        self.clients.borrow_mut().clear();
    }
}

/// Asks a client's program for one operation after the other.
async fn talk(
    start: Rc<Start>,
    client: NodeId,
    mut operations: mpsc::UnboundedReceiver<Operation>,
) {
    // What is wrong with its start is told to the first operation.
    let mut program = start.program(client).ok();
    while let Some(Operation { id, line, answer: mut sender }) = operations.recv().await {
        if sender.is_closed() {
            continue;
        }
        let mut running = match program.take().map_or_else(|| start.program(client), Ok) {
            Ok(running) => running,
            Err(error) => {
                let path = start.command.program().display();
                let why = format!("the client's program {path} cannot be started: {error}");
                let _ = sender.send(Answer::Fail(why));
                continue;
            }
        };
        let answered = tokio::select! {
            answered = running.exchange(id, &line) => answered,
            () = given_up(&mut sender) => continue,
        };
        let answer = match answered {
            Ok(answer) => {
                program = Some(running);
                answer
            }
            Err(why) => Answer::Info(why),
        };
        let _ = sender.send(answer);
    }
}

/// Waits until an operation was given up, and some more time.
async fn given_up(answer: &mut oneshot::Sender<Answer>) {
    answer.closed().await;
    tokio::time::sleep(limits::SLOW_ANSWER).await;
}

impl Start {
    fn program(&self, client: NodeId) -> std::io::Result<Program> {
        std::fs::create_dir_all(&self.folder)?;
        let log = self.folder.join(format!("{client}.log"));
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let mut command = self.command.build();
        self.command.set_environment(&mut command);
        command
            .env(sweep::MARK, &self.mark)
            .env("HARNESS_CLIENT", OsString::from(client.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(log));
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        os::die_with_parent(&mut command);
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(std::io::Error::other("it has no standard input and output"));
        };
        Ok(Program { child, stdin, stdout: BufReader::new(stdout) })
    }
}

impl Program {
    /// Writes the line, and reads until it is answered.
    async fn exchange(&mut self, id: u64, line: &[u8]) -> Result<Answer, String> {
        if self.stdin.write_all(line).await.is_err() {
            return Err(self.ended().await);
        }
        loop {
            let mut said = Vec::new();
            let most = u64::try_from(limits::ANSWER_BYTES).unwrap_or(u64::MAX);
            let read = (&mut self.stdout).take(most).read_until(b'\n', &mut said).await;
            match read {
                Ok(0) | Err(_) => return Err(self.ended().await),
                Ok(length) if length == limits::ANSWER_BYTES => {
                    return Err(format!(
                        "the client's program wrote a line longer than {length} bytes; allowed: one JSON object a line"
                    ));
                }
                Ok(_) if said.trim_ascii().is_empty() => {}
                Ok(_) => {
                    if let Some(answer) = answer(id, said.trim_ascii()) {
                        return Ok(answer);
                    }
                }
            }
        }
    }

    /// It has closed its end.
    async fn ended(&mut self) -> String {
        let waited = tokio::time::timeout(limits::TICK, self.child.wait()).await;
        match waited {
            Ok(Ok(status)) => {
                let how = crate::cluster::life::Ending::from(status);
                format!(
                    "the client's program ended ({how}) without a completion; its last words are in the run's folder \
                     `clients`"
                )
            }
            _ => "the client's program closed its standard output without a completion".to_owned(),
        }
    }
}
