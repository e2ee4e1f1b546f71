//! `dunlin sign`

use crate::args::SignOptions;
use crate::failure::{Failure, io_reason};
use crate::host::files::create_private;
use crate::modules::load::{Opened, display_name};
use crate::output::destination::Destination;
use crate::output::{complain, print};
use dunlin::{Engine, ModuleOptions};
use dunlin_hosts::actors::{Claims, KeyKind, KeyPair, ModuleClaims, sign as signed};
use std::fmt::Display;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Signs a module as an actor, and says its key.
pub(crate) fn sign(options: &SignOptions) -> Result<(), Failure> {
    let given = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let destination = Destination::open("-o", &given(&options.output))?;
    let opened = Opened::open(&options.module, &options.registry)?;
    let whole = opened.load_whole(&Engine::default(), &ModuleOptions::new())?;
    let account = key(&given(&options.account), KeyKind::Account, options.new_keys)?;
    let module = key(&given(&options.module_key), KeyKind::Module, options.new_keys)?.public();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = Claims {
        expires: options.expires_in.map(|time| now + time.as_secs()),
        wascap: ModuleClaims {
            name: options.name.clone(),
            capabilities: Some(options.capabilities.clone()),
            call_alias: options.alias.clone(),
            version: options.version.clone(),
            revision: options.revision.map(|revision| i64::try_from(revision).unwrap_or(i64::MAX)),
            ..ModuleClaims::default()
        },
        ..Claims::issued_at(now).map_err(Failure::unusable)?
    };
    let signed = signed(&whole.bytes, claims, &account, &module)
        .map_err(|error| Failure::unusable(format_args!("{}: {error}", display_name(&options.module))))?;
    destination.write(&|out| out.write_all(&signed))?;
    // Where the module goes, nothing else does.
    match destination.is_stdout() {
        true => complain(module),
        false => print(&format!("{module}\n"))?,
    }
    Ok(())
}

/// Reads a secret key; if there is none and there may be a new one, makes it.
fn key(path: &Path, kind: KeyKind, may_be_new: bool) -> Result<KeyPair, Failure> {
    let failure = |why: &dyn Display| Failure::unusable(format_args!("{}: {why}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => KeyPair::parse(&text, kind).ok_or_else(|| {
            failure(&match kind {
                KeyKind::Account => "this isn't the secret key of an account, which begins with SA",
                KeyKind::Module => "this isn't the secret key of a module, which begins with SM",
            })
        }),
        Err(error) if error.kind() == ErrorKind::NotFound && may_be_new => {
            let key = KeyPair::random(kind).map_err(Failure::unusable)?;
            create_private(path)
                .and_then(|mut file| writeln!(file, "{}", key.secret()))
                .map_err(|error| failure(&io_reason(&error)))?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(failure(&"there is no such key; --new-keys makes it"))
        }
        Err(error) => Err(failure(&io_reason(&error))),
    }
}
