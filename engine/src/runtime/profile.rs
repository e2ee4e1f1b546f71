//! Profiles: fuel used, by call stack.
//!
//! Stacks are kept in a tree (a calling-context tree), so stacks share the nodes of their common outer part.

use crate::Module;
use crate::memory::limits::{MAX_PROFILE_FRAMES, MAX_PROFILE_NODES};
use crate::memory::{Budget, Buf, Kind, Map, MemoryError, Shared, sort_by_key};
use core::fmt::Write;
use core::ops::ControlFlow;
use std::borrow::Cow;

/// How much a guest executed in which stacks of functions, in units of fuel: what
/// [`Store::take_profile`](crate::Store::take_profile) gives.
pub struct Profile {
    modules: Buf<Module>,
    nodes: Buf<Node>,
    /// Fuel of stacks that there was no room for.
    other: u64,
    unsampled: u64,
}

/// A node of the tree: the innermost function of a stack.
struct Node {
    /// The parent: the stack without its innermost function, if anything is left of it.
    parent: Option<u32>,
    site: Site,
    /// The fuel of this stack itself, without deeper ones.
    weight: u64,
}

/// A function, by the number of its module among the profile's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Site {
    module: u32,
    func: u32,
}

/// Stands for the outer part of a deep stack.
const OMITTED: Site = Site { module: u32::MAX, func: 0 };

impl Profile {
    /// The profile in the folded format that makers of flame graphs read: a line for each distinct stack, such as
    /// `main;run;parse 12345`, the heaviest first, without line ends.
    ///
    /// Functions are named by the name section, others `func[N]`; if functions of several modules were seen, their
    /// module's name stands before theirs. In names, semicolons, white space, backslashes and control characters are
    /// escaped, as `\x20` or `\n`. Where the outer part of a deep stack was left out, `...` stands for it.
    /// `[other]` is what was executed in stacks that there was no room for, `[unsampled]` what was executed after the
    /// last sample.
    pub fn folded(&self) -> impl Iterator<Item = String> + '_ {
        self.folded_with(|name| name.into())
    }

    /// The same, with names as `rename` makes them of those in the name section: demangled, for example.
    pub fn folded_with<'p>(
        &'p self,
        rename: impl Fn(&'p str) -> Cow<'p, str> + 'p,
    ) -> impl Iterator<Item = String> + 'p {
        let modules = self.modules.len();
        self.stacks().map(move |stack| {
            let mut line = String::new();
            for (at, frame) in stack.frames().into_iter().enumerate() {
                if at > 0 {
                    line.push(';');
                }
                frame.write(&mut line, modules > 1, &rename);
            }
            let _ = write!(line, " {}", stack.weight());
            line
        })
    }

    /// The stacks that were seen, the heaviest first. Behind them is what belongs to none.
    pub fn stacks(&self) -> impl Iterator<Item = ProfileStack<'_>> {
        let mut nodes: Vec<&Node> = self.nodes.iter().filter(|node| node.weight > 0).collect();
        // Of equal ones, the one that was seen first.
        sort_by_key(&mut nodes, |node| (std::cmp::Reverse(node.weight), core::ptr::from_ref(*node)));
        let stacks = nodes.into_iter().map(|node| ProfileStack { profile: self, stack: Stack::Node(node) });
        let rest = [(ProfileFrame::Other, self.other), (ProfileFrame::Unsampled, self.unsampled)];
        let rest = rest.into_iter().filter(|(_, weight)| *weight > 0);
        stacks.chain(
            rest.map(|(frame, weight)| ProfileStack { profile: self, stack: Stack::Rest(frame, weight) }),
        )
    }

    /// All that was executed while the profile was made, in units of fuel: the sum of all lines.
    pub fn total(&self) -> u64 {
        let stacks: u64 = self.nodes.iter().map(|node| node.weight).sum();
        stacks + self.other + self.unsampled
    }
}

/// A stack of functions in a [`Profile`], and how much was executed in it.
#[derive(Clone, Copy)]
pub struct ProfileStack<'p> {
    profile: &'p Profile,
    stack: Stack<'p>,
}

#[derive(Clone, Copy)]
enum Stack<'p> {
    Node(&'p Node),
    /// What is in no stack.
    Rest(ProfileFrame<'p>, u64),
}

/// A function in a [`ProfileStack`], or what stands in place of one.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ProfileFrame<'p> {
    /// A function.
    Function {
        /// The module that it belongs to.
        module: &'p Module,
        /// Its index in the module's index space (imports first).
        func_index: u32,
        /// The number of its module in the profile.
        module_index: u32,
    },
    /// The outer part of a deep stack was left out.
    Omitted,
    /// Stacks that there was no room for, all together.
    Other,
    /// What was executed after the last sample.
    Unsampled,
}

