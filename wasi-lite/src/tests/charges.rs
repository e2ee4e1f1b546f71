//! What a guest's doings cost the budget.

use super::*;
use crate::fds::FdKind;
use crate::{ReadPipe, WritePipe};
use dunlin::Kind;
use std::net::{TcpListener, TcpStream};

#[test]
fn what_a_guest_makes_the_host_keep_is_paid_for() {
    let out = WritePipe::in_memory(1 << 20);
    let mut sandbox = Sandbox::writable();
    let root = sandbox.root();
    sandbox.ctx = WasiCtx::builder()
        .stdin(ReadPipe::from("x"))
        .stdout(out.clone())
        .preopened_dir(&root, "/", DirPerms::all(), FilePerms::all())
        .unwrap()
        .build();
    sandbox.budget = Budget::new(20_000);
    assert_eq!(sandbox.budget.used(), 0);
    let fd = sandbox.open("file", CREAT, READ).unwrap();
    let one = sandbox.budget.used_for(Kind::Host);
    assert!(one > 0);
    sandbox.close(fd).unwrap();
    let fd = sandbox.open("file", CREAT, READ).unwrap();
    sandbox.close(fd).unwrap();
    assert_eq!(sandbox.budget.used(), one, "the table stays, and is used again");
    // Waiting for much takes much, for as long as it takes.
    sandbox.memory.resize(1 << 20, 0);
    sandbox.fails(Errno::NOMEM, |ctx, guest| ctx.poll_oneoff(guest, 4096, 500_000, 1000, 0));
    sandbox.call(|ctx, guest| ctx.poll_oneoff(guest, 4096, 500_000, 10, 0)).unwrap();
    assert_eq!(sandbox.budget.used(), one);
    // Output that is kept.
    let mut written = 0;
    let fail = loop {
        match sandbox.write(1, &[&[7; 1000]]) {
            Ok(count) => written += count as usize,
            Err(fail) => break fail,
        }
        assert!(sandbox.budget.used() >= written as u64);
    };
    assert_eq!(fail, Fail::Errno(Errno::NOMEM));
    assert!((4000..20_000).contains(&written), "{written}");
    assert_eq!(out.contents().len(), written);
    // Descriptors, until there is room for no more; nothing was made on the disk for the last one.
    let mut opened = 0;
    let name = |number: u32| format!("new{number}");
    while let Ok(fd) = sandbox.open(&name(opened), CREAT, READ) {
        assert!(fd > DIR);
        opened += 1;
    }
    assert!(opened > 0 && !root.join(name(opened)).exists());
    let Sandbox { ctx, budget, .. } = sandbox;
    drop(ctx);
    assert!(budget.used() >= written as u64, "whoever holds the pipe holds its bytes");
    drop(out);
    assert_eq!(budget.used(), 0);
}

/// What it costs to use paths of these lengths at once.
fn of_paths(lens: &[usize]) -> u64 {
    lens.iter().map(|len| 8192 + 64 * *len as u64).sum()
}

