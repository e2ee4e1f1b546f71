//! Checks the machine code of the interpreter's handlers in this program: a hot handler does its work and jumps to the
//! next handler, without spills, calls or returns. A cold one may do all that, but no handler is ever called: each of
//! those calls would stay on the native stack.
//!
//! It reads its own disassembly, by GNU objdump, from standard input: see `targets/check-handlers.sh`. With a handler's
//! name (`'Call.0'`, or `'I32Add.5 BrIfAcc.0'` for a pair) it shows that one's machine code instead, with `all` the sizes
//! of all. On 32-bit ARM, where few registers are left, handlers may save some and call functions that aren't handlers; and
//! so they may if FOR_SIZE is set, for builds that are optimised for size: jumps they must be all the same.

use dunlin::{HandlerKind, TailHandler, tail_handlers};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::process::ExitCode;

const ARM: bool = cfg!(target_arch = "aarch64");
const ARM32: bool = cfg!(target_arch = "arm");

/// Handlers that are known to use the stack, and how many forms of each do on x86_64 and on aarch64. These numbers may
/// only fall. On x86_64, shuffles are those of machines without SSE4.2.
const EXCEPTIONS: &[(&str, usize, usize)] =
    &[("I8x16Swizzle", 10, 0), ("Shuffle", 1, 0), ("ShuffleSlot", 1, 0)];

/// What a hot handler's code may not do. A cold one may not call a handler.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fault {
    /// Calls a handler, or what may be one.
    CallOfHandler,
    /// Calls something else.
    Call,
    /// Uses the stack pointer: it saves or spills registers.
    Stack,
    /// Returns.
    Return,
    /// Jumps to an unknown target: not to an address loaded from a cell.
    UnknownJump,
    /// Doesn't dispatch another handler.
    NoDispatch,
}

struct Instruction {
    address: u64,
    mnemonic: String,
    operands: String,
    /// The address that objdump worked out for an operand relative to the instruction.
    points_to: Option<u64>,
}

struct Disassembly {
    code: Vec<Instruction>,
    at: HashMap<u64, usize>,
    /// Where functions begin.
    functions: BTreeMap<u64, String>,
    /// Words that the loader sets to addresses: 0 for what is in another file.
    words: HashMap<u64, u64>,
}

/// Where an instruction leads.
#[derive(Clone, Copy)]
enum Flow {
    Next,
    Branch(u64),
    Jump(u64),
    /// To what is in a register or in memory.
    Indirect,
    /// The same on a condition.
    MayIndirect,
    Unknown,
    Call(u64),
    /// Calls what is in a register or in memory.
    CallIndirect,
    Return,
    Trap,
}

/// Where an indirect jump gets its target from.
enum Target {
    /// From memory by a register: from a cell.
    Cell,
    Fixed(u64),
    /// From a sum, as a `br_table` tells it: how far from one of the handlers it is.
    Sum,
    /// From another register.
    Moved(String),
    Unknown,
}

/// An instruction of 32-bit ARM without its condition, and whether it has one.
fn unconditional<'a>(mnemonic: &'a str, plain: &str) -> Option<(&'a str, bool)> {
    const CONDITIONS: &str = " eq ne cs hs cc lo mi pl vs vc hi ls ge lt gt le";
    let (name, condition) = mnemonic.split_at_checked(plain.len())?;
    let known = condition.is_empty() || condition.len() == 2 && CONDITIONS.contains(&format!(" {condition}"));
    (name == plain && known).then_some((name, !condition.is_empty()))
}

fn hex(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits.trim_start_matches("0x"), 16).ok()
}

