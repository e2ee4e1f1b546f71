//! A runnable with Suborbital's own library: it greets whom the path names.

use suborbital::plugin::{Plugin, RunErr, use_plugin};
use suborbital::{log, req, resp};

struct Greet;

impl Plugin for Greet {
    fn run(&self, input: Vec<u8>) -> Result<Vec<u8>, RunErr> {
        let name = req::url_param("name");
        if name == "nobody" {
            return Err(RunErr::new(404, "nobody is here"));
        }
        log::info(&format!("{} of {name}", req::method()));
        resp::content_type("text/plain");
        let words = String::from_utf8_lossy(&input);
        Ok(format!("Hello, {name}! {words}\n").into_bytes())
    }
}

#[unsafe(no_mangle)]
extern "C" fn init() {
    use_plugin(&Greet);
}
