//! What is charged for a function, stated a second time: as a recursion over its blocks.

use std::collections::BTreeMap;
use wasmparser::{Catch, FunctionBody, Operator, OperatorsReader};

/// An instruction, with its offset in the module; or a block, also with the offset of its end.
enum Node {
    /// It goes on, and costs so much.
    Plain(u64),
    /// It may go to any of these labels, or on if it `may`.
    Branch {
        depths: Vec<u32>,
        may: bool,
        at: u64,
        cost: u64,
    },
    /// Exceptions go to these labels.
    Thrown(Vec<u32>),
    /// It ends the path, for good.
    Trap,
    Block(Vec<Node>, u64),
    /// With what follows each `catch`, and its offset.
    Try(Vec<Node>, Vec<(Vec<Node>, u64)>, u64),
    Loop(Vec<Node>, u64, u64),
    If {
        then: Vec<Node>,
        at: u64,
        otherwise: Option<(Vec<Node>, u64)>,
        end: u64,
    },
}

/// Parses instructions up to an `else` or an `end`, which is returned with its offset.
fn parse<'a>(ops: &mut OperatorsReader<'a>, depth: u32) -> (Vec<Node>, Operator<'a>, u64) {
    let mut nodes = Vec::new();
    loop {
        let (op, at) = ops.read_with_offset().unwrap();
        let branch = |depths, may, cost| Node::Branch { depths, may, at, cost };
        let node = match op {
            Operator::End
            | Operator::Else
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Delegate { .. } => return (nodes, op, at),
            Operator::TryTable { try_table } => {
                let label = |catch: &Catch| match *catch {
                    Catch::One { label, .. } | Catch::OneRef { label, .. } => label,
                    Catch::All { label } | Catch::AllRef { label } => label,
                };
                // Exceptions may go to the labels, but aren't expected to.
                nodes.push(Node::Thrown(try_table.catches.iter().map(label).collect()));
                let (body, _, end) = parse(ops, depth + 1);
                Node::Block(body, end)
            }
            Operator::Try { .. } => {
                let (body, mut last, mut end) = parse(ops, depth + 1);
                let mut clauses = Vec::new();
                while matches!(last, Operator::Catch { .. } | Operator::CatchAll) {
                    let at = end;
                    let clause;
                    (clause, last, end) = parse(ops, depth + 1);
                    clauses.push((clause, at));
                }
                Node::Try(body, clauses, end)
            }
            Operator::Throw { .. } | Operator::ThrowRef | Operator::Rethrow { .. } => {
                nodes.push(Node::Plain(1));
                Node::Trap
            }
            Operator::Block { .. } => {
                let (body, _, end) = parse(ops, depth + 1);
                Node::Block(body, end)
            }
            Operator::Loop { .. } => {
                let (body, _, end) = parse(ops, depth + 1);
                Node::Loop(body, at, end)
            }
            Operator::If { .. } => {
                let (then, last, between) = parse(ops, depth + 1);
                let (mut otherwise, mut end) = (None, between);
                if matches!(last, Operator::Else) {
                    let (body, _, last) = parse(ops, depth + 1);
                    (otherwise, end) = (Some((body, between)), last);
                }
                Node::If { then, at, otherwise, end }
            }
            Operator::Br { relative_depth } => branch(vec![relative_depth], false, 1),
            Operator::BrIf { relative_depth }
            | Operator::BrOnNull { relative_depth }
            | Operator::BrOnNonNull { relative_depth } => branch(vec![relative_depth], true, 1),
            Operator::BrTable { targets } => {
                let all = targets.targets().map(Result::unwrap).chain([targets.default()]);
                branch(all.collect(), false, 1)
            }
            Operator::Return => branch(vec![depth], false, 0),
            Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. } => branch(vec![depth], false, 1),
            Operator::Unreachable => Node::Trap,
            Operator::Nop | Operator::Drop => Node::Plain(0),
            _ => Node::Plain(1),
        };
        nodes.push(node);
    }
}

#[derive(Default)]
struct Region {
    /// The offset of a loop, or of the instruction that an arm follows. The function's is 0.
    at: u64,
    own: u64,
    /// The arms of which this is the parent, with their weights of 65,536.
    arms: Vec<(usize, u64)>,
}

/// Where control is: in a region, and how often that is expected to be executed.
type Here = Option<(usize, u64)>;

const ONCE: u64 = 1 << 62;

fn five_eighths(often: u64) -> u64 {
    often / 8 * 5
}

#[derive(Default)]
struct Function {
    regions: Vec<Region>,
    /// The labels, innermost last: how often branches to it are expected, if there are any; and whether it is a loop's.
    labels: Vec<(Option<u64>, bool)>,
    /// The label of every branch, by its height.
    went: Vec<usize>,
}

impl Function {
    fn region(&mut self, at: u64) -> usize {
        self.regions.push(Region { at, ..Region::default() });
        self.regions.len() - 1
    }

    fn arm(&mut self, at: u64, parent: usize, often: u64, weight: u64) -> Here {
        let arm = self.region(at);
        self.regions[parent].arms.push((arm, weight));
        Some((arm, often.max(1)))
    }