impl Disassembly {
    fn parse(text: &str) -> Disassembly {
        let mut all = Disassembly {
            code: Vec::new(),
            at: HashMap::new(),
            functions: BTreeMap::new(),
            words: HashMap::new(),
        };
        for line in text.lines() {
            if let Some((address, name)) = line.strip_suffix(">:").and_then(|l| l.split_once(" <")) {
                if let Some(address) = hex(address) {
                    all.functions.insert(address, name.to_owned());
                }
            } else if let Some((address, rest)) = line.split_once(":\t")
                && let Some(address) = hex(address.trim())
            {
                let (rest, comment) = rest
                    .split_once(if ARM {
                        " //"
                    } else if ARM32 {
                        "\t;"
                    } else {
                        " #"
                    })
                    .unwrap_or((rest, ""));
                let mut words = rest.split_whitespace().peekable();
                // Prefixes that do not change where an instruction leads.
                while words.next_if(|w| matches!(*w, "notrack" | "bnd" | "data16" | "cs")).is_some() {}
                let mnemonic = words.next().unwrap_or_default().to_owned();
                let operands = words.collect::<Vec<_>>().join(" ");
                let points_to = comment.split_whitespace().next().and_then(hex);
                all.at.insert(address, all.code.len());
                all.code.push(Instruction { address, mnemonic, operands, points_to });
            } else if let [word, kind, value] = line.split_whitespace().collect::<Vec<_>>()[..]
                && let Some(word) = hex(word)
            {
                if kind.ends_with("_GLOB_DAT") {
                    all.words.insert(word, 0);
                } else if kind.ends_with("_RELATIVE")
                    && let Some(value) = value.strip_prefix("*ABS*+").and_then(hex)
                {
                    all.words.insert(word, value);
                }
            }
        }
        all
    }

    /// [`Disassembly::flow`] on 32-bit ARM.
    fn flow_arm32(&self, i: usize) -> Flow {
        let Instruction { mnemonic, operands, .. } = &self.code[i];
        let is = |plain| unconditional(mnemonic, plain);
        let target = || operands.split(' ').next().and_then(hex);
        // What ends by the program counter.
        let sets_pc =
            operands.starts_with("pc,") || operands.split_once('{').is_some_and(|(_, l)| l.contains("pc"));
        match mnemonic.as_str() {
            "udf" | "bkpt" => Flow::Trap,
            _ if let Some((_, may)) = is("bx") => match (operands.as_str(), may) {
                ("lr", _) => Flow::Return,
                (_, true) => Flow::MayIndirect,
                (_, false) => Flow::Indirect,
            },
            // With an address, it goes on as Thumb, which the C compiler's library has.
            _ if is("blx").is_some() => target().map_or(Flow::CallIndirect, Flow::Call),
            _ if is("b").is_some() || is("bl").is_some() => match (target(), is("b")) {
                (Some(to), Some((_, false))) => Flow::Jump(to),
                (Some(to), Some((_, true))) => Flow::Branch(to),
                (Some(to), None) => Flow::Call(to),
                (None, _) => Flow::Unknown,
            },
            _ if sets_pc && is("pop").or(is("ldm")).is_some() => Flow::Return,
            _ if sets_pc && !mnemonic.starts_with("st") && is("push").is_none() => Flow::Unknown,
            _ => Flow::Next,
        }
    }

    fn flow(&self, i: usize) -> Flow {
        if ARM32 {
            return self.flow_arm32(i);
        }
        let Instruction { mnemonic, operands, .. } = &self.code[i];
        // The target stands last, followed by its name.
        let target = || hex(operands.split(" <").next()?.rsplit([',', ' ']).next()?);
        let direct = |make: fn(u64) -> Flow| target().map_or(Flow::Unknown, make);
        if ARM {
            match mnemonic.as_str() {
                "b" => direct(Flow::Jump),
                "br" => Flow::Indirect,
                "bl" => direct(Flow::Call),
                "blr" => Flow::CallIndirect,
                "ret" => Flow::Return,
                "udf" | "brk" => Flow::Trap,
                "cbz" | "cbnz" | "tbz" | "tbnz" => direct(Flow::Branch),
                m if m.starts_with("b.") => direct(Flow::Branch),
                _ => Flow::Next,
            }
        } else {
            match mnemonic.trim_end_matches('q') {
                "jmp" if operands.starts_with('*') => Flow::Indirect,
                "jmp" => direct(Flow::Jump),
                "call" if operands.starts_with('*') => Flow::CallIndirect,
                "call" => direct(Flow::Call),
                "ret" => Flow::Return,
                "ud2" | "int3" => Flow::Trap,
                m if m.starts_with('j') => direct(Flow::Branch),
                _ => Flow::Next,
            }
        }
    }

