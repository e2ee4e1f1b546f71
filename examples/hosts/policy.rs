//! A policy as OPA's compiler would make one, by hand: the guest's side of ABI 1.2, with rules in Rust.
//!
//! OPA's compiler isn't needed to build it, and it shows all of the ABI: entrypoints, builtins that the host answers,
//! data, a heap that the host resets, and giving up.
//!
//! | Entrypoint | Result |
//! |---|---|
//! | `roles/allow` | whether `input.user` is among `data.admins`; undefined without a user |
//! | `roles/greeting` | a sentence, made by the builtin `sprintf` |
//! | `host/call` | what the builtin `input.builtin` answers to the arguments `input.args` |
//! | `host/fail` | none: it gives up |
//! | `host/spin` | none: it never ends |

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

#[link(wasm_import_module = "env")]
#[allow(improper_ctypes, reason = "values are the guest's own: the host passes their addresses on")]
unsafe extern "C" {
    fn opa_abort(message: *const u8);
    fn opa_println(message: *const u8);
    fn opa_builtin0(id: i32, context: i32) -> *const Value;
    fn opa_builtin1(id: i32, context: i32, a: *const Value) -> *const Value;
    fn opa_builtin2(id: i32, context: i32, a: *const Value, b: *const Value) -> *const Value;
    fn opa_builtin3(id: i32, context: i32, a: *const Value, b: *const Value, c: *const Value) -> *const Value;
    fn opa_builtin4(
        id: i32,
        context: i32,
        a: *const Value,
        b: *const Value,
        c: *const Value,
        d: *const Value,
    ) -> *const Value;
}

/// The builtins that the host is asked for; their numbers are their places.
const BUILTINS: [&str; 12] = [
    "sprintf",
    "json.is_valid",
    "regex.split",
    "crypto.sha256",
    "net.cidr_expand",
    "semver.compare",
    "time.now_ns",
    "uuid.rfc4122",
    "units.parse",
    "urlquery.encode",
    "regex.template_match",
    "hex.decode",
];

const ENTRYPOINTS: [&str; 5] = ["roles/allow", "roles/greeting", "host/call", "host/fail", "host/spin"];

fn allow(input: &Value, data: &Value) -> Option<Value> {
    let user = input.get("user")?;
    let Some(Value::Array(admins)) = data.get("admins") else { return Some(Value::Bool(false)) };
    Some(Value::Bool(admins.contains(user)))
}

fn greeting(input: &Value) -> Option<Value> {
    let values = Value::Array(vec![input.get("user")?.clone(), Value::Number("1.10".into())]);
    builtin("sprintf", &[Value::Text("Hello, %s, %v times".into()), values])
}

fn evaluate(entrypoint: i32, input: &Value, data: &Value) -> Option<Value> {
    match ENTRYPOINTS.get(entrypoint as usize).copied() {
        Some("roles/allow") => allow(input, data),
        Some("roles/greeting") => greeting(input),
        Some("host/call") => match (input.get("builtin")?, input.get("args")?) {
            (Value::Text(name), Value::Array(args)) => builtin(name, args),
            _ => None,
        },
        Some("host/fail") => {
            let message = "roles.rego:1:1: it was asked to fail\0";
            // SAFETY: the text ends with NUL. The host doesn't come back.
            unsafe {
                opa_println("about to give up\0".as_ptr());
                opa_abort(message.as_ptr());
            }
            None
        }
        Some("host/spin") => loop {
            core::hint::black_box(());
        },
        _ => {
            // SAFETY: as above.
            unsafe { opa_abort("invalid entrypoint\0".as_ptr()) };
            None
        }
    }
}

/// Asks the host. `None` is undefined.
fn builtin(name: &str, args: &[Value]) -> Option<Value> {
    let id = BUILTINS.iter().position(|known| *known == name)? as i32;
    // SAFETY: the arguments are values, which live during the call; the answer is one that the host had parsed, or 0.
    unsafe {
        let answer = match args {
            [] => opa_builtin0(id, 0),
            [a] => opa_builtin1(id, 0, a),
            [a, b] => opa_builtin2(id, 0, a, b),
            [a, b, c] => opa_builtin3(id, 0, a, b, c),
            [a, b, c, d, ..] => opa_builtin4(id, 0, a, b, c, d),
        };
        answer.as_ref().cloned()
    }
}

