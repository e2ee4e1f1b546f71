//! What differs in `wasi_unstable`.

use super::*;

fn unstable() -> Sandbox {
    Sandbox { snapshot: Snapshot::Unstable, ..Sandbox::writable() }
}

#[test]
fn the_order_of_whence() {
    let mut sandbox = unstable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    sandbox.write(fd, &[b"abcdef"]).unwrap();
    let (cur, end, set) = (0, 1, 2);
    assert_eq!(sandbox.seek(fd, 1, set), Ok(1));
    assert_eq!(sandbox.seek(fd, 2, cur), Ok(3));
    assert_eq!(sandbox.seek(fd, -2, end), Ok(4));
    assert_eq!(sandbox.seek(fd, 0, 3), Err(Errno::INVAL));
}

#[test]
fn the_layout_of_filestat() {
    let mut sandbox = unstable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    sandbox.write(fd, &[b"abcdef"]).unwrap();
    sandbox.link("file", "other", 0).unwrap();
    let (path, len) = sandbox.path("file");
    let by_path =
        |ctx: &mut WasiCtx, guest: &mut Guest<'_>| ctx.path_filestat_get(guest, DIR, 0, path, len, 0);
    sandbox.memory[..80].fill(0xee);
    sandbox.call(by_path).unwrap();
    let memory = &sandbox.memory;
    assert_eq!((memory[16], get_u32(memory, 20), get_u64(memory, 24)), (REGULAR, 2, 6));
    assert_eq!(memory[56..64], [0xee; 8], "it has 56 bytes");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    for at in [32, 40, 48] {
        assert!(now.abs_diff(get_u64(memory, at)) < 600_000_000_000, "a time at {at}");
    }
    let by_path = memory[..56].to_vec();
    sandbox.call(|ctx, guest| ctx.fd_filestat_get(guest, fd, 0)).unwrap();
    assert_eq!(sandbox.memory[..56], by_path);
    let end = sandbox.memory.len() as u32;
    sandbox.call(|ctx, guest| ctx.fd_filestat_get(guest, fd, end - 56)).unwrap();
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.fd_filestat_get(guest, fd, end - 55));
}

#[test]
fn the_layout_of_subscriptions() {
    let mut sandbox = unstable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    sandbox.memory[4096..4096 + 112].fill(0xee);
    let mut put = |at: usize, bytes: &[u8]| sandbox.memory[4096 + at..][..bytes.len()].copy_from_slice(bytes);
    // A clock that is there in a millisecond, and a file, 56 bytes further on.
    put(0, &7_u64.to_le_bytes());
    put(8, &[0]);
    put(24, &1_u32.to_le_bytes());
    put(32, &1_000_000_u64.to_le_bytes());
    put(48, &[0, 0]);
    put(56, &8_u64.to_le_bytes());
    put(64, &[1]);
    put(72, &99_u32.to_le_bytes());
    let poll = |sandbox: &mut Sandbox, count| {
        sandbox.call(|ctx, guest| ctx.poll_oneoff(guest, 4096, 8192, count, 0)).unwrap();
        let event = &sandbox.memory[8192..];
        (get_u32(&sandbox.memory, 0), get_u64(event, 0), get_u16(event, 8), event[10])
    };
    assert_eq!(poll(&mut sandbox, 1), (1, 7, 0, 0));
    assert_eq!(poll(&mut sandbox, 2), (1, 8, Errno::BADF as u16, 1));
    sandbox.memory[4096 + 72..][..4].copy_from_slice(&fd.to_le_bytes());
    assert_eq!(poll(&mut sandbox, 2), (1, 8, 0, 1));
    // A descriptor lies where its clock would have an identifier.
    let end = sandbox.memory.len() as u32;
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.poll_oneoff(guest, end - 48, 8192, 1, 0));
}
