//! Regular expressions: patterns are parsed, compiled to a program, and matched by following all threads at once.

#[path = "bench.rs"]
mod bench;

use bench::{Random, mix};

enum Node {
    Empty,
    Class(Box<[bool; 256]>),
    Join(Vec<Node>),
    Either(Vec<Node>),
    Repeat { node: Box<Node>, least: u32, most: Option<u32> },
}

struct Parser<'a> {
    pattern: std::iter::Peekable<std::slice::Iter<'a, u8>>,
}

impl Parser<'_> {
    fn either(&mut self) -> Node {
        let mut branches = vec![self.join()];
        while self.pattern.next_if_eq(&&b'|').is_some() {
            branches.push(self.join());
        }
        if branches.len() == 1 { branches.pop().unwrap() } else { Node::Either(branches) }
    }

    fn join(&mut self) -> Node {
        let mut nodes = Vec::new();
        while let Some(&&byte) = self.pattern.peek() {
            if matches!(byte, b'|' | b')') {
                break;
            }
            let node = self.atom();
            nodes.push(self.repeated(node));
        }
        if nodes.is_empty() { Node::Empty } else { Node::Join(nodes) }
    }

    fn repeated(&mut self, node: Node) -> Node {
        let (least, most) = match self.pattern.peek() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => {
                self.pattern.next();
                let least = self.number();
                let most = if self.pattern.next_if_eq(&&b',').is_some() { self.number() } else { least };
                (least, Some(most))
            }
            _ => return node,
        };
        self.pattern.next();
        Node::Repeat { node: Box::new(node), least, most }
    }

    fn number(&mut self) -> u32 {
        let mut value = 0;
        while let Some(digit) = self.pattern.next_if(|byte| byte.is_ascii_digit()) {
            value = value * 10 + u32::from(digit - b'0');
        }
        value
    }

    fn atom(&mut self) -> Node {
        let mut class = Box::new([false; 256]);
        match self.pattern.next().unwrap() {
            b'(' => {
                let node = self.either();
                self.pattern.next();
                return node;
            }
            b'.' => {
                class.fill(true);
                class[usize::from(b'\n')] = false;
            }
            b'[' => {
                let negated = self.pattern.next_if_eq(&&b'^').is_some();
                while let Some(&low) = self.pattern.next_if(|&&byte| byte != b']') {
                    let low = if low == b'\\' { *self.pattern.next().unwrap() } else { low };
                    let high = if self.pattern.next_if_eq(&&b'-').is_some() {
                        *self.pattern.next().unwrap()
                    } else {
                        low
                    };
                    class[usize::from(low)..=usize::from(high)].fill(true);
                }
                self.pattern.next();
                if negated {
                    class.iter_mut().for_each(|member| *member = !*member);
                }
            }
            b'\\' => match self.pattern.next().unwrap() {
                b'd' => class[usize::from(b'0')..=usize::from(b'9')].fill(true),
                b'w' => {
                    for byte in 0..=255u8 {
                        class[usize::from(byte)] = byte.is_ascii_alphanumeric() || byte == b'_';
                    }
                }
                b's' => [b' ', b'\t', b'\n'].iter().for_each(|&byte| class[usize::from(byte)] = true),
                &other => class[usize::from(other)] = true,
            },
            &byte => class[usize::from(byte)] = true,
        }
        Node::Class(class)
    }
}

enum Inst {
    Class(Box<[bool; 256]>),
    Split(usize, usize),
    Jump(usize),
    Match,
}

fn compile(node: &Node, program: &mut Vec<Inst>) {
    match node {
        Node::Empty => {}
        Node::Class(class) => program.push(Inst::Class(class.clone())),
        Node::Join(nodes) => nodes.iter().for_each(|node| compile(node, program)),
        Node::Either(branches) => {
            let mut ends = Vec::new();
            for (i, branch) in branches.iter().enumerate() {
                if i + 1 == branches.len() {
                    compile(branch, program);
                    break;
                }
                let split = program.len();
                program.push(Inst::Split(split + 1, 0));
                compile(branch, program);
                ends.push(program.len());
                program.push(Inst::Jump(0));
                program[split] = Inst::Split(split + 1, program.len());
            }
            for end in ends {
                program[end] = Inst::Jump(program.len());
            }
        }
        Node::Repeat { node, least, most } => {
            for _ in 0..*least {
                compile(node, program);
            }
            if let Some(most) = most {
                let mut splits = Vec::new();
                for _ in *least..*most {
                    splits.push(program.len());
                    program.push(Inst::Split(0, 0));
                    compile(node, program);
                }
                for split in splits {
                    program[split] = Inst::Split(split + 1, program.len());
                }
            } else {
                let split = program.len();
                program.push(Inst::Split(0, 0));
                compile(node, program);
                program.push(Inst::Jump(split));
                program[split] = Inst::Split(split + 1, program.len());
            }
        }
    }
}