/// A value. Numbers keep their text.
#[derive(Clone, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Value>),
    Set(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

impl Value {
    fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// As JSON, in which sets are arrays, or in Rego's notation.
    fn write(&self, out: &mut String, rego: bool) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(truth) => _ = write!(out, "{truth}"),
            Value::Number(text) => out.push_str(text),
            Value::Text(text) => write_text(out, text),
            Value::Set(items) if rego && items.is_empty() => out.push_str("set()"),
            Value::Set(items) if rego => write_items(out, items, ('{', '}'), rego),
            Value::Array(items) | Value::Set(items) => write_items(out, items, ('[', ']'), rego),
            Value::Object(members) => {
                out.push('{');
                for (i, (key, member)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(out, key);
                    out.push(':');
                    member.write(out, rego);
                }
                out.push('}');
            }
        }
    }
}

fn write_items(out: &mut String, items: &[Value], (open, close): (char, char), rego: bool) {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        item.write(out, rego);
    }
    out.push(close);
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => _ = write!(out, "\\{c}"),
            c if c < ' ' => _ = write!(out, "\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads JSON; with `rego`, also sets.
struct Parser<'t> {
    rest: &'t str,
    rego: bool,
}

impl Parser<'_> {
    fn all(text: &str, rego: bool) -> Option<Value> {
        let mut parser = Parser { rest: text, rego };
        let value = parser.value()?;
        parser.space();
        parser.rest.is_empty().then_some(value)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self) -> Option<Value> {
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if self.eat(word) {
                return Some(value);
            }
        }
        if self.rego && self.eat("set()") {
            return Some(Value::Set(Vec::new()));
        }
        if self.eat("[") {
            return self.items("]").map(Value::Array);
        }
        if self.eat("{") {
            return self.members();
        }
        if self.eat("\"") {
            return self.text().map(Value::Text);
        }
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        number.parse::<f64>().ok().map(|_| Value::Number(number.into()))
    }

    /// Items separated by commas, up to `close`.
    fn items(&mut self, close: &str) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        if self.eat(close) {
            return Some(items);
        }
        loop {
            items.push(self.value()?);
            if self.eat(close) {
                return Some(items);
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    /// What follows an opening brace: an object, or a set.
    fn members(&mut self) -> Option<Value> {
        let mut members = BTreeMap::new();
        if self.eat("}") {
            return Some(Value::Object(members));
        }
        loop {
            let first = self.value()?;
            if !self.eat(":") {
                if !self.rego || !members.is_empty() {
                    return None;
                }
                let mut items = vec![first];
                if !self.eat("}") {
                    if !self.eat(",") {
                        return None;
                    }
                    items.extend(self.items("}")?);
                }
                return Some(Value::Set(items));
            }
            let Value::Text(key) = first else { return None };
            members.insert(key, self.value()?);
            if self.eat("}") {
                return Some(Value::Object(members));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next()? {
                '"' => {
                    self.rest = chars.as_str();
                    return Some(text);
                }
                '\\' => match chars.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => {
                        let code = chars.as_str().get(..4)?;
                        chars = chars.as_str()[4..].chars();
                        text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?).unwrap_or('\u{FFFD}'));
                    }
                    c => text.push(c),
                },
                c => text.push(c),
            }
        }
    }
}

/// Leaves it on the heap, which the host resets.
fn keep<T>(value: T) -> *const T {
    Box::leak(Box::new(value))
}

fn keep_text(mut text: String) -> *const u8 {
    text.push('\0');
    String::leak(text).as_ptr()
}

/// # Safety
/// `len` bytes are at `text`, for as long as the result lives.
unsafe fn given<'t>(text: *const u8, len: usize) -> &'t str {
    // SAFETY: as the caller promises; the host writes UTF-8, and what isn't is refused.
    unsafe { core::str::from_utf8(core::slice::from_raw_parts(text, len)).unwrap_or("?") }
}

fn table(names: &[&str]) -> *const Value {
    let numbers = names.iter().enumerate();
    keep(Value::Object(numbers.map(|(n, name)| (String::from(*name), Value::Number(n.to_string()))).collect()))
}

#[unsafe(no_mangle)]
extern "C" fn builtins() -> *const Value {
    table(&BUILTINS)
}

#[unsafe(no_mangle)]
extern "C" fn entrypoints() -> *const Value {
    table(&ENTRYPOINTS)
}

