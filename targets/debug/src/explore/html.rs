//! The page.

use super::{Explored, Function};
use std::fmt;
use std::io::{self, Write};

const STYLE: &str = "
body { font: 14px system-ui, sans-serif; margin: 0; display: grid; grid-template-columns: 18em 1fr; height: 100vh }
nav { overflow: auto; border-right: 1px solid #8888; padding: 0 1em 1em }
nav a { display: block; white-space: nowrap; color: inherit; text-decoration: none }
nav a:hover { text-decoration: underline }
input { width: 100%; box-sizing: border-box }
main { overflow: auto; padding: 0 1em }
h2 { font-size: 1em; overflow-wrap: anywhere }
section > div { display: grid; grid-template-columns: repeat(3, minmax(20em, 1fr)); gap: 1em }
pre { font: 12px ui-monospace, monospace; overflow-x: auto; margin: 0 }
h3 { font-size: .85em; margin: 0 }
i { font-style: normal; opacity: .5 }
b { font-weight: normal; display: inline-block; min-width: 100% }
b.on { background: #fd08 }
:root { color-scheme: light dark }
";

/// Marks the lines that belong to the same instruction as the one pointed at, and lists functions that are searched for.
const SCRIPT: &str = "
let marked = [];
const mark = (event) => {
  for (const line of marked) line.classList.remove('on');
  const line = event.target.closest('b[data-o]');
  marked = line ? line.closest('section').querySelectorAll(`b[data-o=\"${line.dataset.o}\"]`) : [];
  for (const line of marked) line.classList.add('on');
};
document.querySelector('main').addEventListener('pointerover', mark);
document.querySelector('input').addEventListener('input', (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const link of document.querySelectorAll('nav a'))
    link.hidden = !link.textContent.toLowerCase().includes(wanted);
});
";

/// Writes the page. It is well-formed as XML, too.
pub(super) fn page(out: &mut dyn Write, explored: &Explored<'_>, functions: &[Function]) -> io::Result<()> {
    let name = Escaped(explored.name);
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>")?;
    writeln!(out, "<meta charset=\"utf-8\"/>\n<title>{name}</title>")?;
    writeln!(out, "<style>{STYLE}</style>\n</head>\n<body>\n<nav>\n<h1>{name}</h1>")?;
    writeln!(out, "<input type=\"search\" placeholder=\"function\" aria-label=\"function\"/>")?;
    for Function { index, name, .. } in functions {
        writeln!(out, "<a href=\"#f{index}\">{index} {}</a>", Escaped(name))?;
    }
    writeln!(out, "</nav>\n<main>")?;
    let machine = explored.how.map(|how| format!("Machine code for {}", how.target));
    for function in functions {
        let Function { index, name, text, cells, machine: instructions } = function;
        writeln!(out, "<section id=\"f{index}\">\n<h2>{index} {}</h2>\n<div>", Escaped(name))?;
        lines(out, "WebAssembly", text)?;
        writeln!(out, "<div><h3>Cells</h3><pre>{}</pre></div>", Escaped(cells.trim_end()))?;
        match &machine {
            Some(title) if instructions.is_empty() => {
                writeln!(out, "<div><h3>{title}</h3><p>This function stays interpreted.</p></div>")?;
            }
            Some(title) => lines(out, title, instructions)?,
            None => {}
        }
        writeln!(out, "</div>\n</section>")?;
    }
    writeln!(out, "</main>\n<script>//<![CDATA[\n{SCRIPT}//]]></script>\n</body>\n</html>")
}

/// Writes lines under a title. Those that have an offset are marked together with others that have the same.
fn lines(out: &mut dyn Write, title: &str, lines: &[(Option<u64>, String)]) -> io::Result<()> {
    write!(out, "<div><h3>{}</h3><pre>", Escaped(title))?;
    for (offset, line) in lines {
        match offset {
            Some(offset) => {
                writeln!(out, "<b data-o=\"{offset}\"><i>{offset:#8x}</i> {}</b>", Escaped(line))?;
            }
            None => writeln!(out, "         {}", Escaped(line))?,
        }
    }
    writeln!(out, "</pre></div>")
}

/// A text between tags. Characters that XML doesn't have are replaced.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' | '\t' => f.write_char(c)?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
