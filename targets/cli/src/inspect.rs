//! `dunlin inspect`

use crate::failure::Failure;
use crate::json::{Json, object};
use crate::load::{Whole, display_name, load, load_whole};
use crate::outcome::defined_functions;
use crate::output::{print, shown};
use crate::precompiled::describe;
use crate::scan::{Feature, Item, Scan, scan};
use crate::wasi;
use dunlin::{Engine, ExternType, ImportType, Module, Section};
use dunlin_wasi_lite::Capability;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;

/// Shows what the module wants, offers and contains.
pub(crate) fn inspect(path: &OsStr, json: bool) -> Result<(), Failure> {
    let engine = Engine::default();
    let Whole { module, bytes, code } = load_whole(&engine, path)?;
    let scan =
        scan(&bytes).map_err(|error| Failure::unusable(format_args!("{}: {error}", display_name(path))))?;
    drop(bytes);
    let imports = imports(&engine, &module)?;
    let code = code.map(|code| describe(code, engine.budget()));
    let view = View { name: display_name(path), module: &module, code, scan, imports };
    print(&if json { format!("{}\n", view.json()) } else { view.text() })
}

/// Shows how much memory the module needs.
pub(crate) fn budget(path: &OsStr, json: bool) -> Result<(), Failure> {
    let module = load(&Engine::default(), path)?;
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

struct View<'m> {
    name: String,
    module: &'m Module,
    /// The machine code behind it, in words and as JSON.
    code: Option<(String, Json)>,
    scan: Scan,
    imports: Vec<Import<'m>>,
}

struct Import<'m> {
    import: ImportType<'m>,
    /// What it lets the module do, and what it does itself.
    purpose: Option<(Capability, &'static str)>,
    /// Why `dunlin run` has nothing that fits, if so.
    missing: Option<String>,
}

fn imports<'m>(engine: &Engine, module: &'m Module) -> Result<Vec<Import<'m>>, Failure> {
    let mut provided = wasi::Provided::new(engine).map_err(Failure::unusable)?;
    let imports = module.imports().map(|import| {
        let missing = match provided.get(import.module(), import.name()) {
            Some(ty) if ty == *import.ty() => None,
            Some(ty) => Some(format!("Dunlin has it as a {ty}")),
            None => Some(String::from("unknown to Dunlin")),
        };
        let purpose = if missing.is_none() { wasi::purpose(import.name()) } else { None };
        Import { import, purpose, missing }
    });
    Ok(imports.collect())
}

/// What kind of program a module is, going by what it exports.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Command,
    Reactor,
    Library,
}

impl Role {
    fn of(module: &Module) -> Self {
        let has = |name| matches!(module.get_export(name), Some(ExternType::Func(_)));
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

impl View<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string doesn't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let module = self.module;
        writeln!(text, "{}: {}", self.name, Role::of(module).explained())?;
        write!(text, "  {} bytes, {} functions", module.size(), defined_functions(module))?;
        match module.name() {
            Some(name) => writeln!(text, ", named {}", shown(name))?,
            None => writeln!(text)?,
        }
        if let Some((words, _)) = &self.code {
            writeln!(text, "  {words}")?;
        }
        self.write_imports(text)?;
        heading(text, "Exports", module.exports().len())?;
        for export in module.exports() {
            writeln!(text, "  {}: {}", shown(export.name()), export.ty())?;
        }
        heading(text, "Memories", self.scan.memories.len())?;
        for (index, Item { ty, imported }) in self.scan.memories.iter().enumerate() {
            let pages = limits(ty.initial, ty.maximum);
            let from = if *imported { ", imported" } else { "" };
            let (least, unit) = readable(ty.initial * 65536);
            writeln!(text, "  {index}: {pages} pages of 64 KiB ({least} {unit} at first){from}")?;
        }
        heading(text, "Tables", self.scan.tables.len())?;
        for (index, Item { ty, imported }) in self.scan.tables.iter().enumerate() {
            let from = if *imported { ", imported" } else { "" };
            writeln!(
                text,
                "  {index}: {} elements of {}{from}",
                limits(ty.initial, ty.maximum),
                element(ty)
            )?;
        }
        writeln!(text, "\nFeatures beyond the first version of WebAssembly:")?;
        match self.features().join(", ") {
            none if none.is_empty() => writeln!(text, "  none")?,
            features => writeln!(text, "  {features}")?,
        }
        heading(text, "Sections, in bytes", module.sections().len())?;
        for section in module.sections() {
            writeln!(text, "  {:>10}  {}", section.size, section_name(&section))?;
        }
        Ok(())
    }