/// Threads in order of priority, each with where its match began; every instruction is in it at most once.
struct Threads {
    list: Vec<(usize, usize)>,
    seen: Vec<u32>,
    generation: u32,
}

impl Threads {
    fn clear(&mut self) {
        self.list.clear();
        self.generation += 1;
    }

    fn add(&mut self, program: &[Inst], pc: usize, start: usize) {
        if self.seen[pc] == self.generation {
            return;
        }
        self.seen[pc] = self.generation;
        match program[pc] {
            Inst::Jump(target) => self.add(program, target, start),
            Inst::Split(first, second) => {
                self.add(program, first, start);
                self.add(program, second, start);
            }
            _ => self.list.push((pc, start)),
        }
    }
}

struct Regex {
    program: Vec<Inst>,
    now: Threads,
    next: Threads,
}

impl Regex {
    fn new(pattern: &str) -> Regex {
        let node = Parser { pattern: pattern.as_bytes().iter().peekable() }.either();
        let mut program = Vec::new();
        compile(&node, &mut program);
        program.push(Inst::Match);
        let threads = || Threads { list: Vec::new(), seen: vec![0; program.len()], generation: 0 };
        let (now, next) = (threads(), threads());
        Regex { program, now, next }
    }

    /// The leftmost match from `from` on, as its start and end.
    fn find(&mut self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let mut found = None;
        self.now.clear();
        for at in from..=text.len() {
            if found.is_none() {
                self.now.add(&self.program, 0, at);
            } else if self.now.list.is_empty() {
                break;
            }
            self.next.clear();
            for i in 0..self.now.list.len() {
                let (pc, start) = self.now.list[i];
                match &self.program[pc] {
                    Inst::Match => {
                        found = Some((start, at));
                        break;
                    }
                    Inst::Class(class) => {
                        if at < text.len() && class[usize::from(text[at])] {
                            self.next.add(&self.program, pc + 1, start);
                        }
                    }
                    _ => unreachable!(),
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
        }
        found
    }
}

fn make_text(size: usize) -> Vec<u8> {
    let mut random = Random(23);
    let mut text = String::new();
    while text.len() < size {
        let r = random.next();
        match r % 9 {
            0 => text += &format!("{}.{}.{}.{} ", r >> 8 & 255, r >> 16 & 255, r >> 24 & 255, r >> 32 & 255),
            1 => text += &format!("user{}@example{}.org, ", r >> 8 & 1023, r >> 20 & 7),
            2 => text += &format!("20{:02}-{:02}-{:02}T\n", r >> 8 & 63, (r >> 16) % 13, (r >> 24) % 32),
            3 => text += &format!("0x{:x} ", r >> 40),
            4 => text += "the quick brown fox ",
            5 => text += "aaaaaaaaaaab ",
            _ => text += ["alpha ", "beta; ", "gamma ", "delta-", "\"quoted\" "][(r >> 8) as usize % 5],
        }
    }
    text.into_bytes()
}

#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    let text = make_text(n as usize);
    let mut sum = 0;
    for pattern in [
        r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
        r"[a-z0-9]+@[a-z0-9]+\.(org|com)",
        r"20\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])",
        r"(alpha|beta|gamma|delta)[ ;-]*(fox|\w+)",
        r"(a|aa)+b",
        "\"[^\"]*\"",
    ] {
        let mut regex = Regex::new(pattern);
        let mut from = 0;
        let mut count = 0;
        while let Some((start, end)) = regex.find(&text, from) {
            sum = mix(sum, (start as u64) << 32 | end as u64);
            count += 1;
            from = end.max(start + 1);
        }
        sum = mix(sum, count);
    }
    sum as i64
}