impl<'p> ProfileStack<'p> {
    /// How much was executed in this stack, without what the innermost function called, in units of fuel.
    pub fn weight(&self) -> u64 {
        match self.stack {
            Stack::Node(node) => node.weight,
            Stack::Rest(_, weight) => weight,
        }
    }

    /// The functions, outermost first.
    pub fn frames(&self) -> Vec<ProfileFrame<'p>> {
        let node = match self.stack {
            Stack::Node(node) => node,
            Stack::Rest(frame, _) => return vec![frame],
        };
        let mut sites = vec![node.site];
        let mut outer = node.parent;
        while let Some(node) = outer.map(|index| &self.profile.nodes[index as usize]) {
            sites.push(node.site);
            outer = node.parent;
        }
        sites.into_iter().rev().map(|site| self.frame(site)).collect()
    }

    fn frame(&self, site: Site) -> ProfileFrame<'p> {
        if site == OMITTED {
            return ProfileFrame::Omitted;
        }
        let module = &self.profile.modules[site.module as usize];
        ProfileFrame::Function { module, func_index: site.func, module_index: site.module }
    }
}

impl core::fmt::Debug for ProfileStack<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.frames()).finish()
    }
}

impl<'p> ProfileFrame<'p> {
    /// Writes its name as the folded format has it.
    fn write(&self, line: &mut String, with_module: bool, rename: &impl Fn(&'p str) -> Cow<'p, str>) {
        let (module, func_index, module_index) = match *self {
            ProfileFrame::Function { module, func_index, module_index } => (module, func_index, module_index),
            ProfileFrame::Omitted => return line.push_str("..."),
            ProfileFrame::Other => return line.push_str("[other]"),
            ProfileFrame::Unsampled => return line.push_str("[unsampled]"),
        };
        if with_module {
            match module.name() {
                Some(name) => escape(name, line),
                None => {
                    let _ = write!(line, "module[{module_index}]");
                }
            }
            line.push('!');
        }
        match module.func_name(func_index) {
            Some(name) => escape(&rename(name), line),
            None => {
                let _ = write!(line, "func[{func_index}]");
            }
        }
    }
}

fn escape(name: &str, line: &mut String) {
    for c in name.chars() {
        match c {
            ' ' | ';' => {
                let _ = write!(line, "\\x{:02x}", c as u32);
            }
            '\\' | '\n' | '\r' | '\t' => line.extend(c.escape_default()),
            c if c.is_control() || c.is_whitespace() => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
}

impl core::fmt::Debug for Profile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Profile").field("total", &self.total()).finish_non_exhaustive()
    }
}

/// A profile in the making.
pub(crate) struct Profiler {
    profile: Profile,
    /// The node of each site below each node.
    inner: Map<(Option<u32>, Site), u32>,
    /// The current sample's frames, innermost first.
    stack: Buf<Site>,
    /// Whether there was no room for one of them.
    lost: bool,
}

impl Profiler {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self {
            profile: Profile {
                modules: Buf::new(budget, Kind::Host),
                nodes: Buf::new(budget, Kind::Host),
                other: 0,
                unsampled: 0,
            },
            inner: Map::new(budget, Kind::Host),
            stack: Buf::new(budget, Kind::Host),
            lost: false,
        }
    }

