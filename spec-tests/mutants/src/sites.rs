//! Every place of a crate where a fault can be put.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, Attribute, Block, Expr, Item, Pat, Stmt};

use crate::cfg;
use crate::edit::Wrap;
use crate::modules::{self, Sources};
use crate::operators as ops;
use crate::subjects::Subject;

/// One fault at one place.
pub(crate) struct Site {
    /// Below the workspace.
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) last_line: usize,
    function: String,
    what: String,
    pub(crate) wrap: Wrap,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} in {}: {}", self.file.display(), self.line, self.function, self.what)
    }
}

/// The places in these sources, by file and position.
pub(crate) fn of(sources: &Sources, subject: &Subject) -> Result<Vec<Site>, String> {
    let mut sites = Vec::new();
    for (path, source) in sources {
        if subject.skipped_files.iter().any(|(skipped, _)| path.ends_with(skipped)) {
            continue;
        }
        let file = modules::parse(path, source)?;
        Finder { path, source, function: String::new(), sites: &mut sites }.visit_file(&file);
    }
    sites.sort_by(|a, b| (&a.file, a.wrap.at.start, &a.what).cmp(&(&b.file, b.wrap.at.start, &b.what)));
    Ok(sites)
}

struct Finder<'a> {
    path: &'a Path,
    source: &'a str,
    function: String,
    sites: &'a mut Vec<Site>,
}

impl Finder<'_> {
    fn text(&self, at: Range<usize>) -> &str {
        &self.source[at]
    }

    fn add(&mut self, what: String, wrap: Wrap) {
        let line_of = |at: usize| self.source[..at].bytes().filter(|&byte| byte == b'\n').count() + 1;
        self.sites.push(Site {
            file: self.path.to_owned(),
            line: line_of(wrap.at.start),
            last_line: line_of(wrap.at.end),
            function: self.function.clone(),
            what,
            wrap,
        });
    }

    fn replace(&mut self, expr: &impl Spanned, other: &str) {
        let at = expr.span().byte_range();
        self.add(
            format!("`{}` becomes `{}`", short(self.text(at.clone())), short(other)),
            Wrap::instead(at, other),
        );
    }

    fn body(&mut self, block: &Block, output: &syn::ReturnType) {
        let Some(first) = block.stmts.first() else { return };
        let start = first.span().byte_range().start;
        let end = block.stmts.last().map_or(start, |last| last.span().byte_range().end);
        for value in ops::returns(output) {
            if self.text(start..end) == value {
                continue;
            }
            let before = format!("if ::mutant_switch::on(#) {{ return {value}; }} ");
            let what = format!("does nothing, returns `{}`", if value.is_empty() { "()" } else { value });
            self.add(what, Wrap { at: start..start, before, after: String::new() });
        }
    }

    fn function(&mut self, name: String, signature: &syn::Signature, block: &Block) {
        if signature.constness.is_some() {
            return;
        }
        let outer = std::mem::replace(&mut self.function, name);
        self.body(block, &signature.output);
        self.visit_block(block);
        self.function = outer;
    }

    fn condition(&mut self, condition: &Expr) {
        if !contains_let(condition) && !matches!(condition, Expr::Lit(_)) {
            self.replace(condition, "true");
            self.replace(condition, "false");
        }
    }
}

/// A source text in one short line.
fn short(text: &str) -> String {
    let line: Vec<_> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(70) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn contains_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => contains_let(&binary.left) || contains_let(&binary.right),
        Expr::Paren(inner) => contains_let(&inner.expr),
        _ => false,
    }
}

