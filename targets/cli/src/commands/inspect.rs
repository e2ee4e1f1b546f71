//! `dunlin inspect`

mod look;
#[cfg(feature = "hosts")]
mod made_for;
mod scan;
mod shape;
#[cfg(feature = "snapshot")]
mod snapshot;

use crate::args::tiering::Tiering;
use crate::args::{InspectOptions, RegistryOptions};
use crate::failure::Failure;
use crate::guest::tier::Tier;
use crate::guest::wasi;
use crate::modules::load::{Opened, display_name};
use crate::modules::precompiled::describe;
use crate::output::json::{Json, object};
use crate::output::{count, print, readable, shown};
use dunlin::{Config, Engine, Error, Feature, ModuleOptions};
use dunlin_wasi_lite::Capability;
use look::{Looked, look};
#[cfg(feature = "hosts")]
use made_for::MadeFor;
use scan::{Declared, External, Scan, Section};
use shape::{limits, reference};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;

/// Shows what the module wants, offers and contains, or how much memory it needs.
pub(crate) fn inspect(options: &InspectOptions) -> Result<(), Failure> {
    let (path, json) = (&options.module, options.json);
    let registry = &options.registry;
    let shown =
        if options.budget { show_budget(path, registry, json) } else { show_contents(path, registry, json) };
    // A failure is reported as JSON too, if that was asked for.
    if let Err(failure) = &shown
        && json
    {
        let json = object([
            ("module", display_name(path).into()),
            ("error", failure.message.as_str().into()),
            ("exit_code", u32::from(failure.code).into()),
        ]);
        print(&format!("{json}\n"))?;
    }
    shown
}

fn show_contents(path: &OsStr, registry: &RegistryOptions, json: bool) -> Result<(), Failure> {
    #[cfg(feature = "snapshot")]
    if let Some(view) = snapshot::view(path, &display_name(path), json)? {
        return print(&view);
    }
    let view = view(path, registry)?;
    print(&if json { format!("{}\n", view.json()) } else { view.text() })
}

fn view(path: &OsStr, registry: &RegistryOptions) -> Result<View, Failure> {
    let mut config = Config::new();
    // What a module says of itself by its functions isn't waited for without an end.
    config.consume_fuel(cfg!(feature = "hosts"));
    let engine = Engine::new(&config).map_err(Failure::unusable)?;
    let Looked { scan, module, code } = look(&engine, path, registry)?;
    let made_for = module.as_ref().ok().and_then(MadeFor::of);
    let made_for = made_for.map(|made_for| made_for.with_token(path, registry)).transpose()?;
    let imports = imports(&engine, &scan, made_for.as_ref())?;
    let code = code.map(|code| describe(code, engine.budget()));
    Ok(View { name: display_name(path), scan, refusal: module.err(), code, made_for, imports })
}

fn show_budget(path: &OsStr, registry: &RegistryOptions, json: bool) -> Result<(), Failure> {
    // With the same configuration as `dunlin run`.
    let mut config = Config::new();
    Tier::configure(&Tiering::default(), &mut config);
    let engine = Engine::new(&config).map_err(Failure::unusable)?;
    let (module, _) = Opened::open(path, registry)?.load(&engine, ModuleOptions::new().one_instance(true))?;
    let plan = module.plan();
    if json {
        let items = plan.items().iter().map(|item| {
            object([
                ("kind", item.kind.to_string().into()),
                ("index", item.index.into()),
                ("bytes", item.bytes.into()),
                ("most_bytes", item.most.into()),
            ])
        });
        let json = object([
            ("module", display_name(path).into()),
            ("least_bytes", plan.least().into()),
            ("most_bytes", plan.most().into()),
            ("sentence", plan.to_string().into()),
            ("items", items.collect::<Json>()),
        ]);
        return print(&format!("{json}\n"));
    }
    let mut text = format!("{}: {plan}\n\nWhat takes it, the largest first:\n", display_name(path));
    for item in plan.items() {
        text.push_str(&format!("  {item}\n"));
    }
    print(&text)
}

struct View {
    name: String,
    scan: Scan,
    /// Why the engine can't load it, if it lacks a feature.
    refusal: Option<Error>,
    /// The machine code behind it, in words and as JSON.
    code: Option<(String, Json)>,
    /// The platform that it was made for, if that is known.
    made_for: Option<MadeFor>,
    imports: Vec<ImportView>,
}

/// In a build without hosts, platforms aren't known.
#[cfg(not(feature = "hosts"))]
enum MadeFor {}

#[cfg(not(feature = "hosts"))]
impl MadeFor {
    fn of(_: &dunlin::Module) -> Option<Self> {
        None
    }

    fn with_token(self, _: &OsStr, _: &RegistryOptions) -> Result<Self, Failure> {
        match self {}
    }

    fn answers(&self, _: &str, _: &str) -> Option<bool> {
        match *self {}
    }

    fn text(&self) -> String {
        match *self {}
    }

    fn json(&self) -> Json {
        match *self {}
    }
}

