//! Which conditional code is part of what is built and tested here.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Token};

/// Whether what has these attributes is in a release build for this machine. Test code isn't.
pub(crate) fn is_built(attributes: &[Attribute]) -> bool {
    attributes.iter().all(|attribute| {
        if attribute.path().is_ident("cfg") {
            attribute.parse_args::<Meta>().is_ok_and(|meta| holds(&meta))
        } else {
            !attribute.path().is_ident("test")
        }
    })
}

fn holds(meta: &Meta) -> bool {
    match meta {
        Meta::Path(path) => {
            !path.is_ident("test") && !path.is_ident("debug_assertions") && !path.is_ident("windows")
        }
        Meta::NameValue(pair) => {
            let Expr::Lit(ExprLit { lit: Lit::Str(value), .. }) = &pair.value else { return true };
            let is = |name| pair.path.is_ident(name);
            if is("target_arch") {
                value.value() == std::env::consts::ARCH
            } else if is("target_os") {
                value.value() == std::env::consts::OS
            } else {
                !is("target_pointer_width") || value.value() == "64"
            }
        }
        Meta::List(list) => {
            let parts =
                list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
            let mut held = parts.iter().map(holds);
            if list.path.is_ident("not") {
                !held.all(|part| part)
            } else if list.path.is_ident("any") {
                held.any(|part| part)
            } else {
                held.all(|part| part)
            }
        }
    }
}
