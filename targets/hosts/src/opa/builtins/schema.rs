//! `json.match_schema` and `json.verify_schema`: JSON Schema, drafts 4 to 7.

use super::builtin::{Answer, BuiltinError, Table, failed, value};
use regex::RegexBuilder;
use serde_json::{Map, Value, json};

pub(super) static TABLE: Table = &[
    ("json.match_schema", |_, arguments| match arguments {
        [document, schema, ..] => match_schema(document, schema),
        _ => Err(failed("a document and a schema are wanted")),
    }),
    ("json.verify_schema", |_, arguments| {
        let verified = arguments.first().ok_or_else(|| failed("a schema is wanted")).and_then(|schema| {
            let schema = parsed(schema)?;
            verify(&schema, 0)
        });
        value(match verified {
            Ok(()) => json!([true, null]),
            Err(error) => json!([false, error.to_string()]),
        })
    }),
];

/// How deep schemas may lead into each other.
const DEEPEST: usize = 128;

/// How often schemas are looked at: those that are referred to may multiply.
const MOST_STEPS: usize = 1 << 20;

/// What an expression in a schema may take, in bytes.
const PATTERN_LIMIT: usize = 1 << 18;

/// Documents and schemas may be texts of JSON.
fn parsed(value: &Value) -> Result<Value, BuiltinError> {
    match value {
        Value::String(text) => serde_json::from_str(text).map_err(failed),
        Value::Object(_) => Ok(value.clone()),
        _ => Err(failed("a text or an object is wanted")),
    }
}

fn match_schema(document: &Value, schema: &Value) -> Answer {
    let (document, schema) = (parsed(document)?, parsed(schema)?);
    verify(&schema, 0)?;
    let mut check = Check { root: &schema, steps: 0, wrong: Vec::new() };
    check.check(&schema, &document, "(root)", 0)?;
    let wrong = check.wrong.iter().map(|Wrong { field, kind, description }| {
        let error = format!("{field}: {description}");
        json!({"error": error, "type": kind, "field": field, "desc": description})
    });
    let wrong: Vec<_> = wrong.collect();
    value(json!([wrong.is_empty(), wrong]))
}

/// Whether keywords have values that they can have.
fn verify(schema: &Value, depth: usize) -> Result<(), BuiltinError> {
    if depth > DEEPEST {
        return Err(failed("the schema is too deep"));
    }
    let keywords = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(keywords) => keywords,
        _ => return Err(failed("a schema must be an object or a truth value")),
    };
    for (keyword, given) in keywords {
        let fits = match keyword.as_str() {
            "type" => {
                let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
                known(given)
                    || given.as_array().is_some_and(|names| !names.is_empty() && names.iter().all(known))
            }
            "enum" => given.as_array().is_some_and(|values| !values.is_empty()),
            "required" => given.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
            "$ref" => given.is_string(),
            "pattern" => pattern(given.as_str().unwrap_or("(")).is_ok(),
            "minimum" | "maximum" => given.is_number(),
            "exclusiveMinimum" | "exclusiveMaximum" => given.is_number() || given.is_boolean(),
            "multipleOf" => given.as_f64().is_some_and(|number| number > 0.0),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                given.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0)
            }
            "uniqueItems" => given.is_boolean(),
            "properties" | "patternProperties" | "definitions" | "dependencies" => {
                for schema in given.as_object().ok_or_else(|| unfit(keyword))?.values() {
                    if !(keyword == "dependencies" && schema.is_array()) {
                        verify(schema, depth + 1)?;
                    }
                }
                true
            }
            "allOf" | "anyOf" | "oneOf" => {
                let all = given.as_array().filter(|all| !all.is_empty());
                for schema in all.ok_or_else(|| unfit(keyword))? {
                    verify(schema, depth + 1)?;
                }
                true
            }
            "items" if given.is_array() => {
                given.as_array().into_iter().flatten().try_for_each(|schema| verify(schema, depth + 1))?;
                true
            }
            "items"
            | "additionalItems"
            | "additionalProperties"
            | "not"
            | "contains"
            | "propertyNames"
            | "if"
            | "then"
            | "else" => {
                verify(given, depth + 1)?;
                true
            }
            _ => true,
        };
        if !fits {
            return Err(unfit(keyword));
        }
    }
    Ok(())
}

fn unfit(keyword: &str) -> BuiltinError {
    failed(format!("the schema's {keyword} isn't what that can be"))
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn pattern(text: &str) -> Result<regex::Regex, BuiltinError> {
    RegexBuilder::new(text).size_limit(PATTERN_LIMIT).build().map_err(failed)
}

/// What doesn't match.
struct Wrong {
    /// A path with periods.
    field: String,
    kind: &'static str,
    description: String,
}

struct Check<'s> {
    root: &'s Value,
    steps: usize,
    wrong: Vec<Wrong>,
}

