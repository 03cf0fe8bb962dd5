//! The command of each replica: the places of the system file filled in with its ports and those of its links.

use std::ffi::OsString;
use std::path::Path;

use super::addresses::{Addresses, HOST, at};
use super::proxy::Proxies;
use super::readiness::Check;
use crate::cluster::command::{Command, find};
use crate::ids::NodeId;
use crate::system::Description;
use crate::system::description::Ready;
use crate::system::template::{Part, Template};

/// One replica of a system.
pub struct Replica<'a> {
    pub(super) description: &'a Description,
    pub(super) replicas: &'a [NodeId],
    pub(super) addresses: &'a Addresses,
    pub(super) proxies: &'a Proxies,
    /// Its number.
    pub(super) index: usize,
    /// Its data directory.
    pub(super) data: &'a Path,
}

impl Replica<'_> {
    /// What starts it.
    pub fn command(&self) -> Command {
        let environment = self.description.environment.iter();
        let environment = environment.map(|(name, value)| (name.clone(), self.fill(value)));
        let files = self.description.files.iter().map(|file| {
            (self.data.join(&file.path), self.fill(&file.content).into_encoded_bytes())
        });
        let files = files.collect();
        self.of(&self.description.command).with_environment(environment.collect()).with_files(files)
    }

    /// How it is seen that it is ready; `printed`: the lengths of its logs before it was started.
    pub fn check(&self, printed: [u64; 2]) -> Check {
        let text = |template: &Template| self.fill(template).to_string_lossy().into_owned();
        match &self.description.ready {
            Ready::Connects => Check::Connects,
            Ready::Http(path) => Check::Http(text(path)),
            Ready::Command(words) => Check::Command(Box::new(self.of(words))),
            Ready::Line(line) => {
                let folder = self.data.parent().unwrap_or(self.data).to_owned();
                Check::Line { line: line.clone(), folder, printed }
            }
        }
    }

    fn of(&self, words: &[Template]) -> Command {
        let (program, arguments) = words.split_first().expect("a command has a program");
        let program = self.fill(program);
        let program = find(&program.to_string_lossy(), &self.description.here);
        let arguments = arguments.iter().flat_map(|argument| self.arguments(argument));
        Command::new(program, arguments.collect(), self.data)
    }

    /// The arguments that one of the file becomes: `{peers}` alone, where nothing separates them, becomes one for each.
    fn arguments(&self, template: &Template) -> Vec<OsString> {
        if template.text() == "{peers}" && self.description.peers.separator.is_none() {
            return self.peers().into_iter().map(OsString::from).collect();
        }
        vec![self.fill(template)]
    }

    /// A template with its places filled in; paths need not be texts.
    fn fill(&self, template: &Template) -> OsString {
        let mut filled = OsString::new();
        for part in template.parts() {
            match part {
                Part::Text(text) => filled.push(text),
                Part::Place("data") => filled.push(self.data),
                Part::Place("here") => filled.push(&self.description.here),
                Part::Place("peers") => {
                    let separator = self.description.peers.separator.as_deref();
                    filled.push(self.peers().join(separator.unwrap_or(",")));
                }
                Part::Place("replicas") => filled.push(self.replicas.len().to_string()),
                Part::Place(name) => {
                    let own = self.addresses.of(self.index);
                    filled.push(self.of_replica(name, self.index, own).unwrap_or_default());
                }
            }
        }
        filled
    }

    fn peers(&self) -> Vec<String> {
        let peers = &self.description.peers;
        let others =
            (0..self.replicas.len()).filter(|&other| peers.with_self || other != self.index);
        let said = others.map(|other| {
            let ports: Vec<u16> = if other == self.index {
                self.addresses.of(other).to_vec()
            } else {
                let count = self.addresses.names().len();
                (0..count).filter_map(|at| self.proxies.port(self.index, other, at)).collect()
            };
            peers.each.fill(|name| self.of_replica(name, other, &ports))
        });
        said.collect()
    }

    /// What a place says of a replica that is reached by these ports.
    fn of_replica(&self, name: &str, index: usize, ports: &[u16]) -> Option<String> {
        Some(match name {
            "id" => index.to_string(),
            "number" => (index + 1).to_string(),
            "name" => self.replicas[index].to_string(),
            "host" => HOST.to_string(),
            "port" => ports.first()?.to_string(),
            "address" => at(*ports.first()?).to_string(),
            _ => {
                let port = name.strip_prefix("port.")?;
                let place = self.addresses.names().iter().position(|known| known == port)?;
                ports.get(place)?.to_string()
            }
        })
    }
}

/// The command of a client's program.
pub fn of_client(description: &Description, words: &[Template], replicas: usize) -> Command {
    let fill = |template: &Template| {
        template.fill(|name| match name {
            "here" => Some(description.here.to_string_lossy().into_owned()),
            "replicas" => Some(replicas.to_string()),
            _ => None,
        })
    };
    let (program, arguments) = words.split_first().expect("a command has a program");
    let program = find(&fill(program), &description.here);
    let arguments = arguments.iter().map(|argument| fill(argument).into()).collect();
    Command::new(program, arguments, &description.here)
}
