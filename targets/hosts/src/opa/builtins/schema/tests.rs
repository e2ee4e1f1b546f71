use super::super::Reply;
use super::super::tests::{answers, ask, fails};
use serde_json::{Value, json};

#[track_caller]
fn matches(schema: &Value, document: &Value, wrong: &[&str]) {
    let Ok(Reply::Value(answer)) = ask("json.match_schema", &json!([document.to_string(), schema])) else {
        panic!("{schema} fails");
    };
    let errors: Vec<_> =
        answer[1].as_array().unwrap().iter().map(|wrong| wrong["error"].as_str().unwrap()).collect();
    assert_eq!(
        (answer[0].clone(), errors.as_slice()),
        (wrong.is_empty().into(), wrong),
        "{schema} {document}"
    );
}

#[test]
fn documents_match_or_it_is_said_where_not() {
    let person = json!({
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0}}
    });
    matches(&person, &json!({"name": "a", "age": 3}), &[]);
    matches(&person, &json!({"name": "a", "age": 3.0}), &[]);
    matches(&person, &json!({}), &["(root): name is required"]);
    matches(&person, &json!({"name": 1}), &["name: Invalid type. Expected: string, given: integer"]);
    matches(&person, &json!({"name": "a", "x": 1}), &["(root): Additional property x is not allowed"]);
    matches(&person, &json!({"name": "a", "age": -1}), &["age: it is too small"]);
    let list = json!({"items": {"$ref": "#/definitions/id"}, "uniqueItems": true,
        "definitions": {"id": {"pattern": "^[a-z]+$"}}});
    matches(&list, &json!(["a", "b"]), &[]);
    matches(&list, &json!(["a", "a"]), &["(root): its items aren't unique"]);
    matches(&list, &json!(["a", "B"]), &["1: Does not match pattern '^[a-z]+$'"]);
}

#[test]
fn schemas_are_combined() {
    for (schema, good, bad) in [
        (json!({"anyOf": [{"type": "string"}, {"minimum": 3}]}), json!(3), json!(2)),
        (json!({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}), json!(4), json!(6)),
        (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), json!(2), json!(3)),
        (json!({"not": {"type": "null"}}), json!(1), json!(null)),
        (
            json!({"if": {"minimum": 10}, "then": {"multipleOf": 10}, "else": {"maximum": 5}}),
            json!(20),
            json!(7),
        ),
        (json!({"enum": [1, "a"]}), json!(1.0), json!("b")),
        (json!({"const": {"a": 1}}), json!({"a": 1}), json!({"a": 2})),
        (json!({"contains": {"const": 1}}), json!([2, 1]), json!([2])),
        (json!({"items": [{"type": "string"}], "additionalItems": false}), json!(["a"]), json!(["a", 1])),
        (
            json!({"patternProperties": {"^x": {"type": "null"}}}),
            json!({"x1": null, "y": 1}),
            json!({"x1": 1}),
        ),
        (json!({"propertyNames": {"maxLength": 1}}), json!({"a": 1}), json!({"ab": 1})),
        (json!({"dependencies": {"a": ["b"]}}), json!({"a": 1, "b": 1}), json!({"a": 1})),
        (json!({"minimum": 1, "exclusiveMinimum": true}), json!(2), json!(1)),
        (json!({"exclusiveMaximum": 1}), json!(0), json!(1)),
        (json!({"maxProperties": 1}), json!({"a": 1}), json!({"a": 1, "b": 1})),
        (json!({"minItems": 1}), json!([1]), json!([])),
        (json!({"properties": {"a": false}}), json!({}), json!({"a": 1})),
    ] {
        matches(&schema, &good, &[]);
        let Ok(Reply::Value(answer)) = ask("json.match_schema", &json!([bad.to_string(), schema])) else {
            panic!("{schema} fails");
        };
        assert_eq!(answer[0], json!(false), "{schema} {bad}");
    }
}

#[test]
fn schemas_are_verified() {
    for schema in [json!({}), json!({"type": ["string", "null"]}), json!("{\"type\": \"object\"}")] {
        answers("json.verify_schema", json!([schema]), json!([true, null]));
    }
    for schema in [
        json!({"type": "text"}),
        json!({"properties": {"a": {"type": 1}}}),
        json!({"pattern": "("}),
        json!({"allOf": []}),
        json!("not JSON"),
        json!(1),
    ] {
        let Ok(Reply::Value(answer)) = ask("json.verify_schema", &json!([schema])) else {
            panic!("it fails")
        };
        assert_eq!(answer[0], json!(false), "{schema}");
        fails("json.match_schema", json!(["{}", schema]));
    }
}

#[test]
fn schemas_without_an_end_are_refused() {
    fails("json.match_schema", json!([{}, {"$ref": "#"}]));
    fails("json.match_schema", json!([{}, {"$ref": "http://example.org/schema"}]));
    let mut wide = json!({"definitions": {"d0": {"type": "object"}}, "$ref": "#/definitions/d30"});
    for n in 1..=30 {
        let below = json!({"$ref": format!("#/definitions/d{}", n - 1)});
        wide["definitions"][format!("d{n}")] = json!({"allOf": [below, below]});
    }
    fails("json.match_schema", json!([{}, wide]));
}
