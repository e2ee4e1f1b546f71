//! From the text of scripts to the bytes of their modules.

use std::str;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::{Error, QuoteWat, QuoteWatTest, Wast, WastDirective, WastExecute, WastThread, Wat};

/// Lexes a script, or a module in text: both may have any character that the specification allows.
pub(crate) fn lex(text: &str) -> Result<ParseBuffer<'_>, Error> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    ParseBuffer::new_with_lexer(lexer)
}

/// A module's bytes.
pub(crate) fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, Error> {
    match module.to_test()? {
        QuoteWatTest::Binary(bytes) => Ok(bytes),
        QuoteWatTest::Text(text) => {
            let text = str::from_utf8(&text)
                .map_err(|_| Error::new(module.span(), "malformed UTF-8 encoding".into()))?;
            parser::parse::<Wat<'_>>(&lex(text)?)?.encode()
        }
    }
}

/// A module of a script, in the binary format.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Binary {
    /// The line of the directive that has the module, counted from 1.
    pub line: usize,
    /// The bytes, which may not be those of a valid module.
    pub bytes: Vec<u8>,
}

/// All modules of a script, except those whose text can't be parsed: valid or not.
///
/// # Errors
///
/// If this isn't a script.
pub fn binaries(text: &str) -> Result<Vec<Binary>, String> {
    let buffer = lex(text).map_err(|error| error.to_string())?;
    let script = parser::parse::<Wast<'_>>(&buffer).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    collect(text, script.directives, &mut all);
    Ok(all)
}

fn collect(text: &str, directives: Vec<WastDirective<'_>>, all: &mut Vec<Binary>) {
    for directive in directives {
        let line = directive.span().linecol_in(text).0 + 1;
        let module = match directive {
            WastDirective::Module(module)
            | WastDirective::ModuleDefinition(module)
            | WastDirective::AssertMalformed { module, .. }
            | WastDirective::AssertInvalid { module, .. }
            | WastDirective::AssertInvalidCustom { module, .. }
            | WastDirective::AssertMalformedCustom { module, .. } => module,
            WastDirective::AssertUnlinkable { module, .. }
            | WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. }
            | WastDirective::AssertReturn { exec: WastExecute::Wat(module), .. }
            | WastDirective::AssertException { exec: WastExecute::Wat(module), .. } => QuoteWat::Wat(module),
            WastDirective::Thread(WastThread { directives, .. }) => {
                collect(text, directives, all);
                continue;
            }
            _ => continue,
        };
        let mut module = module;
        all.extend(encode(&mut module).ok().map(|bytes| Binary { line, bytes }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_every_kind_of_directive() {
        let text = r#"
            (module)
            (module binary "\00asm" "\01\00\00\00")
            (module definition $d)
            (assert_malformed (module quote "(module") "")
            (assert_malformed (module quote "(module)") "")
            (assert_malformed (module binary "") "")
            (assert_trap (module (func (result i32))) "")
            (assert_unlinkable (module) "")
            (assert_return (invoke "f"))"#;
        let all = binaries(text).unwrap();
        assert_eq!(all.iter().map(|binary| binary.line).collect::<Vec<_>>(), [2, 3, 4, 6, 7, 8, 9]);
        assert_eq!(all[0].bytes, b"\0asm\x01\0\0\0");
        assert_eq!(all[4].bytes, b"");
        assert!(binaries("(module))").is_err());
    }
}
