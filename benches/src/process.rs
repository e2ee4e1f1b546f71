//! The parent's side of a worker.

use crate::engines::Engine;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// After this time an engine counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// A worker's process. It is killed when this value is dropped.
pub(crate) struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

impl Worker {
    /// Starts a worker for an engine: of this program, or of another build of it.
    pub(crate) fn start(engine: &Engine, before: Option<&Path>) -> Result<Worker, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let (program, name) = match (engine.before, before) {
            (Some(name), Some(before)) => (before, name),
            _ => (&*own, engine.name),
        };
        let mut child = Command::new(program)
            .args(["worker", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (Some(requests), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the worker has no pipes".to_owned());
        };
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Worker { child, requests, answers })
    }

    fn ask(&mut self, request: &str) -> Result<Vec<i64>, String> {
        // If the worker is gone, reading the answer fails.
        let _ = writeln!(self.requests, "{request}");
        match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => match line.split_once(' ') {
                Some(("ok", numbers)) => {
                    Ok(numbers.split(' ').filter_map(|number| number.parse().ok()).collect())
                }
                Some(("error", message)) => Err(message.to_owned()),
                _ => Err(format!("an answer that makes no sense: {line}")),
            },
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            Err(RecvTimeoutError::Disconnected) => match self.child.wait() {
                Ok(status) => Err(format!("it crashed ({status})")),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    /// Loads a module. Returns the CPU time in nanoseconds.
    pub(crate) fn load(&mut self, path: &Path, export: &str) -> Result<i64, String> {
        match self.ask(&format!("load {export} {}", path.display()))?[..] {
            [nanoseconds] => Ok(nanoseconds),
            _ => Err("an incomplete answer".to_owned()),
        }
    }

    /// Calls the export. Returns its result and the CPU time in nanoseconds.
    pub(crate) fn run(&mut self, n: i32) -> Result<(i64, i64), String> {
        match self.ask(&format!("run {n}"))?[..] {
            [result, nanoseconds] => Ok((result, nanoseconds)),
            _ => Err("an incomplete answer".to_owned()),
        }
    }

    /// The peak of resident memory, and how much of it the engine caused, in KiB.
    pub(crate) fn memory(&mut self) -> Result<(i64, i64), String> {
        match self.ask("memory")?[..] {
            [peak, base] => Ok((peak, peak - base)),
            _ => Err("an incomplete answer".to_owned()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be in an endless loop, and holds nothing that must be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
