//! Each right, and what can't be done without it.

use super::poll::{fd as on, poll};
use super::*;
use std::net::{TcpListener, TcpStream};

/// Descriptors of a sandbox with one of each kind.
struct Open {
    sandbox: Sandbox,
    file: u32,
    connection: u32,
    _client: TcpStream,
}

const LISTENER: u32 = 4;

fn open() -> Open {
    let mut sandbox = Sandbox::new();
    let root = sandbox.root();
    for name in ["full", "empty"] {
        std::fs::create_dir(root.join(name)).unwrap();
    }
    std::fs::write(root.join("full/file"), "").unwrap();
    std::os::unix::fs::symlink("full", root.join("link")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    sandbox.ctx = WasiCtxBuilder::new()
        .preopened_dir(root, "/", DirPerms::all(), FilePerms::all())
        .unwrap()
        .preopened_socket(listener)
        .unwrap()
        .build();
    let file = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    sandbox.call(|ctx, guest| ctx.sock_accept(guest, LISTENER, 0, 0)).unwrap();
    let connection = sandbox.result();
    Open { sandbox, file, connection, _client: client }
}

/// What a call is made on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum On {
    File,
    Dir,
    Connection,
    Listener,
}

type Call = fn(&mut Sandbox, u32) -> Result<(), Errno>;

fn errno<T>(result: Result<T>) -> Result<(), Errno> {
    match result {
        Ok(_) => Ok(()),
        Err(Fail::Errno(errno)) => Err(errno),
        Err(fail) => panic!("{fail:?}"),
    }
}

/// Does something with the name `path`.
macro_rules! named {
    ($path:literal, |$ctx:ident, $guest:ident, $fd:ident, $at:ident, $len:ident| $call:expr) => {
        |sandbox: &mut Sandbox, $fd| {
            let ($at, $len) = sandbox.path($path);
            sandbox.done(|$ctx, $guest| $call)
        }
    };
}

/// Does something with a descriptor alone.
macro_rules! plain {
    (|$ctx:ident, $guest:ident, $fd:ident| $call:expr) => {
        |sandbox: &mut Sandbox, $fd| sandbox.done(|$ctx, $guest| $call)
    };
}

/// That waiting for it is an error is an event.
fn waited(sandbox: &mut Sandbox, fd: u32, eventtype: u8) -> Result<(), Errno> {
    let events = poll(sandbox, &[on(1, eventtype, fd)]).unwrap();
    match events[0].error {
        0 => Ok(()),
        number if number == Errno::NOTCAPABLE as u16 => Err(Errno::NOTCAPABLE),
        number if number == Errno::BADF as u16 => Err(Errno::BADF),
        number => panic!("{number}"),
    }
}