    /// What instruction `i` puts into `register`, if it writes it. The jump table of a `match` is recognised by its
    /// computed target.
    fn writes(&self, i: usize, register: &str) -> Option<Target> {
        let Instruction { mnemonic: m, operands: o, .. } = &self.code[i];
        if ARM32 {
            let reads = ["st", "cm", "tst", "teq", "b", "push", "pld", "v"].iter().any(|p| m.starts_with(p));
            // What a handler has saved, the address of the next one among it.
            let list =
                o.split_once('{').and_then(|(_, list)| list.split_once('}')).map_or("", |(list, _)| list);
            if (m.starts_with("pop") || m.starts_with("ldm"))
                && list.split(',').any(|loaded| loaded.trim() == register)
            {
                return Some(Target::Cell);
            }
            let both = if m.starts_with("ldrd") { 2 } else { 1 };
            let mut results = o.split(',').map(str::trim).take(both);
            if reads || !results.any(|result| result == register) {
                return None;
            }
            Some(match m.as_str() {
                _ if m.starts_with("ldr") && o.contains('[') => Target::Cell,
                "mov" => {
                    o.split_once(", ").map_or(Target::Unknown, |(_, from)| Target::Moved(from.to_owned()))
                }
                "add" => Target::Sum,
                _ => Target::Unknown,
            })
        } else if ARM {
            let mut results = o.split(',').map(str::trim).take(if m == "ldp" { 2 } else { 1 });
            let reads = ["st", "cm", "cb", "cc", "ts", "tb", "b", "prf"].iter().any(|p| m.starts_with(p));
            if reads || !results.any(|r| r == register) {
                return None;
            }
            let loads = matches!(m.as_str(), "ldr" | "ldur" | "ldp") && o.contains('[');
            Some(match m.as_str() {
                _ if loads => Target::Cell,
                "add" if o.ends_with("asr #32") => Target::Sum,
                _ => Target::Unknown,
            })
        } else {
            let rest = o.strip_suffix(register)?;
            let reads = ["cmp", "test", "push", "jmp"].iter().any(|p| m.starts_with(p));
            if reads || !(rest.is_empty() || rest.ends_with(',')) {
                return None;
            }
            Some(match m.trim_end_matches('q') {
                "mov" => self.in_memory(i),
                "lea" => self.code[i].points_to.map_or(Target::Unknown, Target::Fixed),
                "add" => Target::Sum,
                _ => Target::Unknown,
            })
        }
    }

    /// The target in the operand in memory of x86_64's instruction `i`.
    fn in_memory(&self, i: usize) -> Target {
        let Instruction { operands, points_to, .. } = &self.code[i];
        if operands.contains("(%rip)") {
            points_to.and_then(|word| self.words.get(&word)).map_or(Target::Unknown, |&to| Target::Fixed(to))
        } else if operands.contains("(%") {
            Target::Cell
        } else {
            Target::Unknown
        }
    }

    /// Every possible target of the indirect jump or call `i`, found by a walk over its predecessors.
    fn targets(&self, i: usize, before: &HashMap<usize, Vec<usize>>) -> Vec<Target> {
        let operands = &self.code[i].operands;
        let register = match operands.strip_prefix('*') {
            Some(memory) if memory.contains('(') => return vec![self.in_memory(i)],
            Some(register) => register,
            None => operands,
        };
        let (mut found, mut seen, mut todo) = (Vec::new(), HashSet::new(), vec![(i, register.to_owned())]);
        while let Some((i, register)) = todo.pop() {
            let Some(earlier) = before.get(&i) else {
                found.push(Target::Unknown);
                continue;
            };
            for &i in earlier {
                let further = match self.writes(i, &register) {
                    Some(Target::Moved(from)) => from,
                    Some(target) => {
                        found.push(target);
                        continue;
                    }
                    None => register.clone(),
                };
                if seen.insert((i, further.clone())) {
                    todo.push((i, further));
                }
            }
        }
        found
    }

    fn names_stack(&self, i: usize) -> bool {
        let Instruction { mnemonic, operands, .. } = &self.code[i];
        // What is optimised for size sets registers to small numbers so.
        let pushes = |i: usize| self.code[i].mnemonic == "push" && self.code[i].operands.starts_with('$');
        if pushes(i) || i > 0 && mnemonic == "pop" && pushes(i - 1) {
            return false;
        }
        let mut words = operands.split(|c: char| !c.is_ascii_alphanumeric());
        if ARM32 {
            false
        } else if ARM {
            words.any(|w| matches!(w, "sp" | "wsp"))
        } else {
            ["push", "pop", "leave", "enter"].iter().any(|m| mnemonic.starts_with(m))
                || words.any(|w| matches!(w, "rsp" | "esp"))
        }
    }