#[test]
fn calls_that_take_a_path_pay_for_it_before_they_do_anything() {
    type Call = fn(&mut Sandbox) -> Result<(), Errno>;
    let mut sandbox = Sandbox::writable();
    let root = sandbox.root();
    std::fs::write(root.join("file"), "").unwrap();
    std::fs::create_dir(root.join("empty")).unwrap();
    std::os::unix::fs::symlink("file", root.join("link")).unwrap();
    // The place for a descriptor isn't what this is about.
    let fd = sandbox.open("file", 0, READ).unwrap();
    sandbox.close(fd).unwrap();
    let calls: [(Call, u64); 11] = [
        (|sandbox| sandbox.stat("file", 0).map(|_| ()), of_paths(&[4])),
        (|sandbox| sandbox.stat("file", FOLLOW).map(|_| ()), of_paths(&[4])),
        (|sandbox| sandbox.readlink("link", 9).map(|_| ()), of_paths(&[4])),
        (|sandbox| sandbox.open("new", CREAT, READ).map(|_| ()), of_paths(&[3])),
        (|sandbox| sandbox.mkdir("folder"), of_paths(&[6])),
        (|sandbox| sandbox.rmdir("empty"), of_paths(&[5])),
        (|sandbox| sandbox.symlink("file", "symlink"), of_paths(&[4, 7])),
        (|sandbox| sandbox.link("file", "another", 0), of_paths(&[4, 7])),
        (|sandbox| sandbox.rename("file", "moved"), of_paths(&[4, 5])),
        (
            |sandbox| {
                let (path, len) = sandbox.path("moved");
                sandbox.done(|ctx, guest| ctx.path_filestat_set_times(guest, DIR, 0, path, len, 0, 0, 2 | 8))
            },
            of_paths(&[5]),
        ),
        (|sandbox| sandbox.unlink("moved"), of_paths(&[5])),
    ];
    let names = |sandbox: &Sandbox| {
        let entries = std::fs::read_dir(sandbox.root()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for (index, (call, cost)) in calls.into_iter().enumerate() {
        let before = names(&sandbox);
        sandbox.budget = Budget::new(cost - 1);
        assert_eq!(call(&mut sandbox), Err(Errno::NOMEM), "call {index}");
        assert_eq!((names(&sandbox), sandbox.budget.used()), (before, 0), "call {index}");
        sandbox.budget = Budget::new(cost);
        assert_eq!(call(&mut sandbox), Ok(()), "call {index}");
        assert_eq!((sandbox.budget.used(), sandbox.budget.peak()), (0, cost), "call {index}");
    }
    assert_eq!(names(&sandbox), ["another", "folder", "link", "new", "symlink"]);
}

#[test]
fn waiting_pays_for_its_lists_while_it_lasts() {
    let mut sandbox = Sandbox::new();
    let mut poll = |count: u32, budget: Budget| {
        sandbox.budget = budget;
        // Zeros are subscriptions to the wall clock, which is there at once.
        let result = sandbox.done(|ctx, guest| ctx.poll_oneoff(guest, 4096, 32_768, count, 0));
        assert_eq!(sandbox.budget.used(), 0);
        (result, sandbox.budget.peak())
    };
    let (done, one) = poll(1, Budget::unlimited());
    assert_eq!(done, Ok(()));
    // For each an event, what is polled, where it is found, and what was asked; and one for the interruption.
    assert!(one >= 2 * (32 + 8 + 8 + 24), "{one}");
    for count in [3, 7, 99] {
        let cost = one / 2 * u64::from(count + 1);
        assert_eq!(poll(count, Budget::new(cost)), (Ok(()), cost));
        assert_eq!(poll(count, Budget::new(cost - 1)), (Err(Errno::NOMEM), 0));
    }
}

#[test]
fn output_in_memory_is_paid_for_as_it_grows() {
    let pipe = WritePipe::in_memory(100);
    let mut sandbox = Sandbox::with(WasiCtx::builder().stdout(pipe.clone()).build());
    sandbox.budget = Budget::new(30);
    for (bytes, paid, peak) in [
        (3, 3, 3),
        // Twice as much, and the old until it is copied.
        (2, 6, 9),
        (1, 6, 9),
        (1, 12, 18),
        (5, 12, 18),
    ] {
        assert_eq!(sandbox.write(1, &[&vec![7; bytes]]), Ok(bytes as u32));
        assert_eq!((sandbox.budget.used(), sandbox.budget.peak()), (paid, peak));
    }
    // That would take 24, and 12.
    assert_eq!(sandbox.write(1, &[b"x"]), Err(Fail::Errno(Errno::NOMEM)));
    assert_eq!((sandbox.budget.used(), pipe.contents()), (12, vec![7; 12]));
}

#[test]
fn a_connection_is_accepted_only_where_there_is_a_place_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut sandbox = Sandbox::with(WasiCtx::builder().preopened_socket(listener).unwrap().build());
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"abc").unwrap();
    let accept = |sandbox: &mut Sandbox| sandbox.done(|ctx, guest| ctx.sock_accept(guest, DIR, 0, 0));
    // The table has four places.
    sandbox.budget = Budget::new(1 << 20);
    let others = sandbox.budget.charge(Kind::Host, (1 << 20) - 100).unwrap();
    assert_eq!(accept(&mut sandbox), Err(Errno::NOMEM));
    assert_eq!(sandbox.budget.used(), (1 << 20) - 100);
    drop(others);
    assert_eq!(accept(&mut sandbox), Ok(()));
    assert!(sandbox.budget.used() > 0);
    let connection = sandbox.result();
    assert_eq!(sandbox.read(connection, &[9]).unwrap(), b"abc", "it was still there");
}

#[test]
fn positions_in_a_directory_are_paid_for_until_it_is_read_anew() {
    let mut sandbox = Sandbox::writable();
    let budget = sandbox.budget.clone();
    // As a file system with large cookies has them.
    let FdKind::Dir(dir) = &mut sandbox.ctx.fds.get_mut(DIR).unwrap().kind else { panic!() };
    let number = dir.cookies.number(1 << 40, &budget).unwrap();
    let paid = budget.used();
    assert!(paid > 0);
    // What stands there isn't this test's concern, nor is whether it is paid for, too.
    let _ = sandbox.readdir(DIR, number, 100);
    assert!(budget.used() >= paid);
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_readdir(guest, DIR, BUF, 100, number + 1000, 0));
    let (entries, _) = sandbox.readdir(DIR, 0, 100).unwrap();
    let large = entries.iter().filter(|(.., next)| *next >= 1 << 30).count() as u64;
    assert_eq!(budget.used(), large * paid);
}
