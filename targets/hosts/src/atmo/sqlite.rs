//! Databases of SQLite.

use super::database::{Database, Query, QueryCall, QueryKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Row, Statement};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Answers a bundle's queries by a database of SQLite in a file. They read and change rows; nothing else that SQL can do is
/// allowed. One is executed at a time.
pub struct Sqlite {
    connection: Mutex<Connection>,
    queries: BTreeMap<String, Query>,
}

/// How large a text, a value or a row may be, in bytes.
const LARGEST: i32 = 16 << 20;

/// How much memory SQLite may take for all databases of the process, in bytes.
const MEMORY: u32 = 64 << 20;

/// How long a query waits for other processes that use the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how many of SQLite's own instructions the time is looked at.
const STEPS: i32 = 10_000;

impl Sqlite {
    /// Opens a database, which is made if there is no such file, for these queries.
    ///
    /// # Errors
    ///
    /// If it can't be opened, or a query isn't one that it can execute.
    pub fn open(path: &Path, queries: &[Query]) -> Result<Self, String> {
        let mut connection = Connection::open(path).map_err(|error| error.to_string())?;
        prepare(&mut connection).map_err(|error| error.to_string())?;
        for query in queries {
            check(&connection, query).map_err(|why| format!("the query '{}': {why}", query.name))?;
        }
        let queries = queries.iter().map(|query| (query.name.clone(), query.clone())).collect();
        Ok(Self { connection: Mutex::new(connection), queries })
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("queries", &self.queries.keys()).finish_non_exhaustive()
    }
}

/// Sets bounds, and lets statements do nothing from now on but read and change rows.
fn prepare(connection: &mut Connection) -> Result<(), Error> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "hard_heap_limit", MEMORY)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Insert { .. }
        | AuthAction::Update { .. }
        | AuthAction::Delete { .. }
        | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if function_name != "load_extension" => Authorization::Allow,
        _ => Authorization::Deny,
    }))
}

/// Whether a query is what it says, and has as many variables.
fn check(connection: &Connection, query: &Query) -> Result<(), String> {
    let words: &[&str] = match query.kind {
        QueryKind::Insert => &["insert", "replace", "with"],
        QueryKind::Select => &["select", "values", "with"],
        QueryKind::Update => &["update", "with"],
        QueryKind::Delete => &["delete", "with"],
    };
    let first = query.text.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let statement = connection.prepare(&query.text).map_err(|error| error.to_string())?;
    let is_known = words.contains(&&*first.to_ascii_lowercase());
    if !is_known || statement.readonly() != (query.kind == QueryKind::Select) {
        return Err("it isn't of the kind that it says".into());
    }
    let vars = (1..=statement.parameter_count()).map(|place| variable(&statement, place)).max().unwrap_or(0);
    match vars == query.vars {
        true => Ok(()),
        false => Err(format!("it has {vars} variables, and says that it has {}", query.vars)),
    }
}

/// Which variable stands in a place: that of its name, `$2` or `?2`, or else of the place itself.
fn variable(statement: &Statement<'_>, place: usize) -> usize {
    let number = statement.parameter_name(place).and_then(|name| name.get(1..)?.parse().ok());
    number.unwrap_or(place)
}

impl Database for Sqlite {
    fn exec(&self, call: QueryCall<'_>) -> Result<Vec<u8>, String> {
        let query = self.queries.get(call.name).ok_or("query not found")?;
        if query.kind != call.kind {
            return Err("query type incorrect".into());
        }
        if query.vars != call.vars.len() {
            return Err(format!("expected {} variables, got {}", query.vars, call.vars.len()));
        }
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let end = call.time.and_then(|time| Instant::now().checked_add(time));
        let is_late = move || end.is_some_and(|end| Instant::now() > end);
        connection.progress_handler(STEPS, Some(is_late)).map_err(|error| error.to_string())?;
        execute(&connection, &query.text, &call)
    }
}

fn execute(connection: &Connection, text: &str, call: &QueryCall<'_>) -> Result<Vec<u8>, String> {
    let told = |error: Error| error.to_string();
    let mut statement = connection.prepare(text).map_err(told)?;
    for place in 1..=statement.parameter_count() {
        let var =
            call.vars.get(variable(&statement, place).wrapping_sub(1)).ok_or("a variable is missing")?;
        statement.raw_bind_parameter(place, *var).map_err(told)?;
    }
    if call.kind == QueryKind::Select {
        return rows(&mut statement, call.most);
    }
    let changed = statement.raw_execute().map_err(told)?;
    let last = if call.kind == QueryKind::Insert { connection.last_insert_rowid() } else { 0 };
    let changed = if call.kind == QueryKind::Insert { 0 } else { changed };
    Ok(format!("{{\"lastInsertID\":{last},\"rowsAffected\":{changed}}}").into_bytes())
}

/// All rows, as a list of objects.
fn rows(statement: &mut Statement<'_>, most: u64) -> Result<Vec<u8>, String> {
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.raw_query();
    let mut out = Vec::from(b"[");
    while let Some(row) = rows.next().map_err(|error| error.to_string())? {
        if out.len() > 1 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, &object(row, &names)?).map_err(|error| error.to_string())?;
        if out.len() as u64 >= most {
            return Err(format!("the result is larger than {most} bytes"));
        }
    }
    out.push(b']');
    Ok(out)
}

