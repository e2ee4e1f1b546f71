//! What fuel is charged for, and where.
//!
//! A *region* is code that is charged for at once, when it is entered: a function's body, a loop (at each arrival at
//! its header), or an *arm*. An arm is code that is executed in some of the executions of the region around it, its
//! parent: a part of an `if`, what follows a `br_if`, or what follows the end of a block that a branch inside leaves
//! for a place further out. Behind a block that no branch leaves so, the region in front of it goes on.
//!
//! Small arms aren't charged for: the parent pays what is expected of them. An arm's [`weight`](Region::weight) says
//! how often it is expected to be executed. Which arms are small is decided by [`MOST_ERROR`], bottom-up.
//!
//! All this depends on nothing but the body, so every tier charges the same.

use super::error::Error;
use super::scan::{Control, Scanner};
use crate::memory::{Budget, Buf, Kind as Use};

/// An arm is small if taking it over charges for less than so many instructions too many or too few, whether or not it
/// is executed.
const MOST_ERROR: u64 = 9;

/// A weight of 1.
const ALWAYS: u32 = 1 << 16;

/// How often the function's body is executed, as [`Frame::often`] counts.
const ONCE: u64 = 1 << 62;

/// Each way of a branch with two is expected in so many of eight executions: more than half, since frequent code has
/// been moved to the way that was expected when the module was compiled, so few programs have it half of the time.
const EIGHTHS: u64 = 5;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Function,
    Loop,
    Arm,
    /// A small arm, which its parent pays for.
    Taken,
}

#[derive(Clone, Copy, Debug)]
struct Region {
    kind: Kind,
    /// A loop's instruction, or the one that an arm follows; counted from the body's first byte.
    at: u32,
    parent: u32,
    /// In so many of 65,536 executions of its parent it is expected to be executed.
    weight: u32,
    /// Its instructions outside of other regions; in the end what it costs.
    cost: u32,
    /// What is expected of the small arms that it pays for, in 256ths of an instruction.
    arms: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Block {
    /// Any other one, `else` too.
    Plain,
    Loop,
    If,
}

/// A block that is open.
#[derive(Clone, Copy, Debug)]
struct Frame {
    block: Block,
    /// The region that it began in, and how often that is expected to be executed.
    region: u32,
    often: u64,
    /// How often branches are expected to come to its end, and whether any does.
    arrivals: u64,
    is_target: bool,
    /// The outermost block that a branch inside goes to, or itself.
    outermost: u32,
    /// The rest of it can't be reached; blocks in there are only counted.
    dead: bool,
    skipped: u32,
}

impl Frame {
    fn new(block: Block, region: u32, often: u64, outermost: u32) -> Self {
        let (arrivals, is_target, dead, skipped) = (0, false, false, 0);
        Self { block, region, often, arrivals, is_target, outermost, dead, skipped }
    }

    /// A path comes to its end.
    fn arrive(&mut self, often: u64) {
        self.arrivals = self.arrivals.saturating_add(often);
        self.is_target = true;
    }
}

/// The regions of a function's body, in the order of `at`.
pub(super) struct Regions {
    list: Buf<Region>,
    frames: Buf<Frame>,
    /// The offset of the body.
    start: u64,
    /// The current region, and how often it is expected to be executed.
    region: u32,
    often: u64,
    /// The next arm to be asked for.
    next: usize,
}

impl Regions {
    /// Reads a body, whose first byte is at `start` in the module, from the end of its locals on, and decides what is
    /// charged for.
    pub(super) fn of(budget: &Budget, start: u64, mut code: Scanner<'_>) -> Result<Self, Error> {
        let mut regions = Self::new(budget, start)?;
        while let Some((plain, at, control)) = code.next_control()? {
            regions.control(plain, at as u32, control)?;
        }
        regions.settle();
        Ok(regions)
    }

    fn new(budget: &Budget, start: u64) -> Result<Self, Error> {
        let (mut list, mut frames) =
            (Buf::new(budget, Use::CompilerScratch), Buf::new(budget, Use::CompilerScratch));
        let kind = Kind::Function;
        list.try_push(Region { kind, at: 0, parent: 0, weight: ALWAYS, cost: 0, arms: 0 })?;
        frames.try_push(Frame::new(Block::Plain, 0, ONCE, 0))?;
        Ok(Self { list, frames, start, region: 0, often: ONCE, next: 0 })
    }

