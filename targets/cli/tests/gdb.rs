//! `--gdb`: sessions in gdb's remote protocol, with LLDB's packets for WebAssembly, as LLDB would send them.
#![cfg(all(feature = "gdb", feature = "text"))]

mod common;

use common::{Ended, command, dunlin, example, folder, wait};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;

/// Where code begins in the addresses that LLDB uses.
const CODE: u64 = 0x4000_0000_0000_0000;

/// A debugger, and the program that it has connected to.
struct Session {
    child: Child,
    connection: TcpStream,
    bytes: Vec<u8>,
}

impl Session {
    /// Debugs a module in the text format.
    fn begin(name: &str, text: &str, options: &[&str], args: &[&str]) -> Self {
        let path = folder(&format!("gdb_{name}")).join("debugged.wat");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let options = [&["run", "-g", "127.0.0.1:0"], options, &[path], args].concat();
        let mut child = command(&options).spawn().unwrap();
        let mut line = String::new();
        let stderr = child.stderr.take().unwrap();
        let mut reader = BufReader::with_capacity(1, stderr);
        reader.read_line(&mut line).unwrap();
        child.stderr = Some(reader.into_inner());
        let address = line.trim_end().rsplit_once("connect://").unwrap_or_else(|| panic!("{line}")).1;
        let connection = TcpStream::connect(address).unwrap();
        connection.set_nodelay(true).unwrap();
        let bytes = wat::parse_str(text).unwrap();
        Session { child, connection, bytes }
    }

    fn send(&mut self, packet: &str) {
        let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
        write!(self.connection, "${packet}#{sum:02x}").unwrap();
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.connection.read_exact(&mut byte).unwrap();
        byte[0]
    }

    /// The next packet that comes, without its escapes and repetitions.
    fn receive(&mut self) -> String {
        while self.byte() != b'$' {}
        let mut text = Vec::new();
        loop {
            match self.byte() {
                b'#' => break,
                b'}' => {
                    let escaped = self.byte();
                    text.push(escaped ^ 0x20);
                }
                b'*' => {
                    let (count, last) = (self.byte() - 29, *text.last().unwrap());
                    text.extend(std::iter::repeat_n(last, count.into()));
                }
                byte => text.push(byte),
            }
        }
        self.byte();
        self.byte();
        self.connection.write_all(b"+").unwrap();
        String::from_utf8(text).unwrap()
    }

    fn ask(&mut self, packet: &str) -> String {
        self.send(packet);
        self.receive()
    }

    #[track_caller]
    fn asked(&mut self, packet: &str, expected: &str) {
        assert_eq!(self.ask(packet), expected, "{packet}");
    }

    /// The program counters of all frames, as offsets in the module.
    fn stack(&mut self) -> Vec<u64> {
        let all = self.ask("qWasmCallStack:1");
        let pcs = all.as_bytes().chunks(16).map(|pc| {
            let pc = u64::from_str_radix(std::str::from_utf8(pc).unwrap(), 16).unwrap().swap_bytes();
            assert_eq!(pc >> 32, CODE >> 32);
            pc - CODE
        });
        pcs.collect()
    }

    /// Goes on, and expects to stop there, by this signal.
    #[track_caller]
    fn goes(&mut self, how: &str, signal: u8, offset: u64) {
        let pc = (CODE + offset).swap_bytes();
        let stopped = self.ask(how);
        assert!(stopped.starts_with(&format!("T{signal:02x}")), "{how}: {stopped}");
        // The register is in the message.
        assert!(stopped.contains(&format!(";00:{pc:016x};")), "{how}: {stopped} not at {offset:#x}");
        assert_eq!(self.stack()[0], offset);
    }

    fn find(&self, bytes: &[u8]) -> u64 {
        self.bytes.windows(bytes.len()).position(|window| window == bytes).unwrap() as u64
    }

    fn end(self) -> Ended {
        drop(self.connection);
        wait(self.child)
    }
}

