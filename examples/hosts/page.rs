//! A page, made by a WASI command as CGI programs make them: headers, an empty line, and the body on standard output.

use std::env::{args, var};
use std::io::{self, Read};

fn main() -> io::Result<()> {
    let variable = |name| var(name).unwrap_or_default();
    let mut body = String::new();
    io::stdin().take(1000).read_to_string(&mut body)?;
    let name = args().find_map(|arg| Some(arg.strip_prefix("name=")?.to_owned()));
    let mut page = format!("Hello, {}!\n", name.as_deref().unwrap_or("world"));
    page += &format!("You asked for {} {}", variable("REQUEST_METHOD"), variable("PATH_INFO"));
    if !body.is_empty() {
        page += &format!(", and sent {body:?}");
    }
    print!("content-type: text/plain; charset=utf-8\n\n{page}.\n");
    Ok(())
}