struct ImportView {
    import: External,
    /// What it lets the module do, and what it does itself.
    purpose: Option<(Capability, &'static str)>,
    /// Why `dunlin run` has nothing that fits, if so.
    missing: Option<String>,
    /// If it isn't WASI's: whether the host for the module's platform answers it. `None` if there is no such host.
    answered: Option<bool>,
}

fn imports(engine: &Engine, scan: &Scan, made_for: Option<&MadeFor>) -> Result<Vec<ImportView>, Failure> {
    let mut provided = wasi::Provided::new(engine).map_err(Failure::unusable)?;
    let imports = scan.imports.iter().map(|import| {
        let missing = match provided.get(&import.module, &import.name) {
            Some(ty) if ty.to_string() == import.ty => None,
            Some(ty) => Some(format!("Dunlin has it as a {ty}")),
            None => Some(String::from("unknown to Dunlin")),
        };
        let purpose = if missing.is_none() { wasi::purpose(&import.name) } else { None };
        let answered = made_for.and_then(|host| host.answers(&import.module, &import.name));
        let answered = if missing.is_some() { answered } else { None };
        ImportView { import: import.clone(), purpose, missing, answered }
    });
    Ok(imports.collect())
}

/// What imports are listed under, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Wasi(Capability),
    Host,
    Trap,
    Missing,
}

impl Group {
    fn of(import: &ImportView) -> Self {
        match (import.purpose, import.answered) {
            (Some((capability, _)), _) => Group::Wasi(capability),
            (None, Some(true)) => Group::Host,
            (None, Some(false)) => Group::Trap,
            (None, None) => Group::Missing,
        }
    }
}

/// What kind of program a module is, going by what it exports.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Command,
    Reactor,
    Library,
}

impl Role {
    fn of(scan: &Scan) -> Self {
        let has = |name| scan.exports.iter().any(|export| export.name == name && export.kind == "function");
        if has("_start") {
            Role::Command
        } else if has("_initialize") {
            Role::Reactor
        } else {
            Role::Library
        }
    }

    fn name(self) -> &'static str {
        match self {
            Role::Command => "command",
            Role::Reactor => "reactor",
            Role::Library => "library",
        }
    }

    fn explained(self) -> &'static str {
        match self {
            Role::Command => "a program (it has _start)",
            Role::Reactor => {
                "a library that is initialized first (it has _initialize): run it with --invoke NAME"
            }
            Role::Library => "a library (it has no _start): run it with --invoke NAME",
        }
    }
}