    /// Counts an instruction of control flow, and so many others in front of it.
    fn control(&mut self, plain: u32, at: u32, control: Control<'_>) -> Result<(), Error> {
        use Control as C;
        if self.frame().dead {
            return self.dead(at, control);
        }
        let costs =
            matches!(control, C::If | C::Br(_) | C::BrIf(_) | C::BrTable(..) | C::ReturnCall | C::Throw);
        self.add(plain + u32::from(costs));
        match control {
            C::Block | C::Try => self.enter(Block::Plain),
            C::TryTable(clauses, mut table) => {
                // Exceptions are rare: what follows a label that only they come to is an arm of its own.
                for _ in 0..clauses {
                    self.branch(table.clause(), 0)?;
                }
                self.enter(Block::Plain)
            }
            C::Catch => self.catch(at),
            C::Loop => {
                self.enter(Block::Loop)?;
                self.begin(Kind::Loop, at, self.region, self.often, ALWAYS)
            }
            C::If => {
                self.enter(Block::If)?;
                self.arm(at)
            }
            C::Else => self.other_arm(at),
            C::End => self.end(at),
            C::BrIf(depth) => {
                self.branch(depth, one_way(self.often))?;
                self.arm(at)
            }
            C::Br(depth) => self.leave(depth),
            C::BrTable(labels, mut table) => {
                let each = self.often / u64::from(labels);
                for _ in 0..labels {
                    self.branch(table.number(), each)?;
                }
                self.frame().dead = true;
                Ok(())
            }
            C::Return | C::ReturnCall => self.leave(self.frames.len() as u32 - 1),
            C::Unreachable | C::Throw => {
                self.frame().dead = true;
                Ok(())
            }
        }
    }

    /// The same where it can't be reached: only blocks are counted.
    fn dead(&mut self, at: u32, control: Control<'_>) -> Result<(), Error> {
        let frame = self.frame();
        match control {
            Control::Block | Control::Loop | Control::If | Control::Try | Control::TryTable(..) => {
                frame.skipped += 1;
            }
            Control::End if frame.skipped > 0 => frame.skipped -= 1,
            Control::End => return self.end(at),
            Control::Else if frame.skipped == 0 => return self.other_arm(at),
            Control::Catch if frame.skipped == 0 => return self.catch(at),
            _ => {}
        }
        Ok(())
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the function's own frame ends last")
    }

    /// Adds instructions to the current region.
    fn add(&mut self, instructions: u32) {
        let cost = &mut self.list[self.region as usize].cost;
        *cost = cost.saturating_add(instructions);
    }

    /// Branches to the label at `depth`: what follows in the block can't be reached.
    fn leave(&mut self, depth: u32) -> Result<(), Error> {
        self.branch(depth, self.often)?;
        self.frame().dead = true;
        Ok(())
    }

    fn enter(&mut self, block: Block) -> Result<(), Error> {
        let outermost = self.frames.len() as u32;
        self.frames.try_push(Frame::new(block, self.region, self.often, outermost))?;
        Ok(())
    }

    /// Begins a region.
    fn begin(&mut self, kind: Kind, at: u32, parent: u32, often: u64, weight: u32) -> Result<(), Error> {
        (self.region, self.often) = (self.list.len() as u32, often.max(1));
        self.list.try_push(Region { kind, at, parent, weight, cost: 0, arms: 0 })?;
        Ok(())
    }

    /// Begins one of the two ways that a branch has.
    fn arm(&mut self, at: u32) -> Result<(), Error> {
        self.begin(Kind::Arm, at, self.region, one_way(self.often), ALWAYS / 8 * EIGHTHS as u32)
    }

    fn other_arm(&mut self, at: u32) -> Result<(), Error> {
        let often = self.often;
        let frame = self.frame();
        if !frame.dead {
            frame.arrive(often);
        }
        (frame.block, frame.dead) = (Block::Plain, false);
        let (region, often) = (frame.region, frame.often);
        (self.region, self.often) = (region, often);
        self.arm(at)
    }