#[unsafe(no_mangle)]
extern "C" fn opa_malloc(size: usize) -> *mut u8 {
    Vec::with_capacity(size).leak().as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn opa_free(_: *mut u8) {}

#[unsafe(no_mangle)]
unsafe extern "C" fn opa_json_parse(text: *const u8, len: usize) -> *const Value {
    // SAFETY: the host has written it.
    let parsed = Parser::all(unsafe { given(text, len) }, false);
    parsed.map_or(core::ptr::null(), keep)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn opa_value_parse(text: *const u8, len: usize) -> *const Value {
    // SAFETY: the host has written it.
    let parsed = Parser::all(unsafe { given(text, len) }, true);
    parsed.map_or(core::ptr::null(), keep)
}

fn dump(value: &Value, rego: bool) -> *const u8 {
    let mut text = String::new();
    value.write(&mut text, rego);
    keep_text(text)
}

#[unsafe(no_mangle)]
extern "C" fn opa_json_dump(value: &Value) -> *const u8 {
    dump(value, false)
}

#[unsafe(no_mangle)]
extern "C" fn opa_value_dump(value: &Value) -> *const u8 {
    dump(value, true)
}

fn results(result: Option<Value>) -> Value {
    let results = result.map(|result| Value::Object([(String::from("result"), result)].into()));
    Value::Array(results.into_iter().collect())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn opa_eval(
    _: i32,
    entrypoint: i32,
    data: &Value,
    input: *const u8,
    len: usize,
    heap: usize,
    format: i32,
) -> *const u8 {
    HEAP.store(heap, Ordering::Relaxed);
    // SAFETY: the host has written it before the heap.
    let input = if len == 0 { Some(Value::Null) } else { Parser::all(unsafe { given(input, len) }, false) };
    let Some(input) = input else {
        // SAFETY: the text ends with NUL.
        unsafe { opa_abort("the input can't be parsed\0".as_ptr()) };
        return core::ptr::null();
    };
    dump(&results(evaluate(entrypoint, &input, data)), format == 1)
}

/// What is evaluated, by the steps of ABI 1.0.
struct Context {
    input: *const Value,
    data: *const Value,
    entrypoint: i32,
    result: *const Value,
}

#[unsafe(no_mangle)]
extern "C" fn opa_eval_ctx_new() -> *const Context {
    let null = core::ptr::null();
    keep(Context { input: null, data: null, entrypoint: 0, result: null })
}

#[unsafe(no_mangle)]
extern "C" fn opa_eval_ctx_set_input(context: &mut Context, input: *const Value) {
    context.input = input;
}

#[unsafe(no_mangle)]
extern "C" fn opa_eval_ctx_set_data(context: &mut Context, data: *const Value) {
    context.data = data;
}

#[unsafe(no_mangle)]
extern "C" fn opa_eval_ctx_set_entrypoint(context: &mut Context, entrypoint: i32) {
    context.entrypoint = entrypoint;
}

#[unsafe(no_mangle)]
extern "C" fn opa_eval_ctx_get_result(context: &Context) -> *const Value {
    context.result
}

#[unsafe(no_mangle)]
extern "C" fn eval(context: &mut Context) -> i32 {
    // SAFETY: the host has set values, or none.
    let (input, data) = unsafe { (context.input.as_ref(), context.data.as_ref()) };
    let none = Value::Null;
    let result = evaluate(context.entrypoint, input.unwrap_or(&none), data.unwrap_or(&none));
    context.result = keep(results(result));
    0
}

#[unsafe(no_mangle)]
extern "C" fn opa_heap_ptr_get() -> usize {
    Heap::begin()
}

#[unsafe(no_mangle)]
extern "C" fn opa_heap_ptr_set(at: usize) {
    HEAP.store(at, Ordering::Relaxed);
}

/// An allocator that only goes forward; the host sets it back.
struct Heap;

#[global_allocator]
static ALLOCATOR: Heap = Heap;

/// Where the next allocation is; 0 before the first.
static HEAP: AtomicUsize = AtomicUsize::new(0);

const PAGE: usize = 64 << 10;

impl Heap {
    fn begin() -> usize {
        unsafe extern "C" {
            static __heap_base: u8;
        }
        if HEAP.load(Ordering::Relaxed) == 0 {
            HEAP.store(&raw const __heap_base as usize, Ordering::Relaxed);
        }
        HEAP.load(Ordering::Relaxed)
    }
}

// SAFETY: allocations don't overlap, as long as the host only sets the heap back to where it was.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let at = Self::begin().next_multiple_of(layout.align());
        let end = at + layout.size();
        let missing = end.div_ceil(PAGE).saturating_sub(core::arch::wasm32::memory_size::<0>());
        if missing > 0 && core::arch::wasm32::memory_grow::<0>(missing) == usize::MAX {
            return core::ptr::null_mut();
        }
        HEAP.store(end, Ordering::Relaxed);
        at as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