/// Calls, with all the rights that each takes.
fn calls() -> Vec<(&'static str, On, Rights, Call)> {
    use On::{Connection, Dir, File, Listener};
    vec![
        ("fd_datasync", File, Rights::FD_DATASYNC, plain!(|ctx, guest, fd| ctx.fd_datasync(guest, fd))),
        ("fd_datasync", Dir, Rights::FD_DATASYNC, plain!(|ctx, guest, fd| ctx.fd_datasync(guest, fd))),
        ("fd_sync", File, Rights::FD_SYNC, plain!(|ctx, guest, fd| ctx.fd_sync(guest, fd))),
        ("fd_sync", Dir, Rights::FD_SYNC, plain!(|ctx, guest, fd| ctx.fd_sync(guest, fd))),
        ("fd_read", File, Rights::FD_READ, |sandbox, fd| errno(sandbox.read(fd, &[1]))),
        ("fd_pread", File, Rights::FD_READ, |sandbox, fd| errno(sandbox.pread(fd, &[1], 0))),
        ("fd_write", File, Rights::FD_WRITE, |sandbox, fd| errno(sandbox.write(fd, &[b"x"]))),
        ("fd_pwrite", File, Rights::FD_WRITE, |sandbox, fd| errno(sandbox.pwrite(fd, &[b"x"], 0))),
        ("fd_write", Connection, Rights::FD_WRITE, |sandbox, fd| errno(sandbox.write(fd, &[b"x"]))),
        (
            "sock_send",
            Connection,
            Rights::FD_WRITE,
            plain!(|ctx, guest, fd| ctx.sock_send(guest, fd, 0, 0, 0, 0)),
        ),
        (
            "sock_recv",
            Connection,
            Rights::FD_READ,
            plain!(|ctx, guest, fd| ctx.sock_recv(guest, fd, 0, 0, 0, 0, 8)),
        ),
        ("fd_seek", File, Rights::FD_SEEK, |sandbox, fd| sandbox.seek(fd, 0, 0).map(|_| ())),
        ("fd_tell", File, Rights::FD_TELL, plain!(|ctx, guest, fd| ctx.fd_tell(guest, fd, 0))),
        (
            "fd_fdstat_set_flags",
            File,
            Rights::FD_FDSTAT_SET_FLAGS,
            plain!(|ctx, guest, fd| ctx.fd_fdstat_set_flags(guest, fd, APPEND)),
        ),
        ("fd_advise", File, Rights::FD_ADVISE, plain!(|ctx, guest, fd| ctx.fd_advise(guest, fd, 0, 1, 0))),
        ("fd_allocate", File, Rights::FD_ALLOCATE, plain!(|ctx, guest, fd| ctx.fd_allocate(guest, fd, 0, 1))),
        ("fd_filestat_get", File, Rights::FD_FILESTAT_GET, |sandbox, fd| sandbox.fstat(fd).map(|_| ())),
        ("fd_filestat_get", Dir, Rights::FD_FILESTAT_GET, |sandbox, fd| sandbox.fstat(fd).map(|_| ())),
        (
            "fd_filestat_set_size",
            File,
            Rights::FD_FILESTAT_SET_SIZE,
            plain!(|ctx, guest, fd| ctx.fd_filestat_set_size(guest, fd, 1)),
        ),
        (
            "fd_filestat_set_times",
            File,
            Rights::FD_FILESTAT_SET_TIMES,
            plain!(|ctx, guest, fd| ctx.fd_filestat_set_times(guest, fd, 0, 0, 1)),
        ),
        (
            "fd_filestat_set_times",
            Dir,
            Rights::FD_FILESTAT_SET_TIMES,
            plain!(|ctx, guest, fd| ctx.fd_filestat_set_times(guest, fd, 0, 0, 1)),
        ),
        ("poll_oneoff", File, Rights::FD_READ | Rights::POLL_FD_READWRITE, |sandbox, fd| {
            waited(sandbox, fd, 1)
        }),
        ("poll_oneoff", File, Rights::FD_WRITE | Rights::POLL_FD_READWRITE, |sandbox, fd| {
            waited(sandbox, fd, 2)
        }),
        ("poll_oneoff", Connection, Rights::FD_WRITE | Rights::POLL_FD_READWRITE, |sandbox, fd| {
            waited(sandbox, fd, 2)
        }),
        (
            "sock_shutdown",
            Connection,
            Rights::SOCK_SHUTDOWN,
            plain!(|ctx, guest, fd| ctx.sock_shutdown(guest, fd, 2)),
        ),
        ("sock_accept", Listener, Rights::SOCK_ACCEPT, |sandbox, fd| {
            // The one connection has been accepted.
            sandbox.ctx.fds.get_mut(fd).unwrap().nonblock = true;
            match sandbox.done(|ctx, guest| ctx.sock_accept(guest, fd, 0, 0)) {
                Err(Errno::AGAIN) => Ok(()),
                result => result,
            }
        }),
        (
            "path_create_directory",
            Dir,
            Rights::PATH_CREATE_DIRECTORY,
            named!("new", |ctx, guest, fd, path, len| ctx.path_create_directory(guest, fd, path, len)),
        ),
        (
            "path_remove_directory",
            Dir,
            Rights::PATH_REMOVE_DIRECTORY,
            named!("empty", |ctx, guest, fd, path, len| ctx.path_remove_directory(guest, fd, path, len)),
        ),
        (
            "path_unlink_file",
            Dir,
            Rights::PATH_UNLINK_FILE,
            named!("file", |ctx, guest, fd, path, len| ctx.path_unlink_file(guest, fd, path, len)),
        ),
        (
            "path_filestat_get",
            Dir,
            Rights::PATH_FILESTAT_GET,
            named!("file", |ctx, guest, fd, path, len| ctx.path_filestat_get(guest, fd, 0, path, len, 0)),
        ),
        (
            "path_filestat_set_times",
            Dir,
            Rights::PATH_FILESTAT_SET_TIMES,
            named!("file", |ctx, guest, fd, path, len| {
                ctx.path_filestat_set_times(guest, fd, 0, path, len, 0, 0, 1)
            }),
        ),
        (
            "path_readlink",
            Dir,
            Rights::PATH_READLINK,
            named!("link", |ctx, guest, fd, path, len| ctx.path_readlink(guest, fd, path, len, BUF, 10, 0)),
        ),
        (
            "path_symlink",
            Dir,
            Rights::PATH_SYMLINK,
            named!("new", |ctx, guest, fd, path, len| ctx.path_symlink(guest, path, 1, fd, path, len)),
        ),
        ("fd_readdir", Dir, Rights::FD_READDIR, |sandbox, fd| sandbox.readdir(fd, 0, 100).map(|_| ())),
        ("path_open", Dir, Rights::PATH_OPEN, |sandbox, fd| {
            sandbox.open_with((fd, 0), "file", 0, READ, 0).map(|_| ())
        }),
        ("path_open", Dir, Rights::PATH_OPEN | Rights::PATH_CREATE_FILE, |sandbox, fd| {
            sandbox.open_with((fd, 0), "new", CREAT, READ, 0).map(|_| ())
        }),
        ("path_open", Dir, Rights::PATH_OPEN | Rights::PATH_FILESTAT_SET_SIZE, |sandbox, fd| {
            sandbox.open_with((fd, 0), "file", TRUNC, READ, 0).map(|_| ())
        }),
        (
            "path_link",
            Dir,
            Rights::PATH_LINK_SOURCE | Rights::PATH_LINK_TARGET,
            named!("file", |ctx, guest, fd, path, len| {
                ctx.path_link(guest, fd, 0, path, len, fd, path, len - 1)
            }),
        ),
        (
            "path_rename",
            Dir,
            Rights::PATH_RENAME_SOURCE | Rights::PATH_RENAME_TARGET,
            named!("file", |ctx, guest, fd, path, len| {
                ctx.path_rename(guest, fd, path, len, fd, path, len - 1)
            }),
        ),
    ]
}