impl View {
    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string doesn't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let scan = &self.scan;
        writeln!(text, "{}: {}", self.name, Role::of(scan).explained())?;
        write!(text, "  {}, {}", count(scan.size, "byte"), count(scan.functions.into(), "function"))?;
        match &scan.name {
            Some(name) => writeln!(text, ", named {}", shown(name))?,
            None => writeln!(text)?,
        }
        if let Some((words, _)) = &self.code {
            writeln!(text, "  {words}")?;
        }
        if let Some(made_for) = &self.made_for {
            text.push_str(&made_for.text());
        }
        if let Some(refusal) = &self.refusal {
            writeln!(text, "  Dunlin can't run it: {refusal}")?;
        }
        self.write_imports(text)?;
        heading(text, "Exports", scan.exports.len())?;
        for export in &scan.exports {
            writeln!(text, "  {}: {}", shown(&export.name), export.ty)?;
        }
        heading(text, "Memories", scan.memories.len())?;
        for (index, Declared { ty, imported }) in scan.memories.iter().enumerate() {
            let pages = limits(ty.initial, ty.maximum, "page");
            let from = if *imported { ", imported" } else { "" };
            let page = 1 << ty.page_size_log2.unwrap_or(16);
            let (wide, shared) =
                (if ty.memory64 { ", 64-bit" } else { "" }, if ty.shared { ", shared" } else { "" });
            writeln!(
                text,
                "  {index}: {pages} of {} ({} at first){wide}{shared}{from}",
                readable(page),
                readable(page.saturating_mul(ty.initial))
            )?;
        }
        heading(text, "Tables", scan.tables.len())?;
        for (index, Declared { ty, imported }) in scan.tables.iter().enumerate() {
            let from = if *imported { ", imported" } else { "" };
            let elements = limits(ty.initial, ty.maximum, "element");
            writeln!(text, "  {index}: {elements} of {}{from}", reference(ty.element_type))?;
        }
        writeln!(text, "\nFeatures beyond the first version of WebAssembly:")?;
        let (there, missing): (Vec<_>, Vec<_>) = scan.features.iter().partition(|feature| is_there(feature));
        match there.iter().map(|feature: &&Feature| feature.name()).collect::<Vec<_>>().join(", ") {
            none if none.is_empty() && missing.is_empty() => writeln!(text, "  none")?,
            none if none.is_empty() => {}
            features => writeln!(text, "  {features}")?,
        }
        if !missing.is_empty() {
            let missing: Vec<_> = missing.iter().map(|feature| feature.name()).collect();
            writeln!(text, "  {}, which this version of Dunlin doesn't have", missing.join(", "))?;
        }
        heading(text, "Sections, in bytes", scan.sections.len())?;
        for section in &scan.sections {
            writeln!(text, "  {:>10}  {}", section.size, section_name(section))?;
        }
        Ok(())
    }

    fn write_imports(&self, text: &mut String) -> std::fmt::Result {
        if self.imports.is_empty() {
            return writeln!(text, "\nIt imports nothing, so it can only compute");
        }
        let mut groups = BTreeMap::<Group, Vec<_>>::new();
        for import in &self.imports {
            groups.entry(Group::of(import)).or_default().push(import);
        }
        writeln!(text, "\nWith what it imports, it")?;
        for (group, imports) in groups {
            match group {
                Group::Wasi(capability) => writeln!(text, "  {capability} ({})", capability.name())?,
                Group::Host => writeln!(text, "  asks the host for its platform")?,
                Group::Trap => writeln!(text, "  calls what its host lacks, which ends the call")?,
                Group::Missing => writeln!(text, "  wants what Dunlin doesn't provide")?,
            }
            for ImportView { import, purpose, missing, .. } in imports {
                let (from, name) = (shown(&import.module), shown(&import.name));
                match (purpose, missing) {
                    (Some((_, does)), _) => writeln!(text, "    {name:<23} {does}")?,
                    (None, Some(reason)) if group == Group::Missing => {
                        writeln!(text, "    {from}.{name}: {} ({reason})", import.ty)?;
                    }
                    (None, _) => writeln!(text, "    {from}.{name}: {}", import.ty)?,
                }
            }
        }
        Ok(())
    }

    fn json(&self) -> Json {
        let scan = &self.scan;
        let imports = self.imports.iter().map(|ImportView { import, purpose, missing, answered }| {
            object([
                ("module", import.module.as_str().into()),
                ("name", import.name.as_str().into()),
                ("kind", import.kind.into()),
                ("type", import.ty.as_str().into()),
                ("provided", missing.is_none().into()),
                ("capability", purpose.map(|(capability, _)| capability.name()).into()),
                ("purpose", purpose.map(|(capability, _)| capability.to_string()).into()),
                ("does", purpose.map(|(_, does)| does).into()),
                ("problem", missing.clone().into()),
                ("answered_by_host", (*answered).into()),
            ])
        });
        let exports = scan.exports.iter().map(|export| {
            object([
                ("name", export.name.as_str().into()),
                ("kind", export.kind.into()),
                ("type", export.ty.as_str().into()),
            ])
        });
        let memories = scan.memories.iter().map(|Declared { ty, imported }| {
            object([
                ("min_pages", ty.initial.into()),
                ("max_pages", ty.maximum.into()),
                ("page_bytes", (1u64 << ty.page_size_log2.unwrap_or(16)).into()),
                ("index_bits", (if ty.memory64 { 64u32 } else { 32 }).into()),
                ("shared", ty.shared.into()),
                ("imported", (*imported).into()),
            ])
        });
        let tables = scan.tables.iter().map(|Declared { ty, imported }| {
            object([
                ("element", reference(ty.element_type).into()),
                ("min", ty.initial.into()),
                ("max", ty.maximum.into()),
                ("index_bits", (if ty.table64 { 64u32 } else { 32 }).into()),
                ("imported", (*imported).into()),
            ])
        });
        let sections = scan.sections.iter().map(|section| {
            object([
                ("id", u32::from(section.id).into()),
                ("name", section_name(section).into()),
                ("offset", section.offset.into()),
                ("bytes", section.size.into()),
            ])
        });
        let names = |features: &mut dyn Iterator<Item = &Feature>| {
            features.map(|feature| feature.name()).collect::<Json>()
        };
        object([
            ("module", self.name.clone().into()),
            ("role", Role::of(scan).name().into()),
            ("name", scan.name.clone().into()),
            ("made_for", self.made_for.as_ref().map(MadeFor::json).into()),
            ("bytes", scan.size.into()),
            ("functions", scan.functions.into()),
            ("imports", imports.collect()),
            ("exports", exports.collect()),
            ("memories", memories.collect()),
            ("tables", tables.collect()),
            ("features", names(&mut scan.features.iter())),
            ("missing_features", names(&mut scan.features.iter().filter(|feature| !is_there(feature)))),
            ("problem", self.refusal.as_ref().map(ToString::to_string).into()),
            ("sections", sections.collect()),
            ("precompiled", self.code.as_ref().map(|(_, json)| json.clone()).into()),
        ])
    }
}

/// Whether this version of Dunlin has it.
fn is_there(feature: &Feature) -> bool {
    feature.switch().is_some()
}

fn heading(text: &mut String, title: &str, count: usize) -> std::fmt::Result {
    if count == 0 { writeln!(text, "\n{title}: none") } else { writeln!(text, "\n{title}:") }
}

fn section_name(section: &Section) -> String {
    const NAMES: [&str; 14] = [
        "custom",
        "type",
        "import",
        "function",
        "table",
        "memory",
        "global",
        "export",
        "start",
        "element",
        "code",
        "data",
        "data count",
        "tag",
    ];
    match section.id {
        0 => format!("custom: {}", shown(&section.name)),
        id => NAMES.get(usize::from(id)).map_or(format!("section {id}"), |name| (*name).into()),
    }
}