impl<'s> Check<'s> {
    fn wrong(&mut self, field: &str, kind: &'static str, description: impl Into<String>) {
        self.wrong.push(Wrong { field: field.into(), kind, description: description.into() });
    }

    /// Whether it matches, without keeping what is wrong.
    fn matches(&mut self, schema: &'s Value, value: &Value, depth: usize) -> Result<bool, BuiltinError> {
        let before = std::mem::take(&mut self.wrong);
        let checked = self.check(schema, value, "", depth);
        let matches = std::mem::replace(&mut self.wrong, before).is_empty();
        checked.map(|()| matches)
    }

    fn check(
        &mut self,
        schema: &'s Value,
        value: &Value,
        field: &str,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        self.steps += 1;
        if depth > DEEPEST || self.steps > MOST_STEPS {
            return Err(failed("schemas lead into each other too often"));
        }
        let keywords = match schema {
            Value::Bool(false) => {
                self.wrong(field, "false", "nothing is allowed here");
                return Ok(());
            }
            Value::Object(keywords) => keywords,
            _ => return Ok(()),
        };
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            let referred = reference.strip_prefix('#').and_then(|path| self.root.pointer(path));
            let referred =
                referred.ok_or_else(|| failed(format!("the schema has no {reference} in itself")))?;
            return self.check(referred, value, field, depth + 1);
        }
        self.any(keywords, value, field);
        self.combined(keywords, value, field, depth)?;
        match value {
            Value::Number(_) => self.number(keywords, value.as_f64().unwrap_or(f64::NAN), field),
            Value::String(text) => self.text(keywords, text, field)?,
            Value::Array(items) => self.array(keywords, items, field, depth)?,
            Value::Object(members) => self.object(keywords, members, field, depth)?,
            _ => {}
        }
        Ok(())
    }

    /// What is asked of values of any type.
    fn any(&mut self, keywords: &Map<String, Value>, value: &Value, field: &str) {
        if let Some(wanted) = keywords.get("type") {
            let one = std::slice::from_ref(wanted);
            let wanted = wanted.as_array().map_or(one, Vec::as_slice);
            let is = type_of(value);
            let fits = |name: &Value| name == is || name == "number" && is == "integer";
            if !wanted.iter().any(fits) {
                let names: Vec<_> = wanted.iter().filter_map(Value::as_str).collect();
                let expected = names.join(", ");
                self.wrong(field, "invalid_type", format!("Invalid type. Expected: {expected}, given: {is}"));
            }
        }
        if keywords
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|allowed| !allowed.iter().any(|allowed| same(allowed, value)))
        {
            self.wrong(field, "enum", "it is none of the values that are allowed");
        }
        if keywords.get("const").is_some_and(|wanted| !same(wanted, value)) {
            self.wrong(field, "const", "it isn't the value that is allowed");
        }
    }

    /// What other schemas ask.
    fn combined(
        &mut self,
        keywords: &'s Map<String, Value>,
        value: &Value,
        field: &str,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        let all = |keyword: &str| keywords.get(keyword).and_then(Value::as_array);
        for schema in all("allOf").into_iter().flatten() {
            self.check(schema, value, field, depth + 1)?;
        }
        for (keyword, kind, description) in [
            ("anyOf", "number_any_of", "Must validate at least one schema (anyOf)"),
            ("oneOf", "number_one_of", "Must validate one and only one schema (oneOf)"),
        ] {
            let Some(schemas) = all(keyword) else { continue };
            let mut matching = 0;
            for schema in schemas {
                matching += usize::from(self.matches(schema, value, depth + 1)?);
            }
            if matching == 0 || keyword == "oneOf" && matching > 1 {
                self.wrong(field, kind, description);
            }
        }
        if let Some(schema) = keywords.get("not")
            && self.matches(schema, value, depth + 1)?
        {
            self.wrong(field, "number_not", "Must not validate the schema (not)");
        }
        if let Some(condition) = keywords.get("if") {
            let holds = self.matches(condition, value, depth + 1)?;
            if let Some(schema) = keywords.get(if holds { "then" } else { "else" }) {
                self.check(schema, value, field, depth + 1)?;
            }
        }
        Ok(())
    }

    fn number(&mut self, keywords: &Map<String, Value>, number: f64, field: &str) {
        let limit = |keyword: &str| keywords.get(keyword).and_then(Value::as_f64);
        // In draft 4, a truth value says whether the limit itself is excluded.
        let excluded = |keyword: &str| keywords.get(keyword) == Some(&Value::Bool(true));
        if limit("minimum")
            .is_some_and(|least| number < least || number == least && excluded("exclusiveMinimum"))
            || limit("exclusiveMinimum").is_some_and(|least| number <= least)
        {
            self.wrong(field, "number_gte", "it is too small");
        }
        if limit("maximum")
            .is_some_and(|most| number > most || number == most && excluded("exclusiveMaximum"))
            || limit("exclusiveMaximum").is_some_and(|most| number >= most)
        {
            self.wrong(field, "number_lte", "it is too large");
        }
        if limit("multipleOf").is_some_and(|unit| (number / unit).fract() != 0.0) {
            self.wrong(field, "multiple_of", "it is no multiple of what it must be");
        }
    }

    /// Whether there are as many as there must be.
    fn amount(&mut self, keywords: &Map<String, Value>, count: usize, names: [&str; 2], field: &str) {
        let limit = |keyword: &str| keywords.get(keyword).and_then(Value::as_f64);
        if limit(names[0]).is_some_and(|least| (count as f64) < least) {
            self.wrong(field, "too_few", format!("{} isn't reached: {count}", names[0]));
        }
        if limit(names[1]).is_some_and(|most| count as f64 > most) {
            self.wrong(field, "too_many", format!("{} is exceeded: {count}", names[1]));
        }
    }

    fn text(&mut self, keywords: &Map<String, Value>, text: &str, field: &str) -> Result<(), BuiltinError> {
        self.amount(keywords, text.chars().count(), ["minLength", "maxLength"], field);
        if let Some(wanted) = keywords.get("pattern").and_then(Value::as_str)
            && !pattern(wanted)?.is_match(text)
        {
            self.wrong(field, "pattern", format!("Does not match pattern '{wanted}'"));
        }
        Ok(())
    }

    fn array(
        &mut self,
        keywords: &'s Map<String, Value>,
        items: &[Value],
        field: &str,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        self.amount(keywords, items.len(), ["minItems", "maxItems"], field);
        let of_each = keywords.get("items");
        for (index, item) in items.iter().enumerate() {
            let schema = match of_each {
                Some(Value::Array(schemas)) => schemas.get(index).or_else(|| keywords.get("additionalItems")),
                schema => schema,
            };
            if let Some(schema) = schema {
                self.check(schema, item, &below(field, &index.to_string()), depth + 1)?;
            }
        }
        if let Some(schema) = keywords.get("contains") {
            let mut found = false;
            for item in items {
                found = found || self.matches(schema, item, depth + 1)?;
            }
            if !found {
                self.wrong(field, "contains", "At least one of the items must match");
            }
        }
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut texts: Vec<_> = items.iter().map(Value::to_string).collect();
            texts.sort_unstable();
            if texts.windows(2).any(|pair| pair[0] == pair[1]) {
                self.wrong(field, "unique", "its items aren't unique");
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        keywords: &'s Map<String, Value>,
        members: &Map<String, Value>,
        field: &str,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        self.amount(keywords, members.len(), ["minProperties", "maxProperties"], field);
        for name in keywords.get("required").and_then(Value::as_array).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !members.contains_key(name) {
                self.wrong(field, "required", format!("{name} is required"));
            }
        }
        let schemas = |keyword: &str| keywords.get(keyword).and_then(Value::as_object);
        let (of_name, of_pattern) = (schemas("properties"), schemas("patternProperties"));
        for (name, member) in members {
            let at = below(field, name);
            let mut known = false;
            if let Some(schema) = of_name.and_then(|of_name| of_name.get(name)) {
                known = true;
                self.check(schema, member, &at, depth + 1)?;
            }
            for (expression, schema) in of_pattern.into_iter().flatten() {
                if pattern(expression)?.is_match(name) {
                    known = true;
                    self.check(schema, member, &at, depth + 1)?;
                }
            }
            match keywords.get("additionalProperties") {
                Some(Value::Bool(false)) if !known => self.wrong(
                    field,
                    "additional_property_not_allowed",
                    format!("Additional property {name} is not allowed"),
                ),
                Some(schema) if !known => self.check(schema, member, &at, depth + 1)?,
                _ => {}
            }
            if let Some(schema) = keywords.get("propertyNames") {
                self.check(schema, &name.as_str().into(), field, depth + 1)?;
            }
        }
        for (name, wanted) in schemas("dependencies").into_iter().flatten() {
            if !members.contains_key(name) {
                continue;
            }
            let missing = |name: &&Value| name.as_str().is_some_and(|name| !members.contains_key(name));
            match wanted.as_array() {
                Some(names) if names.iter().any(|name| missing(&name)) => {
                    self.wrong(field, "missing_dependency", format!("Has a dependency on {wanted}"));
                }
                Some(_) => {}
                None => self.check(wanted, &Value::Object(members.clone()), field, depth + 1)?,
            }
        }
        Ok(())
    }
}

fn below(field: &str, name: &str) -> String {
    if field == "(root)" { name.into() } else { format!("{field}.{name}") }
}

/// Numbers are the same if they are as large, however they are written.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.is_number() && b.is_number() && a.as_f64() == b.as_f64()
}

#[cfg(test)]
mod tests;