    /// Adds the sample's next outer frame, and tells whether more are wanted.
    pub(crate) fn frame(&mut self, module: &Module, func: u32) -> ControlFlow<()> {
        if self.stack.len() == MAX_PROFILE_FRAMES {
            self.lost |= self.stack.try_push(OMITTED).is_err();
            return ControlFlow::Break(());
        }
        let added = self.module(module).and_then(|module| self.stack.try_push(Site { module, func }));
        self.lost |= added.is_err();
        if self.lost { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Ends a sample, which stands for this many units.
    pub(crate) fn end(&mut self, weight: u64) {
        let node = if self.lost { None } else { self.node() };
        match node {
            Some(node) => self.profile.nodes[node as usize].weight += weight,
            None => self.profile.other += weight,
        }
        self.stack.clear();
        self.lost = false;
    }

    /// The profile, with what was executed after its last sample.
    pub(crate) fn finish(mut self, unsampled: u64) -> Profile {
        self.profile.unsampled = unsampled;
        self.profile
    }

    fn module(&mut self, module: &Module) -> Result<u32, MemoryError> {
        let modules = &mut self.profile.modules;
        let known = modules.iter().position(|known| Shared::ptr_eq(&known.inner, &module.inner));
        if known.is_none() {
            modules.try_push(module.clone())?;
        }
        Ok(known.unwrap_or(modules.len() - 1) as u32)
    }

    /// The node of the current sample's stack, if there is one or room for it.
    fn node(&mut self) -> Option<u32> {
        let mut node = None;
        for at in (0..self.stack.len()).rev() {
            let key = (node, self.stack[at]);
            node = Some(match self.inner.get(&key) {
                Some(&known) => known,
                None => self.add(key).ok().flatten()?,
            });
        }
        node
    }

    fn add(&mut self, key: (Option<u32>, Site)) -> Result<Option<u32>, MemoryError> {
        let nodes = &mut self.profile.nodes;
        if nodes.len() == MAX_PROFILE_NODES {
            return Ok(None);
        }
        nodes.try_push(Node { parent: key.0, site: key.1, weight: 0 })?;
        let node = nodes.len() as u32 - 1;
        self.inner.try_insert(key, node).inspect_err(|_| nodes.truncate(node as usize))?;
        Ok(Some(node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    fn lines(profile: &Profile) -> Vec<String> {
        profile.folded().collect()
    }

    /// Adds a stack, given outermost first.
    fn sample(profiler: &mut Profiler, module: &Module, stack: &[u32], weight: u64) {
        let _ = stack.iter().rev().try_for_each(|func| profiler.frame(module, *func));
        profiler.end(weight);
    }

    fn module(text: &str) -> Module {
        Module::new(&Engine::default(), wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn stacks_are_told_apart_and_names_are_safe() {
        let m = module(r#"(module (func $"a;b c\n\\d\u{a0}") (func $plain) (func))"#);
        let mut profiler = Profiler::new(&Budget::unlimited());
        sample(&mut profiler, &m, &[0, 1], 5);
        sample(&mut profiler, &m, &[1, 0], 7);
        sample(&mut profiler, &m, &[0, 1], 3);
        sample(&mut profiler, &m, &[2], 1);
        let profile = profiler.finish(4);
        let odd = r"a\x3bb\x20c\n\\d\u{a0}";
        let expected =
            [format!("{odd};plain 8"), format!("plain;{odd} 7"), "func[2] 1".into(), "[unsampled] 4".into()];
        assert_eq!(lines(&profile), expected);
        assert_eq!(profile.total(), 20);
    }

    #[test]
    fn functions_of_several_modules_have_their_modules_name() {
        let (a, b) = (module("(module $a (func $f))"), module("(module (func $f))"));
        let mut profiler = Profiler::new(&Budget::unlimited());
        sample(&mut profiler, &a, &[0], 2);
        sample(&mut profiler, &b, &[0], 1);
        assert_eq!(lines(&profiler.finish(0)), ["a!f 2", "module[1]!f 1"]);
    }

    #[test]
    fn deep_stacks_keep_their_inner_part() {
        let m = module("(module (func $f))");
        let mut profiler = Profiler::new(&Budget::unlimited());
        sample(&mut profiler, &m, &[0; MAX_PROFILE_FRAMES], 2);
        sample(&mut profiler, &m, &[0; MAX_PROFILE_FRAMES + 1], 1);
        let [whole, cut] = lines(&profiler.finish(0)).try_into().unwrap();
        assert_eq!(whole.matches('f').count(), MAX_PROFILE_FRAMES);
        assert_eq!(cut, format!("...;{} 1", whole.strip_suffix(" 2").unwrap()));
    }

    #[test]
    fn what_has_no_room_is_counted_together() {
        let m = module("(module (func $f))");
        let mut profiler = Profiler::new(&Budget::unlimited());
        for func in 0..MAX_PROFILE_NODES as u32 + 3 {
            sample(&mut profiler, &m, &[func], 1);
        }
        sample(&mut profiler, &m, &[0], 1);
        assert_eq!(profiler.profile.nodes.len(), MAX_PROFILE_NODES);
        let profile = profiler.finish(0);
        assert_eq!(lines(&profile).last().unwrap(), "[other] 3");
        assert_eq!(lines(&profile)[0], "f 2");

        let budget = Budget::new(2000);
        let mut profiler = Profiler::new(&budget);
        for func in 0..100 {
            sample(&mut profiler, &m, &[func], 1);
        }
        assert!(profiler.profile.other > 0 && !profiler.profile.nodes.is_empty());
        let profile = profiler.finish(0);
        assert_eq!(profile.total(), 100);
        drop(profile);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_stack_that_there_is_no_room_for_isnt_taken_for_its_inner_part() {
        let m = module("(module (func $f))");
        let mut lost = 0;
        for limit in (500..4000).step_by(50) {
            let budget = Budget::new(limit);
            let mut profiler = Profiler::new(&budget);
            for depth in 1..40 {
                sample(&mut profiler, &m, &vec![0; depth], 1);
            }
            // Each depth is a node, or is among the others.
            assert!(profiler.profile.nodes.iter().all(|node| node.weight == 1), "in {limit}");
            lost += profiler.profile.other;
        }
        assert!(lost > 0);
    }
}
