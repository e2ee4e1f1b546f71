//! `array.*`, `graph.*`, `numbers.*` and `object.*`, as far as they aren't compiled in

use super::builtin::{Answer, Asked, Reply, Table, array, expected, failed, object, value};
use serde_json::{Map, Value};

pub(super) static TABLE: Table = &[
    ("array.flatten", |_, arguments| value(flatten(array(arguments, 0)?))),
    ("array.reverse", |_, arguments| value(array(arguments, 0)?.iter().rev().cloned().collect::<Vec<_>>())),
    ("graph.reachable_paths", reachable_paths),
    ("numbers.range_step", |_, arguments| range_step(arguments)),
    ("object.keys", |_, arguments| {
        Ok(Reply::Set(object(arguments, 0)?.keys().map(|key| key.as_str().into()).collect()))
    }),
    ("object.subset", |_, arguments| match arguments {
        [whole @ Value::Object(_), part @ Value::Object(_), ..]
        | [whole @ Value::Array(_), part @ Value::Array(_), ..] => value(contains(whole, part)),
        _ => Err(failed("two objects, sets or arrays are wanted")),
    }),
    ("object.union_n", |_, arguments| union_n(array(arguments, 0)?)),
];

/// The most numbers in a range.
const MOST_NUMBERS: usize = 1 << 20;

/// What is in arrays in the array takes their places.
fn flatten(items: &[Value]) -> Vec<Value> {
    let each =
        items.iter().flat_map(|item| item.as_array().map_or(std::slice::from_ref(item), Vec::as_slice));
    each.cloned().collect()
}

/// From one integer to another, both included, by steps that have no sign of their own.
fn range_step(arguments: &[Value]) -> Answer {
    let integer = |index| {
        let number = arguments.get(index).and_then(Value::as_i64);
        number.map(i128::from).ok_or_else(|| expected(index, "an integer"))
    };
    let (from, to, step) = (integer(0)?, integer(1)?, integer(2)?);
    let count = usize::try_from(step).ok().filter(|step| *step > 0);
    let step_by = count.ok_or_else(|| failed("the step must be greater than 0"))?;
    if ((to - from).abs() / step) as usize >= MOST_NUMBERS {
        return Err(failed(format!("there are more than {MOST_NUMBERS} numbers")));
    }
    // All of them are between two that 64 bits hold.
    let number = |number: i128| Value::from(number as i64);
    let numbers: Vec<_> = if from <= to {
        (from..=to).step_by(step_by).map(number).collect()
    } else {
        (to..=from).rev().step_by(step_by).map(number).collect()
    };
    value(numbers)
}

/// The most paths that are followed: they can be exponentially many.
const MOST_PATHS: usize = 100_000;

/// All paths from the initial nodes to where they can't be continued without a circle.
fn reachable_paths(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let (graph, initial) = (object(arguments, 0)?, array(arguments, 1)?);
    let mut paths = Vec::new();
    let mut open: Vec<Vec<Value>> = initial
        .iter()
        .filter(|node| neighbours(graph, node).is_some())
        .map(|node| vec![node.clone()])
        .collect();
    while let Some(path) = open.pop() {
        if paths.len() + open.len() >= MOST_PATHS {
            return Err(failed(format!("there are more than {MOST_PATHS} paths")));
        }
        let last = path.last().unwrap_or(&Value::Null);
        let next = neighbours(graph, last).unwrap_or_default().iter();
        let next: Vec<_> =
            next.filter(|node| !path.contains(node) && neighbours(graph, node).is_some()).collect();
        if next.is_empty() {
            paths.push(Value::Array(path));
        } else {
            let length: usize = path.iter().filter_map(Value::as_str).map(|name| 64 + name.len()).sum();
            asked.take(next.len() * (128 + length))?;
            open.extend(next.into_iter().map(|node| path.iter().chain([node]).cloned().collect()));
        }
    }
    paths.sort_by_cached_key(Value::to_string);
    paths.dedup();
    Ok(Reply::Set(paths))
}