    /// The faults of the hot handler at `start`: in the code that is reachable from there without going through the
    /// functions in `cold`. `sums` says whether the handler may compute where it jumps to.
    fn faults(
        &self,
        start: u64,
        cold: &HashSet<u64>,
        handlers: &HashSet<u64>,
        sums: bool,
    ) -> BTreeSet<Fault> {
        let (mut faults, mut dispatches) = (BTreeSet::new(), false);
        let mut before: HashMap<usize, Vec<usize>> = HashMap::new();
        let (mut seen, mut indirect, mut todo) = (HashSet::new(), Vec::new(), vec![(None, start)]);
        loop {
            while let Some((from, address)) = todo.pop() {
                if cold.contains(&address) {
                    continue;
                }
                let Some(&i) = self.at.get(&address) else {
                    faults.insert(Fault::UnknownJump);
                    continue;
                };
                if let Some(from) = from {
                    before.entry(i).or_default().push(from);
                }
                if !seen.insert(i) {
                    continue;
                }
                if self.names_stack(i) {
                    faults.insert(Fault::Stack);
                }
                let next = (Some(i), self.code.get(i + 1).map_or(0, |next| next.address));
                match self.flow(i) {
                    Flow::Next => todo.push(next),
                    Flow::MayIndirect => {
                        indirect.push(i);
                        todo.push(next);
                    }
                    Flow::Branch(to) => todo.extend([next, (Some(i), to)]),
                    Flow::Jump(to) => todo.push((Some(i), to)),
                    Flow::Indirect => indirect.push(i),
                    Flow::Trap => {}
                    Flow::Unknown => _ = faults.insert(Fault::UnknownJump),
                    Flow::Return => _ = faults.insert(Fault::Return),
                    Flow::Call(to) => {
                        if handlers.contains(&to) {
                            faults.insert(Fault::CallOfHandler);
                        } else if !ARM32 {
                            faults.insert(Fault::Call);
                        }
                        todo.push(next);
                    }
                    Flow::CallIndirect => {
                        faults.insert(Fault::Call);
                        todo.push(next);
                    }
                }
            }
            // Only now are all predecessors of the indirect jumps known.
            for i in std::mem::take(&mut indirect) {
                for target in self.targets(i, &before) {
                    match target {
                        Target::Cell => dispatches = true,
                        Target::Sum if sums => dispatches = true,
                        Target::Fixed(to) => todo.push((Some(i), to)),
                        Target::Sum | Target::Moved(_) | Target::Unknown => {
                            _ = faults.insert(Fault::UnknownJump)
                        }
                    }
                }
            }
            if todo.is_empty() {
                break;
            }
        }
        if !dispatches {
            faults.insert(Fault::NoDispatch);
        }
        faults
    }

    /// The instructions of the function at `start`.
    fn instructions(&self, start: u64) -> std::ops::Range<usize> {
        let Some(&first) = self.at.get(&start) else { return 0..0 };
        let end = start + self.size(start);
        first..first + self.code[first..].iter().take_while(|instruction| instruction.address < end).count()
    }

    /// Whether the cold handler at `start` calls a handler, or what may be one: it has to be clear what it calls. All of its
    /// code is looked at, in whatever way it is reached.
    fn calls_handler(&self, start: u64, handlers: &HashSet<u64>) -> bool {
        let mut before: HashMap<usize, Vec<usize>> = HashMap::new();
        let (mut calls, mut indirect) = (false, Vec::new());
        for i in self.instructions(start) {
            let flow = self.flow(i);
            match flow {
                Flow::Call(to) => calls |= handlers.contains(&to),
                Flow::CallIndirect => indirect.push(i),
                _ => {}
            }
            if let Flow::Branch(to) | Flow::Jump(to) = flow
                && let Some(&to) = self.at.get(&to)
            {
                before.entry(to).or_default().push(i);
            }
            if !matches!(flow, Flow::Jump(_) | Flow::Indirect | Flow::Return | Flow::Trap) {
                before.entry(i + 1).or_default().push(i);
            }
        }
        let other = |target| matches!(target, Target::Fixed(to) if !handlers.contains(&to));
        calls || indirect.iter().any(|&i| !self.targets(i, &before).into_iter().all(other))
    }

    /// Prints the function at `start`.
    fn show(&self, start: u64) {
        for Instruction { address, mnemonic, operands, .. } in &self.code[self.instructions(start)] {
            // Nothing, or what is between functions.
            if !mnemonic.starts_with("nop") {
                println!("{address:8x}  {mnemonic} {operands}");
            }
        }
    }

    /// The bytes from `start` to the next function.
    fn size(&self, start: u64) -> u64 {
        self.functions.range(start + 1..).next().map_or(0, |(end, _)| end - start)
    }
}

