//! containerd, with folders and sockets of its own, and its client.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// containerd's namespace for these tests: what another run has left is in another.
static NAMESPACE: LazyLock<String> = LazyLock::new(|| format!("dunlin-test-{}", std::process::id()));

/// What containerd calls the shim.
pub(crate) const DUNLIN: &str = "io.containerd.dunlin.v1";

/// A containerd that ends with this value.
pub(crate) struct Containerd {
    pub(crate) folder: PathBuf,
    programs: Option<PathBuf>,
    child: Child,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn prints(self, expected: &str) -> Self {
        assert_eq!(self.out, expected, "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, expected: &str) -> Self {
        assert!(self.err.contains(expected), "'{expected}' isn't in {self:#?}");
        self
    }
}

impl Containerd {
    /// Starts one in a new folder; its programs are those of a folder, or the system's.
    pub(crate) fn start(name: &str, programs: Option<PathBuf>, env: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("dunlin-shim-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let config = folder.join("config.toml");
        let text = format!(
            "version = 2\nroot = {root:?}\nstate = {state:?}\n\
             disabled_plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.snapshotter.v1.btrfs', \
             'io.containerd.snapshotter.v1.zfs', 'io.containerd.snapshotter.v1.devmapper']\n\
             [grpc]\naddress = {address:?}\n",
            root = folder.join("root"),
            state = folder.join("state"),
            address = folder.join("sock"),
        );
        fs::write(&config, text).unwrap();
        let log = || File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let shim = Path::new(env!("CARGO_BIN_EXE_containerd-shim-dunlin-v1")).parent().unwrap();
        let path = format!("{}:{}", shim.display(), std::env::var("PATH").unwrap());
        let path = programs.iter().fold(path, |path, folder| format!("{}:{path}", folder.display()));
        let child = Command::new(program(&programs, "containerd"))
            .arg("--config")
            .arg(config)
            .env("PATH", path)
            .envs(env.iter().copied())
            .stdout(log())
            .stderr(log())
            .spawn()
            .unwrap();
        let daemon = Self { folder, programs, child };
        daemon.until("containerd answers", |daemon| daemon.ctr(&["version"]).code == Some(0));
        daemon
    }

    /// Its version's numbers.
    pub(crate) fn version(programs: &Option<PathBuf>) -> Option<Vec<u32>> {
        let said = Command::new(program(programs, "containerd")).arg("--version").output().ok()?;
        let said = String::from_utf8(said.stdout).ok()?;
        let version = said.split(' ').nth(2)?.trim_start_matches('v').split(['~', '-', '+']).next()?;
        version.split('.').map(|number| number.parse().ok()).collect()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE.as_secs().to_string()).arg(program(&self.programs, "ctr"));
        command.arg("--address").arg(self.folder.join("sock")).args(["--namespace", &NAMESPACE]).args(args);
        command
    }

    /// Has its client do something.
    pub(crate) fn ctr(&self, args: &[&str]) -> Ended {
        self.ctr_with(args, b"")
    }

    /// The same, with something on standard input.
    pub(crate) fn ctr_with(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut child = self.spawn(args);
        child.stdin.take().unwrap().write_all(input).unwrap();
        ended(child)
    }

    /// The same, and doesn't wait.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Has it know an image.
    pub(crate) fn import(&self, archive: &[u8]) {
        let path = self.folder.join("image.tar");
        fs::write(&path, archive).unwrap();
        self.ctr(&["image", "import", "--all-platforms", path.to_str().unwrap()]).code(0);
    }

    /// Runs a WebAssembly image, with more options and arguments, until it ends.
    pub(crate) fn run(&self, options: &[&str], image: &str, id: &str, args: &[&str]) -> Ended {
        self.ctr(&[&["run", "--rm"], &WASM_OPTIONS[..], options, &[image, id], args].concat())
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "{what}: not within {PATIENCE:?}; see {}",
                self.folder.display()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// The state that it says a container's task has.
    pub(crate) fn state(&self, id: &str) -> Option<String> {
        let tasks = self.ctr(&["task", "ls"]).out;
        let row = tasks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        row.filter(|row| row.first() == Some(&id)).find_map(|row| row.last().map(|state| state.to_string()))
    }

    /// Starts a container and leaves it; more options may be given.
    pub(crate) fn detach(&self, options: &[&str], image: &str, id: &str) {
        let run = [&["run", "--detach", "--null-io"], &WASM_OPTIONS[..], options, &[image, id]].concat();
        self.ctr(&run).code(0);
    }

    /// What of its containers the system still has: mounts, control groups, states, processes.
    pub(crate) fn left(&self) -> Vec<String> {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let folder = self.folder.join("state").display().to_string();
        let mounts = mounts.lines().filter(|line| line.contains(&folder)).map(String::from);
        let entries = |path: String| fs::read_dir(path).into_iter().flatten().flatten();
        let groups = ["memory/", "", "pids/"].map(|kind| format!("/sys/fs/cgroup/{kind}{}", *NAMESPACE));
        let groups = groups.into_iter().flat_map(entries).filter(|entry| entry.path().is_dir());
        let states = entries(format!("/run/containerd/dunlin/{}", *NAMESPACE));
        let paths = groups.chain(states).map(|entry| entry.path().display().to_string());
        mounts.chain(paths).chain(processes(&self.folder.join("sock"))).collect()
    }

    /// What it and its shims said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // What a failed test has left.
        for shim in processes(&self.folder.join("sock")) {
            let _ = Command::new("kill").args(["-KILL", &shim]).status();
        }
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let mounts = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        for mount in mounts.filter(|path| Path::new(path).starts_with(&self.folder)) {
            let _ = Command::new("umount").arg(mount).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// For containers of WebAssembly.
const WASM_OPTIONS: [&str; 4] = ["--platform", "wasip1/wasm", "--runtime", DUNLIN];

fn program(programs: &Option<PathBuf>, name: &str) -> PathBuf {
    programs.as_ref().map_or_else(|| name.into(), |folder| folder.join(name))
}

/// Waits for a command's end.
pub(crate) fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The shims with this on their command lines, as a containerd's socket is.
pub(crate) fn processes(socket: &Path) -> Vec<String> {
    let socket = socket.display().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        line.contains("containerd-shim-") && line.contains(&socket)
    });
    processes.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