/// Makes the call where exactly these rights are left.
fn with_rights(on: On, call: Call, left: impl FnOnce(Rights) -> Rights) -> Result<(), Errno> {
    let mut open = open();
    let fd = match on {
        On::File => open.file,
        On::Dir => DIR,
        On::Connection => open.connection,
        On::Listener => LISTENER,
    };
    let (_, _, base, inheriting) = open.sandbox.fdstat(fd).unwrap();
    let left = left(Rights::from_bits(base).unwrap()).bits();
    open.sandbox.done(|ctx, guest| ctx.fd_fdstat_set_rights(guest, fd, left, inheriting)).unwrap();
    call(&mut open.sandbox, fd)
}

#[test]
fn every_call_takes_its_rights_and_no_others() {
    let mut seen = Rights::empty();
    for (name, on, rights, call) in calls() {
        seen |= rights;
        assert_eq!(with_rights(on, call, |_| rights), Ok(()), "{name} on {on:?} with {rights:?}");
        for right in rights.iter() {
            let missing = if (Rights::FD_READ | Rights::FD_WRITE).contains(right) {
                Errno::BADF
            } else {
                Errno::NOTCAPABLE
            };
            let result = with_rights(on, call, |all| all - right);
            assert_eq!(result, Err(missing), "{name} on {on:?} without {right:?}");
        }
    }
    assert_eq!(seen, Rights::all());
}