    /// One of the two ways of a branch.
    fn way(&mut self, at: u64, (parent, among): (usize, u64)) -> Here {
        self.arm(at, parent, five_eighths(among), 5 * 65_536 / 8)
    }

    fn body(&mut self, nodes: &[Node], mut here: Here) -> Here {
        for node in nodes {
            let (region, often) = here?;
            here = match node {
                Node::Plain(cost) => {
                    self.regions[region].own += cost;
                    here
                }
                Node::Trap => None,
                Node::Thrown(depths) => {
                    for depth in depths {
                        let height = self.labels.len() - 1 - *depth as usize;
                        self.went.push(height);
                        let (arrivals, is_loop) = &mut self.labels[height];
                        if !*is_loop {
                            *arrivals = Some(arrivals.unwrap_or(0));
                        }
                    }
                    here
                }
                Node::Try(body, clauses, end) => self.block((region, often), *end, false, |f| {
                    let mut last = f.body(body, here);
                    for (clause, at) in clauses {
                        if let Some((_, often)) = last {
                            f.arrive(often);
                        }
                        let arm = f.arm(*at, region, 0, 0);
                        last = f.body(clause, arm);
                    }
                    last
                }),
                Node::Branch { depths, may, at, cost } => {
                    self.regions[region].own += cost;
                    let each = if *may { five_eighths(often) } else { often / depths.len() as u64 };
                    for depth in depths {
                        let height = self.labels.len() - 1 - *depth as usize;
                        self.went.push(height);
                        let (arrivals, is_loop) = &mut self.labels[height];
                        if !*is_loop {
                            *arrivals = Some(arrivals.unwrap_or(0) + each);
                        }
                    }
                    if *may { self.way(*at, (region, often)) } else { None }
                }
                Node::Block(body, end) => self.block((region, often), *end, false, |f| f.body(body, here)),
                Node::Loop(body, at, end) => {
                    let inside = self.region(*at);
                    self.block((region, often), *end, true, |f| f.body(body, Some((inside, often))))
                }
                Node::If { then, at, otherwise, end } => {
                    self.regions[region].own += 1;
                    let before = (region, often);
                    self.block(before, *end, false, |f| {
                        let arm = f.way(*at, before);
                        let first = f.body(then, arm);
                        let Some((body, at)) = otherwise else {
                            f.arrive(five_eighths(often));
                            return first;
                        };
                        if let Some((_, often)) = first {
                            f.arrive(often);
                        }
                        let arm = f.way(*at, before);
                        f.body(body, arm)
                    })
                }
            };
        }
        here
    }

    fn arrive(&mut self, often: u64) {
        let (arrivals, _) = self.labels.last_mut().unwrap();
        *arrivals = Some(arrivals.unwrap_or(0) + often);
    }

    /// Where control is behind a block that began at `before`.
    fn block(
        &mut self,
        before: (usize, u64),
        end: u64,
        is_loop: bool,
        inside: impl FnOnce(&mut Self) -> Here,
    ) -> Here {
        let (height, first) = (self.labels.len(), self.went.len());
        self.labels.push((None, is_loop));
        let last = inside(self);
        let (arrivals, _) = self.labels.pop().unwrap();
        match (last, arrivals) {
            (None, None) => None,
            _ if self.went[first..].iter().all(|label| *label >= height) => Some(before),
            (_, None) => last,
            (_, Some(often)) => {
                let often = often + last.map_or(0, |(_, often)| often);
                let (parent, among) = before;
                let often = often.min(among);
                self.arm(end, parent, often, (u128::from(often) * 65_536 / u128::from(among)) as u64)
            }
        }
    }

    /// What a region comes to with the small arms in it, in 256ths of an instruction.
    fn all(&self, region: usize) -> u64 {
        let Region { own, arms, .. } = &self.regions[region];
        let small = arms.iter().map(|(arm, weight)| (self.all(*arm), *weight));
        let small = small.filter(|(all, weight)| is_small(*all, *weight));
        own * 256 + small.map(|(all, weight)| all * weight / 65_536).sum::<u64>()
    }
}

/// Whether it makes an error of less than nine instructions, executed or not.
fn is_small(all: u64, weight: u64) -> bool {
    let of_nine = |times: u64| u128::from(all) * u128::from(times) < 9 * 256 * 65_536;
    of_nine(weight) && of_nine(65_536 - weight)
}

/// What a function is charged for: the offset of each loop, of the instruction that each arm follows, and 0 for its
/// entry, with the cost.
pub(crate) fn charges(body: &FunctionBody<'_>) -> BTreeMap<u64, u64> {
    let mut ops = body.get_operators_reader().unwrap();
    let (nodes, ..) = parse(&mut ops, 0);
    let mut function = Function::default();
    function.region(0);
    function.labels.push((None, false));
    function.body(&nodes, Some((0, ONCE)));
    let mut taken = vec![false; function.regions.len()];
    for region in &function.regions {
        for (arm, weight) in &region.arms {
            taken[*arm] = is_small(function.all(*arm), *weight);
        }
    }
    let charged = function.regions.iter().enumerate().filter(|(i, _)| !taken[*i]);
    charged.map(|(i, region)| (region.at, (function.all(i) + 128) / 256)).collect()
}