    fn write_imports(&self, text: &mut String) -> std::fmt::Result {
        if self.imports.is_empty() {
            return writeln!(text, "\nIt imports nothing, so it can only compute");
        }
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for import in &self.imports {
            let capability = import.purpose.map(|(capability, _)| capability);
            // What is missing comes last.
            groups.entry((capability.is_none(), capability)).or_default().push(import);
        }
        writeln!(text, "\nWith what it imports, it")?;
        for ((_, capability), imports) in groups {
            match capability {
                Some(capability) => writeln!(text, "  {capability} ({})", capability.name())?,
                None => writeln!(text, "  wants what Dunlin doesn't provide")?,
            }
            for Import { import, purpose, missing } in imports {
                let (from, name) = (shown(import.module()), shown(import.name()));
                match purpose {
                    Some((_, does)) => writeln!(text, "    {name:<23} {does}")?,
                    None => {
                        let reason = missing.as_deref().unwrap_or_default();
                        writeln!(text, "    {from}.{name}: {} ({reason})", import.ty())?;
                    }
                }
            }
        }
        Ok(())
    }

    fn features(&self) -> Vec<&'static str> {
        self.scan.features.iter().copied().map(Feature::name).collect()
    }

    fn json(&self) -> Json {
        let module = self.module;
        let imports = self.imports.iter().map(|Import { import, purpose, missing }| {
            object([
                ("module", import.module().into()),
                ("name", import.name().into()),
                ("kind", kind(import.ty()).into()),
                ("type", import.ty().to_string().into()),
                ("provided", missing.is_none().into()),
                ("capability", purpose.map(|(capability, _)| capability.name()).into()),
                ("purpose", purpose.map(|(capability, _)| capability.to_string()).into()),
                ("does", purpose.map(|(_, does)| does).into()),
                ("problem", missing.clone().into()),
            ])
        });
        let exports = module.exports().map(|export| {
            object([
                ("name", export.name().into()),
                ("kind", kind(export.ty()).into()),
                ("type", export.ty().to_string().into()),
            ])
        });
        let memories = self.scan.memories.iter().map(|Item { ty, imported }| {
            object([
                ("min_pages", ty.initial.into()),
                ("max_pages", ty.maximum.into()),
                ("imported", (*imported).into()),
            ])
        });
        let tables = self.scan.tables.iter().map(|Item { ty, imported }| {
            object([
                ("element", element(ty).into()),
                ("min", ty.initial.into()),
                ("max", ty.maximum.into()),
                ("imported", (*imported).into()),
            ])
        });
        let sections = module.sections().map(|section| {
            object([
                ("id", u32::from(section.id).into()),
                ("name", section_name(&section).into()),
                ("offset", section.offset.into()),
                ("bytes", section.size.into()),
            ])
        });
        object([
            ("module", self.name.clone().into()),
            ("role", Role::of(module).name().into()),
            ("name", module.name().into()),
            ("bytes", module.size().into()),
            ("functions", defined_functions(module).into()),
            ("imports", imports.collect()),
            ("exports", exports.collect()),
            ("memories", memories.collect()),
            ("tables", tables.collect()),
            ("features", self.features().into()),
            ("sections", sections.collect()),
            ("precompiled", self.code.as_ref().map(|(_, json)| json.clone()).into()),
        ])
    }
}

fn heading(text: &mut String, title: &str, count: usize) -> std::fmt::Result {
    if count == 0 { writeln!(text, "\n{title}: none") } else { writeln!(text, "\n{title}:") }
}

fn limits(minimum: u64, maximum: Option<u64>) -> String {
    match maximum {
        Some(maximum) if maximum == minimum => format!("exactly {minimum}"),
        Some(maximum) => format!("{minimum} to {maximum}"),
        None => format!("at least {minimum}"),
    }
}

fn readable(bytes: u64) -> (u64, &'static str) {
    if bytes >= 10 << 20 { (bytes >> 20, "MiB") } else { (bytes >> 10, "KiB") }
}

fn element(ty: &wasmparser::TableType) -> &'static str {
    if ty.element_type.is_extern_ref() { "externref" } else { "funcref" }
}

fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Table(_) => "table",
        ExternType::Memory(_) => "memory",
        ExternType::Global(_) => "global",
    }
}

fn section_name(section: &Section<'_>) -> String {
    const NAMES: [&str; 13] = [
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
    ];
    match (section.id, section.name) {
        (0, name) => format!("custom: {}", shown(name.unwrap_or_default())),
        (id, _) => NAMES.get(usize::from(id)).map_or(format!("section {id}"), |name| (*name).into()),
    }
}