const PROGRAM: &str = r#"(module
    (memory 1) (data (i32.const 16) "data") (global $g (mut i64) (i64.const 0x0102030405060708))
    (func (export "f") (param $n i32) (result i32) (local $sum i32) (local $x f64)
        (local.set $x (f64.const 1.5))
        (loop $again
            (local.set $sum (i32.add (local.get $sum) (call $square (local.get $n))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.add (local.get $sum) (i32.load8_u (i32.const 16))))
    (func $square (param $a i32) (result i32)
        (i32.mul (local.get $a) (local.get $a)))
    (func (export "spin") (loop $again (br $again)))
    (func $fail (export "fail") (drop (i32.const 7)) (unreachable)))"#;

#[test]
fn a_session_from_the_beginning_to_the_end() {
    let mut session = Session::begin("session", PROGRAM, &["--invoke", "f"], &["3"]);
    let start = session.find(&[0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
    let multiply = session.find(&[0x20, 0, 0x20, 0, 0x6c]) + 4;
    let call = session.find(&[0x10, 1, 0x6a]);
    let supported = session.ask("qSupported:xmlRegisters=i386,arm,mips,arc;multiprocess+");
    assert!(supported.contains("PacketSize=") && supported.contains("qXfer:libraries:read+"), "{supported}");
    let host = session.ask("qHostInfo");
    assert!(host.contains("ptrsize:4;") && host.contains("endian:little;"), "{host}");
    assert!(session.ask("qProcessInfo").contains("pid:1;"));
    assert!(session.ask("qRegisterInfo0").starts_with("name:pc;"));
    assert!(session.ask("?").contains("05"));
    // The module, where it is said to be.
    let libraries = session.ask("qXfer:libraries:read::0,fff");
    assert!(libraries.contains("<section address=\"0x4000000000000000\"/>"), "{libraries}");
    session.asked(&format!("m{CODE:x},8"), "0061736d01000000");
    session.asked(&format!("m{:x},8", CODE + session.bytes.len() as u64 - 2), &{
        let end = &session.bytes[session.bytes.len() - 2..];
        format!("{:02x}{:02x}", end[0], end[1])
    });
    // It stands before its first instruction.
    assert_eq!(session.stack(), [start]);
    session.asked("p0", &format!("{:016x}", (CODE + start).swap_bytes()));
    session.goes("vCont;s:1", 5, start + 9);
    session.asked(&format!("Z0,{:x},1", CODE + multiply), "OK");
    session.goes("vCont;c", 5, multiply);
    // Callers are where they go on.
    assert_eq!(session.stack(), [multiply, call + 2]);
    // Locals, operands from the top, and globals.
    session.asked("qWasmLocal:0;0", "03000000");
    session.asked("qWasmStackValue:0;0", "0300000000000000");
    session.asked("qWasmLocal:1;0", "03000000");
    session.asked("qWasmLocal:1;1", "00000000");
    session.asked("qWasmLocal:1;2", "000000000000f83f");
    session.asked("qWasmGlobal:0;0", "0807060504030201");
    for beyond in ["qWasmLocal:0;1", "qWasmLocal:2;0", "qWasmGlobal:0;1", "qWasmStackValue:0;2"] {
        let answer = session.ask(beyond);
        assert!(answer.is_empty() || answer.starts_with('E'), "{beyond}: {answer}");
    }
    session.goes("vCont;c", 5, multiply);
    session.asked("qWasmLocal:0;0", "02000000");
    session.asked("qWasmLocal:1;1", "09000000");
    // Memory can be read and written.
    session.asked("m10,4", "64617461");
    session.asked("M10,1:64", "OK");
    assert!(session.ask("m10000,4").starts_with('E'), "behind its end");
    session.asked(&format!("z0,{:x},1", CODE + multiply), "OK");
    session.asked("vCont;c", "W00");
    let ended = session.end().code(0);
    assert_eq!(ended.out, "114\n");
}

#[test]
fn a_program_is_interrupted() {
    let mut session = Session::begin("interrupted", PROGRAM, &["--invoke", "spin"], &[]);
    session.send("vCont;c");
    std::thread::sleep(std::time::Duration::from_millis(100));
    session.connection.write_all(b"\x03").unwrap();
    let stopped = session.receive();
    assert!(stopped.starts_with("T02"), "{stopped}");
    let branch = session.find(&[0x03, 0x40, 0x0c, 0]) + 2;
    let at = session.stack();
    assert!(at.len() == 1 && (branch - 2..=branch).contains(&at[0]), "{at:x?} {branch:x}");
    session.goes("vCont;s:1", 5, branch);
    session.goes("vCont;s:1", 5, branch);
    session.send("k");
    session.end().code(124).one_sentence().says("interrupted");
}

#[test]
fn a_program_that_waits_is_interrupted() {
    const WAITS: &str = r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i64.store (i32.const 88) (i64.const 0x7fffffffffffffff))
            (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 8)))))"#;
    let mut session = Session::begin("waits", WAITS, &[], &[]);
    session.send("vCont;c");
    std::thread::sleep(std::time::Duration::from_millis(300));
    session.connection.write_all(b"\x03").unwrap();
    assert!(session.receive().starts_with("T02"));
    let call = session.find(&[0x10, 0, 0x1a]);
    assert_eq!(session.stack(), [call]);
    // Who hangs up has no more use for it.
    session.end().code(124).one_sentence().says("interrupted");
}

#[test]
fn a_trap_is_looked_at_before_the_program_ends() {
    let mut session = Session::begin("trap", PROGRAM, &["--invoke", "fail"], &[]);
    let unreachable = session.find(&[0x41, 7, 0x1a, 0]) + 3;
    session.goes("vCont;c", 4, unreachable);
    session.asked("vCont;c", "X06");
    session.end().code(134).says("unreachable").says("fail");
}

#[test]
fn a_debugger_may_leave() {
    let mut session = Session::begin("leaves", PROGRAM, &["--invoke", "f"], &["3"]);
    let multiply = session.find(&[0x20, 0, 0x20, 0, 0x6c]) + 4;
    session.asked(&format!("Z0,{:x},1", CODE + multiply), "OK");
    session.goes("vCont;c", 5, multiply);
    session.asked("D", "OK");
    assert_eq!(session.end().code(0).out, "114\n");
}

#[test]
fn exit_codes_and_limits_are_the_same() {
    let text = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 7))))"#;
    let mut session = Session::begin("exits", text, &[], &[]);
    session.asked("vCont;c", "W07");
    session.end().code(7);
    let mut session = Session::begin("fuel", PROGRAM, &["--fuel", "1000", "--invoke", "spin"], &[]);
    session.asked("vCont;c", "X06");
    session.end().code(125).says("fuel");
    let mut session = Session::begin("timeout", PROGRAM, &["--timeout", "2s", "--invoke", "spin"], &[]);
    session.asked("vCont;c", "X06");
    session.end().code(124).says("timed out");
}

#[test]
fn what_it_does_not_go_with() {
    let add = &example("add.wat");
    dunlin(&["run", "-g", "nowhere", "--invoke", "add", add, "1", "2"])
        .code(1)
        .one_sentence()
        .says("--gdb nowhere: ");
    if cfg!(feature = "jit") {
        let ended = dunlin(&["run", "-g", "127.0.0.1:0", "--jit", "sync", add]).code(2).one_sentence();
        ended.says("so it doesn't go with --jit sync");
    }
}