/// The nodes that edges lead to; `None` if the graph doesn't have the node.
fn neighbours<'g>(graph: &'g Map<String, Value>, node: &Value) -> Option<&'g [Value]> {
    let edges = graph.get(node.as_str()?)?;
    Some(edges.as_array().map_or(&[], Vec::as_slice))
}

/// Objects contain those whose members they have, deeply; arrays those that are a run of theirs.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| whole == part || nested(whole, part))),
        (Value::Array(whole), Value::Array(part)) => {
            part.is_empty() || whole.windows(part.len()).any(|run| run == part)
        }
        _ => false,
    }
}

fn nested(whole: &Value, part: &Value) -> bool {
    whole.is_object() && part.is_object() && contains(whole, part)
}

/// Later objects win, and objects in objects are united too.
fn union_n(objects: &[Value]) -> Answer {
    let mut union = Value::Object(Map::new());
    for item in objects {
        if !item.is_object() {
            return Err(failed("all must be objects"));
        }
        unite(&mut union, item);
    }
    value(union)
}

fn unite(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, from) in from {
                unite(into.entry(key).or_insert(Value::Null), from);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, answers_set, fails};
    use serde_json::json;

    #[test]
    fn paths() {
        let graph = json!({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["a"], "e": ["f"]});
        answers_set(
            "graph.reachable_paths",
            json!([graph, ["a"]]),
            json!([["a", "b", "d"], ["a", "c", "d"]]),
        );
        answers_set("graph.reachable_paths", json!([graph, ["e", "x"]]), json!([["e"]]));
        answers_set("graph.reachable_paths", json!([{}, []]), json!([]));
        // Two to the power of 40 paths.
        let nodes = (0..40).map(|n| (format!("{n}a"), n)).chain((0..40).map(|n| (format!("{n}b"), n)));
        let wide: serde_json::Map<_, _> =
            nodes.map(|(node, n)| (node, json!([format!("{}a", n + 1), format!("{}b", n + 1)]))).collect();
        fails("graph.reachable_paths", json!([wide, ["0a"]]));
    }

    #[test]
    fn arrays_and_ranges() {
        answers("array.reverse", json!([[1, 2, 3]]), json!([3, 2, 1]));
        answers("array.flatten", json!([[1, [2, [3]], []]]), json!([1, 2, [3]]));
        for (arguments, numbers) in [
            (json!([0, 10, 3]), json!([0, 3, 6, 9])),
            (json!([5, 1, 2]), json!([5, 3, 1])),
            (json!([2, 2, 1]), json!([2])),
        ] {
            answers("numbers.range_step", arguments, numbers);
        }
        for wrong in [json!([0, 1, 0]), json!([0, 1, -1]), json!([0.5, 1, 1]), json!([i64::MIN, i64::MAX, 1])]
        {
            fails("numbers.range_step", wrong);
        }
        answers_set("object.keys", json!([{"a": 1, "b": 2}]), json!(["a", "b"]));
    }

    #[test]
    fn objects() {
        for (whole, part, contains) in [
            (json!({"a": {"b": [1, 2], "c": 1}}), json!({"a": {"b": [1, 2]}}), true),
            (json!({"a": 1}), json!({"a": 2}), false),
            (json!({"a": 1}), json!({}), true),
            (json!([1, 2, 3]), json!([2, 3]), true),
            (json!([1, 2, 3]), json!([1, 3]), false),
            (json!([1]), json!([]), true),
        ] {
            answers("object.subset", json!([whole, part]), json!(contains));
        }
        for (whole, part) in [(json!([1]), json!(1)), (json!("a"), json!({})), (json!({}), json!([]))] {
            fails("object.subset", json!([whole, part]));
        }
        let objects = json!([[{"a": {"x": 1}, "b": 1}, {"a": {"y": 2}}, {"b": {"z": 3}}]]);
        answers("object.union_n", objects, json!({"a": {"x": 1, "y": 2}, "b": {"z": 3}}));
        fails("object.union_n", json!([[1]]));
    }
}