/// How many handlers of an exception are allowed here.
fn allowed_of(&(_, x86_64, aarch64): &(&str, usize, usize)) -> usize {
    if ARM32 {
        0
    } else if ARM {
        aarch64
    } else {
        x86_64
    }
}

fn main() -> ExitCode {
    match check() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("handlers: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// An op's name, or several, without their forms.
fn without_forms(name: &str) -> String {
    name.split(' ').map(|op| op.split('.').next().unwrap_or(op)).collect::<Vec<_>>().join(" ")
}

fn check() -> Result<bool, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| format!("the disassembly can't be read: {e}"))?;
    let disassembly = Disassembly::parse(&text);
    // The program is relocated (PIE); this function's address gives the offset.
    let here = disassembly.functions.iter().find(|(_, name)| name.contains("8handlers4main17h"));
    let (&here, _) = here.ok_or("standard input is not a disassembly of this program")?;
    let moved = (main as fn() -> ExitCode as usize as u64).wrapping_sub(here);
    let mut handlers = Vec::new();
    for handler in tail_handlers() {
        let address = (handler.address as u64).wrapping_sub(moved) & usize::MAX as u64;
        if !disassembly.functions.contains_key(&address) {
            return Err(format!("no function begins at {address:#x}, where {} should be", handler.name));
        }
        handlers.push((handler, address));
    }
    if let Some(wanted) = std::env::args().nth(1) {
        let all = wanted == "all";
        for (handler, address) in handlers.iter().filter(|(h, _)| all || h.name == wanted) {
            println!("{:6} bytes  {}", disassembly.size(*address), handler.name);
            if !all {
                disassembly.show(*address);
            }
        }
        return Ok(true);
    }

    println!("handlers on {}:", std::env::consts::ARCH);
    let of_kind = |kind| handlers.iter().filter(move |(h, _): &&(TailHandler, u64)| h.kind == kind);
    for (kind, what) in [
        (HandlerKind::Single, "do the work of one cell"),
        (HandlerKind::Several, "do the work of two or three"),
        (HandlerKind::Cold, "are cold"),
    ] {
        let addresses: BTreeSet<u64> = of_kind(kind).map(|&(_, address)| address).collect();
        let bytes: u64 = addresses.iter().map(|&address| disassembly.size(address)).sum();
        println!("  {} {what}, in {} functions, {} KB", of_kind(kind).count(), addresses.len(), bytes >> 10);
    }

    let cold: HashSet<u64> = of_kind(HandlerKind::Cold).map(|&(_, address)| address).collect();
    let all: HashSet<u64> = handlers.iter().map(|&(_, address)| address).collect();
    let mut faulty: BTreeMap<String, (Vec<String>, BTreeSet<Fault>)> = BTreeMap::new();
    for (handler, address) in &handlers {
        let sums = without_forms(&handler.name).split(' ').any(|op| op.starts_with("BrTable"));
        let faults = match handler.kind {
            HandlerKind::Cold if disassembly.calls_handler(*address, &all) => [Fault::CallOfHandler].into(),
            HandlerKind::Cold => BTreeSet::new(),
            _ => disassembly.faults(*address, &cold, &all, sums),
        };
        if !faults.is_empty() {
            let (names, all) = faulty.entry(without_forms(&handler.name)).or_default();
            names.push(format!("{} at {address:#x}", handler.name));
            all.extend(faults);
        }
    }
    let for_size = std::env::var_os("FOR_SIZE").is_some();
    let mut good = true;
    let total: usize = faulty.values().map(|(names, _)| names.len()).sum();
    println!("  {total} are not as they should be:");
    for (op, (names, faults)) in &faulty {
        let allowed = EXCEPTIONS.iter().find(|(name, ..)| name == op).map_or(0, allowed_of);
        println!("    {:3} of {allowed:3} allowed for {op}: {faults:?}", names.len());
        let bad = |fault: &Fault| *fault != Fault::Stack && !(for_size && *fault == Fault::Call);
        if names.len() > allowed && !for_size || faults.iter().any(bad) {
            println!("    too many, or worse than the stack: {}", names.join(", "));
            good = false;
        }
    }
    for exception @ &(name, ..) in EXCEPTIONS {
        let (allowed, found) = (allowed_of(exception), faulty.get(name).map_or(0, |f| f.0.len()));
        if found < allowed {
            println!("    {name}: {allowed} allowed but only {found} needed: please lower the number");
        }
    }
    Ok(good)
}