    /// A `catch`, which ends what is in front of it.
    fn catch(&mut self, at: u32) -> Result<(), Error> {
        let often = self.often;
        let frame = self.frame();
        if !frame.dead {
            frame.arrive(often);
        }
        frame.dead = false;
        let region = frame.region;
        self.begin(Kind::Arm, at, region, 1, 0)
    }

    /// A branch to the label at `depth`, expected so often.
    fn branch(&mut self, depth: u32, often: u64) -> Result<(), Error> {
        let innermost = self.frames.len() - 1;
        let target = innermost.checked_sub(depth as usize).ok_or_else(Error::changed)?;
        if self.frames[target].block != Block::Loop {
            self.frames[target].arrive(often);
        }
        let outermost = &mut self.frames[innermost].outermost;
        *outermost = (*outermost).min(target as u32);
        Ok(())
    }

    fn end(&mut self, at: u32) -> Result<(), Error> {
        let own = self.frames.len() as u32 - 1;
        let mut frame = *self.frame();
        if own == 0 {
            return Ok(());
        }
        self.frames.truncate(own as usize);
        let around = self.frame();
        around.outermost = around.outermost.min(frame.outermost);
        if frame.block == Block::If {
            // Without `else`, the other way leads here.
            frame.arrive(one_way(frame.often));
        }
        if frame.dead && !frame.is_target {
            around.dead = true;
            Ok(())
        } else if frame.outermost >= own {
            // Whatever happened in it, it ends here: this is executed as often as what was before it.
            (self.region, self.often) = (frame.region, frame.often);
            Ok(())
        } else if !frame.is_target {
            // This only goes on.
            Ok(())
        } else {
            if !frame.dead {
                frame.arrive(self.often);
            }
            let often = frame.arrivals.min(frame.often);
            let weight = (u128::from(often) * u128::from(ALWAYS) / u128::from(frame.often)) as u32;
            self.begin(Kind::Arm, at, frame.region, often, weight)
        }
    }

    /// Decides what is charged for, bottom-up: what is in a region begins behind it.
    fn settle(&mut self) {
        for i in (0..self.list.len()).rev() {
            let Region { kind, parent, weight, cost, arms, .. } = self.list[i];
            let all = (u64::from(cost) << 8) + u64::from(arms);
            if kind == Kind::Arm && is_small(all, weight) {
                let arms = &mut self.list[parent as usize].arms;
                *arms = arms.saturating_add(((all * u64::from(weight)) >> 16) as u32);
                self.list[i].kind = Kind::Taken;
            }
            self.list[i].cost = u32::try_from((all + 128) >> 8).unwrap_or(u32::MAX);
        }
        self.next_arm(0);
    }

    /// What the arm costs that begins behind the control instruction at `at`, if it is charged for. To be asked in the
    /// order of instructions, for each that an arm may follow.
    pub(super) fn arm_behind(&mut self, at: u64) -> Option<u32> {
        let Region { at: next, cost, .. } = *self.list.get(self.next)?;
        if u64::from(next) != at - self.start {
            return None;
        }
        self.next_arm(self.next + 1);
        Some(cost)
    }

    /// Finds the next arm that is charged for, from `i` on.
    fn next_arm(&mut self, i: usize) {
        let found = self.list[i..].iter().position(|region| region.kind == Kind::Arm);
        self.next = found.map_or(self.list.len(), |found| i + found);
    }

    /// What the function costs, then what each loop does.
    pub(super) fn turns(&self) -> impl Iterator<Item = u32> {
        let turns = self.list.iter().filter(|region| matches!(region.kind, Kind::Function | Kind::Loop));
        turns.map(|region| region.cost)
    }
}

fn one_way(often: u64) -> u64 {
    often / 8 * EIGHTHS
}

/// Whether an arm that costs `all` 256ths of an instruction is small.
fn is_small(all: u64, weight: u32) -> bool {
    let error = u64::from(weight.max(ALWAYS - weight));
    // The error is at least half of it.
    all < MOST_ERROR << 9 && all * error < MOST_ERROR << 24
}