fn object(row: &Row<'_>, names: &[String]) -> Result<Value, String> {
    let mut members = Map::new();
    for (place, name) in names.iter().enumerate() {
        let value = match row.get_ref(place).map_err(|error| error.to_string())? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            ValueRef::Real(number) => number.into(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
            ValueRef::Blob(bytes) => STANDARD.encode(bytes).into(),
        };
        members.insert(name.clone(), value);
    }
    Ok(members.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: QueryKind, vars: usize, text: &str) -> Query {
        Query { name: name.into(), kind, vars, text: text.into() }
    }

    /// A database with a table, in a file of its own.
    fn file(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("dunlin-sqlite-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, state)").unwrap();
        path
    }

    fn call<'a>(kind: QueryKind, name: &'a str, vars: &'a [&'a str]) -> QueryCall<'a> {
        QueryCall { kind, name, vars, time: Some(Duration::from_millis(200)), most: 1 << 20 }
    }

    #[test]
    fn queries_read_and_change_rows() {
        let path = file("rows");
        let queries = [
            query("add", QueryKind::Insert, 2, "INSERT INTO users (name, state) VALUES ($2, $1)"),
            query("all", QueryKind::Select, 0, "SELECT * FROM users ORDER BY id"),
            query("kinds", QueryKind::Select, 0, "SELECT 1.5 AS real, x'00ff' AS blob, NULL AS none"),
            query("one", QueryKind::Select, 1, "SELECT id FROM users WHERE name = ?"),
            query("mark", QueryKind::Update, 1, "UPDATE users SET state = 'B' WHERE name = ?1"),
            query("drop", QueryKind::Delete, 1, "DELETE FROM users WHERE id = $1"),
            query(
                "endless",
                QueryKind::Select,
                0,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            ),
            query(
                "large",
                QueryKind::Select,
                0,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            ),
            query("huge", QueryKind::Select, 0, "SELECT zeroblob(1000000000)"),
        ];
        let database = Sqlite::open(&path, &queries).unwrap();
        let exec = |kind, name: &str, vars: &[&str]| {
            database.exec(call(kind, name, vars)).map(|json| String::from_utf8(json).unwrap())
        };
        let added = exec(QueryKind::Insert, "add", &["A", "ada"]);
        assert_eq!(added.as_deref(), Ok(r#"{"lastInsertID":1,"rowsAffected":0}"#));
        exec(QueryKind::Insert, "add", &["A", "gr\"ace"]).unwrap();
        let marked = exec(QueryKind::Update, "mark", &["ada"]);
        assert_eq!(marked.as_deref(), Ok(r#"{"lastInsertID":0,"rowsAffected":1}"#));
        let all = exec(QueryKind::Select, "all", &[]);
        assert_eq!(
            all.as_deref(),
            Ok(r#"[{"id":1,"name":"ada","state":"B"},{"id":2,"name":"gr\"ace","state":"A"}]"#)
        );
        assert_eq!(
            exec(QueryKind::Select, "kinds", &[]).as_deref(),
            Ok(r#"[{"blob":"AP8=","none":null,"real":1.5}]"#)
        );
        exec(QueryKind::Delete, "drop", &["1"]).unwrap();
        assert_eq!(exec(QueryKind::Select, "one", &["ada"]).as_deref(), Ok("[]"));
        for (kind, name, vars, why) in [
            (QueryKind::Select, "none", &[][..], "query not found"),
            (QueryKind::Delete, "all", &[], "query type incorrect"),
            (QueryKind::Select, "one", &[], "expected 1 variables, got 0"),
            (QueryKind::Select, "endless", &[], "interrupted"),
            (QueryKind::Select, "large", &[], "larger than"),
            (QueryKind::Select, "huge", &[], "too big"),
        ] {
            let told = exec(kind, name, vars).unwrap_err();
            assert!(told.contains(why), "{name}: {told}");
        }
        // It goes on after all of that.
        assert!(exec(QueryKind::Select, "all", &[]).is_ok());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn queries_do_nothing_else() {
        let path = file("refused");
        for (kind, text) in [
            (QueryKind::Select, "DELETE FROM users"),
            (QueryKind::Delete, "SELECT 1"),
            (QueryKind::Select, "SELECT $1"),
            (QueryKind::Select, "SELECT load_extension('x')"),
            (QueryKind::Insert, "ATTACH DATABASE '/etc/x' AS x"),
            (QueryKind::Insert, "VACUUM INTO 'copy'"),
            (QueryKind::Select, "PRAGMA user_version"),
            (QueryKind::Update, "PRAGMA user_version = 3"),
            (QueryKind::Insert, "CREATE TABLE x (y)"),
            (QueryKind::Delete, "DROP TABLE users"),
            (QueryKind::Delete, "BEGIN"),
            (QueryKind::Select, "SELECT FROM"),
            (QueryKind::Select, "SELECT * FROM nothing"),
        ] {
            let told = Sqlite::open(&path, &[query("q", kind, 0, text)]).unwrap_err();
            assert!(told.starts_with("the query 'q': "), "{text}: {told}");
        }
        std::fs::remove_file(path).unwrap();
        assert!(Sqlite::open(Path::new("/"), &[]).is_err());
    }
}