fn is_catch_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => {
            name.subpat.is_none() && name.ident.to_string().starts_with(|first: char| first.is_lowercase())
        }
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            // What must be constant can't ask for a fault.
            _ => return,
        };
        if cfg::is_built(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(item.sig.ident.to_string(), &item.sig, &item.block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let is_debug = item
            .trait_
            .as_ref()
            .is_some_and(|(_, path, _)| path.segments.last().is_some_and(|last| last.ident == "Debug"));
        if is_debug {
            return;
        }
        let ty = short(self.text(item.self_ty.span().byte_range()));
        for part in &item.items {
            if let syn::ImplItem::Fn(method) = part
                && cfg::is_built(&method.attrs)
            {
                self.function(format!("{ty}::{}", method.sig.ident), &method.sig, &method.block);
            }
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        for part in &item.items {
            if let syn::TraitItem::Fn(method) = part
                && let Some(block) = &method.default
                && cfg::is_built(&method.attrs)
            {
                self.function(format!("{}::{}", item.ident, method.sig.ident), &method.sig, block);
            }
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Local(local) if !cfg::is_built(&local.attrs) => return,
            Stmt::Expr(expr, Some(_)) if ops::is_an_effect(expr) => {
                let at = statement.span().byte_range();
                let what = format!("`{}` is left out", short(self.text(at.clone())));
                let before = "if !::mutant_switch::on(#) { ".to_owned();
                self.add(what, Wrap { at, before, after: " }".into() });
            }
            _ => {}
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Binary(binary) if !contains_let(expr) => {
                if let Some(other) = ops::other_operator(&binary.op) {
                    let left = self.text(binary.left.span().byte_range()).to_owned();
                    let right = self.text(binary.right.span().byte_range()).to_owned();
                    self.replace(binary, &format!("{left} {other} {right}"));
                }
            }
            Expr::Unary(unary) if ops::is_dropped_unary(&unary.op) => {
                let inner = self.text(unary.expr.span().byte_range()).to_owned();
                self.replace(unary, &inner);
            }
            Expr::Lit(lit) => {
                if let Some(other) = ops::other_literal(&lit.lit) {
                    self.replace(lit, &other);
                }
            }
            Expr::MethodCall(call) => {
                if let Some(other) = ops::other_method(&call.method.to_string()) {
                    let at = call.span().byte_range();
                    let method = call.method.span().byte_range();
                    let other = format!(
                        "{}{other}{}",
                        &self.source[at.start..method.start],
                        &self.source[method.end..at.end]
                    );
                    self.replace(call, &other);
                }
            }
            Expr::If(branch) => self.condition(&branch.cond),
            Expr::While(repeated) => self.condition(&repeated.cond),
            Expr::Match(chosen) => {
                let has_rest =
                    chosen.arms.last().is_some_and(|last| is_catch_all(&last.pat) && last.guard.is_none());
                if has_rest {
                    for arm in chosen.arms.iter().filter(|arm| arm.guard.is_none() && !is_catch_all(&arm.pat))
                    {
                        let at = arm.pat.span().byte_range();
                        let what = format!("the arm `{}` is left out", short(self.text(at.clone())));
                        let after = " if !::mutant_switch::on(#)".to_owned();
                        self.add(what, Wrap { at, before: String::new(), after });
                    }
                }
            }
            // Constant.
            Expr::Const(_) => return,
            Expr::Repeat(repeat) => return self.visit_expr(&repeat.expr),
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        if !cfg::is_built(&arm.attrs) {
            return;
        }
        if let Some((_, guard)) = &arm.guard {
            self.condition(guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_pat(&mut self, _: &'ast Pat) {}

    fn visit_type(&mut self, _: &'ast syn::Type) {}

    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_expr_block(&mut self, block: &'ast syn::ExprBlock) {
        if cfg::is_built(&block.attrs) {
            visit::visit_expr_block(self, block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit;
    use crate::subjects::SUBJECTS;

    const SOURCE: &str = "
const LIMIT: u32 = 4 + 1;
const fn constant() -> u32 { 7 }
#[cfg(test)]
mod tests { fn of_tests() -> u32 { 1 } }
impl Debug for Thing { fn fmt(&self) { self.text() } }
fn kinds(list: &mut Vec<u32>, mut n: u32) -> Result<bool> {
    list.push(n);
    n += LIMIT;
    let table = [n; 8];
    if !list.is_empty() { n <<= 1 }
    match n { 3 => work(), _ => {} }
    while let Some(last) = list.pop() && last < n {}
    Ok(n.min(table.len() as u32) == 2)
}
";

    fn sites() -> Vec<Site> {
        of(&Sources::from([("a.rs".into(), SOURCE.into())]), &SUBJECTS[0]).unwrap()
    }

    #[test]
    fn each_kind_of_fault_is_found() {
        let found: Vec<_> = sites().iter().map(|site| format!("{} {}", site.line, site.what)).collect();
        let expected = [
            "8 `list.push(n);` is left out",
            "8 does nothing, returns `Ok(false)`",
            "8 does nothing, returns `Ok(true)`",
            "9 `n += LIMIT;` is left out",
            "9 `n += LIMIT` becomes `n -= LIMIT`",
            "11 `!list.is_empty()` becomes `false`",
            "11 `!list.is_empty()` becomes `list.is_empty()`",
            "11 `!list.is_empty()` becomes `true`",
            "11 `n <<= 1` becomes `n >>= 1`",
            "11 `1` becomes `2`",
            "12 the arm `3` is left out",
            "13 `last < n` becomes `last <= n`",
            "14 `n.min(table.len() as u32) == 2` becomes `n.min(table.len() as u32) != 2`",
            "14 `n.min(table.len() as u32)` becomes `n.max(table.len() as u32)`",
            "14 `2` becomes `3`",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn with_all_faults_in_it_the_source_can_be_parsed() {
        let sites = sites();
        let wraps: Vec<_> = sites.iter().enumerate().map(|(number, site)| (number, &site.wrap)).collect();
        let woven = edit::apply(SOURCE, &wraps);
        syn::parse_file(&woven).unwrap();
        assert_eq!(woven.lines().count(), SOURCE.lines().count());
        assert_eq!(woven.matches("::mutant_switch::on(").count(), sites.len());
    }
}
