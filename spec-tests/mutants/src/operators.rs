//! The kinds of faults: what may be put in place of an expression, a statement or a function's body.

use syn::{BinOp, Expr, GenericArgument, Lit, PathArguments, ReturnType, Type, UnOp};

/// Operators that a binary operator may be mistaken for.
pub(crate) fn other_operator(op: &BinOp) -> Option<&'static str> {
    Some(match op {
        BinOp::Add(_) => "-",
        BinOp::Sub(_) => "+",
        BinOp::Mul(_) => "+",
        BinOp::Div(_) => "*",
        BinOp::Rem(_) => "/",
        BinOp::And(_) => "||",
        BinOp::Or(_) => "&&",
        BinOp::BitXor(_) => "|",
        BinOp::BitAnd(_) => "|",
        BinOp::BitOr(_) => "&",
        BinOp::Shl(_) => ">>",
        BinOp::Shr(_) => "<<",
        BinOp::Eq(_) => "!=",
        BinOp::Ne(_) => "==",
        BinOp::Lt(_) => "<=",
        BinOp::Le(_) => "<",
        BinOp::Gt(_) => ">=",
        BinOp::Ge(_) => ">",
        BinOp::AddAssign(_) => "-=",
        BinOp::SubAssign(_) => "+=",
        BinOp::MulAssign(_) => "+=",
        BinOp::BitAndAssign(_) => "|=",
        BinOp::BitOrAssign(_) => "&=",
        BinOp::BitXorAssign(_) => "|=",
        BinOp::ShlAssign(_) => ">>=",
        BinOp::ShrAssign(_) => "<<=",
        _ => return None,
    })
}

/// A method that is easily mistaken for this one, with the same arguments and the same type.
pub(crate) fn other_method(name: &str) -> Option<&'static str> {
    Some(match name {
        "min" => "max",
        "max" => "min",
        "is_some" => "is_none",
        "is_none" => "is_some",
        "is_ok" => "is_err",
        "is_err" => "is_ok",
        "any" => "all",
        "all" => "any",
        "checked_add" => "checked_sub",
        "checked_sub" => "checked_add",
        "saturating_add" => "saturating_sub",
        "saturating_sub" => "wrapping_sub",
        "wrapping_add" => "wrapping_sub",
        "wrapping_sub" => "wrapping_add",
        "fetch_add" => "fetch_sub",
        "fetch_sub" => "fetch_add",
        "is_some_and" => "is_none_or",
        "is_none_or" => "is_some_and",
        "first" => "last",
        "last" => "first",
        "leading_zeros" => "trailing_zeros",
        "trailing_zeros" => "leading_zeros",
        "starts_with" => "ends_with",
        "ends_with" => "starts_with",
        "div_ceil" => "div_euclid",
        "next_multiple_of" => "max",
        _ => return None,
    })
}

pub(crate) fn is_dropped_unary(op: &UnOp) -> bool {
    matches!(op, UnOp::Not(_) | UnOp::Neg(_))
}

/// A literal one larger, or the other truth value.
pub(crate) fn other_literal(lit: &Lit) -> Option<String> {
    match lit {
        Lit::Int(int) => {
            let value: u128 = int.base10_parse().ok()?;
            Some(format!("{}{}", value.checked_add(1)?, int.suffix()))
        }
        Lit::Bool(truth) => Some((!truth.value).to_string()),
        _ => None,
    }
}

/// Statements that can be left out: those that are executed for what they do, not for a value.
pub(crate) fn is_an_effect(expr: &Expr) -> bool {
    match expr {
        Expr::MethodCall(_) | Expr::Call(_) | Expr::Assign(_) => true,
        Expr::Binary(binary) => other_operator(&binary.op).is_some_and(|op| op.ends_with('=')),
        Expr::Try(inner) => is_an_effect(&inner.expr),
        Expr::Unsafe(inner) => inner.block.stmts.len() == 1,
        _ => false,
    }
}

/// What a function of this type may return at once.
pub(crate) fn returns(output: &ReturnType) -> Vec<&'static str> {
    match output {
        ReturnType::Default => vec![""],
        ReturnType::Type(_, ty) => values(ty),
    }
}

fn values(ty: &Type) -> Vec<&'static str> {
    let path = match ty {
        Type::Path(path) => path,
        Type::Tuple(tuple) if tuple.elems.is_empty() => return vec![""],
        _ => return Vec::new(),
    };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    match last.ident.to_string().as_str() {
        "bool" => vec!["true", "false"],
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => {
            vec!["0", "1"]
        }
        "f32" | "f64" => vec!["0.0"],
        "Option" => vec!["None"],
        "String" => vec!["String::new()"],
        "Vec" => vec!["Vec::new()"],
        "Result" => match first_argument(&last.arguments) {
            Some(inner) => match values(inner).as_slice() {
                ["", ..] => vec!["Ok(())"],
                ["true", ..] => vec!["Ok(true)", "Ok(false)"],
                ["0", ..] => vec!["Ok(0)", "Ok(1)"],
                ["None", ..] => vec!["Ok(None)"],
                _ => Vec::new(),
            },
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn first_argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