impl Sandbox {
    fn set_rights(&mut self, fd: u32, base: Rights, inheriting: Rights) -> Result<(), Errno> {
        self.done(|ctx, guest| ctx.fd_fdstat_set_rights(guest, fd, base.bits(), inheriting.bits()))
    }

    fn rights(&mut self, fd: u32) -> (Rights, Rights) {
        let (_, _, base, inheriting) = self.fdstat(fd).unwrap();
        (Rights::from_bits(base).unwrap(), Rights::from_bits(inheriting).unwrap())
    }
}

#[test]
fn descriptors_begin_with_the_rights_of_their_kind() {
    let mut open = open();
    assert_eq!(open.sandbox.rights(DIR), (Rights::DIRECTORY, Rights::DIRECTORY | Rights::FILE));
    assert_eq!(open.sandbox.rights(open.file), (Rights::FILE, Rights::FILE));
    assert_eq!(open.sandbox.rights(LISTENER), (Rights::LISTENER, Rights::CONNECTION));
    assert_eq!(open.sandbox.rights(open.connection), (Rights::CONNECTION, Rights::CONNECTION));
}

#[test]
fn what_is_opened_has_what_can_be_inherited() {
    let mut open = open();
    let sandbox = &mut open.sandbox;
    let missing = Rights::FD_TELL | Rights::FD_WRITE | Rights::PATH_UNLINK_FILE | Rights::FD_SYNC;
    let inheriting = (Rights::DIRECTORY | Rights::FILE) - missing;
    sandbox.set_rights(DIR, Rights::DIRECTORY, inheriting).unwrap();
    let dir = sandbox.open("full", DIRECTORY, READ).unwrap();
    assert_eq!(sandbox.rights(dir), (Rights::DIRECTORY - missing, inheriting));
    let file = sandbox.open_with((dir, 0), "file", 0, READ | WRITE, 0).unwrap();
    assert_eq!(sandbox.rights(file), (Rights::FILE - missing, Rights::FILE - missing));
    let file = sandbox.open_with((dir, 0), "file", 0, 0, 0).unwrap();
    let without = Rights::FILE - missing - Rights::FD_READ;
    assert_eq!(sandbox.rights(file), (without, without));

    let _client = std::net::TcpStream::connect(match sandbox.ctx.fds.socket(LISTENER).unwrap() {
        crate::host::socket::Socket::Listener(listener) => listener.local_addr().unwrap(),
        crate::host::socket::Socket::Connection(_) => unreachable!(),
    });
    let inheriting = Rights::CONNECTION - Rights::SOCK_SHUTDOWN;
    sandbox.set_rights(LISTENER, Rights::LISTENER, inheriting).unwrap();
    sandbox.call(|ctx, guest| ctx.sock_accept(guest, LISTENER, 0, 0)).unwrap();
    let connection = sandbox.result();
    assert_eq!(sandbox.rights(connection), (inheriting, inheriting));
}

#[test]
fn rights_are_given_up_for_good() {
    let mut sandbox = Sandbox::writable();
    let (base, inheriting) = sandbox.rights(DIR);
    let less = inheriting - Rights::FD_TELL;
    sandbox.set_rights(DIR, base, less).unwrap();
    assert_eq!(sandbox.rights(DIR), (base, less));
    assert_eq!(sandbox.set_rights(DIR, base, inheriting), Err(Errno::NOTCAPABLE));
    let fewer = base - Rights::PATH_OPEN;
    sandbox.set_rights(DIR, fewer, less).unwrap();
    assert_eq!(sandbox.set_rights(DIR, base, less), Err(Errno::NOTCAPABLE));
    // What is refused changes nothing, not even what could have been given up.
    assert_eq!(sandbox.set_rights(DIR, Rights::empty(), inheriting), Err(Errno::NOTCAPABLE));
    assert_eq!(sandbox.set_rights(DIR, base, Rights::empty()), Err(Errno::NOTCAPABLE));
    assert_eq!(sandbox.rights(DIR), (fewer, less));
}
