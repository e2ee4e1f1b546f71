//! What a request may take.

use super::apps::{app, engine, post};
use super::common::Running;
use super::guests::{bundle, echo, growing, looping, runnable};
use dunlin::Kind;
use dunlin_hosts::atmo::AppOptions;
use std::time::Duration;

#[test]
fn limits_are_statuses() {
    let runnables = [("spin", looping()), ("grow", growing()), ("echo", echo())];
    let handlers = "handlers:
- {type: request, method: GET, resource: /spin, steps: [{fn: spin}]}
- {type: request, method: GET, resource: /group, steps: [{group: [{fn: spin}, {fn: echo}, {fn: spin, as: other}]}], response: echo}
- {type: request, method: GET, resource: /grow, steps: [{fn: grow}]}
- {type: request, method: POST, resource: /echo, steps: [{fn: echo}, {fn: echo, as: b}, {fn: echo, as: c}]}
";
    let engine = engine();
    let app = app(&engine, &bundle(&runnables, handlers, &[]), &AppOptions::default());
    let used = engine.budget().used_for(Kind::Host);
    let mut server = Running::start(app, |options| {
        options.limits.time = Duration::from_millis(500);
        options.limits.memory = 2 << 20;
    });
    for path in ["/spin", "/group"] {
        assert_eq!(server.get(path).status, 504, "{path}");
    }
    // It traps by itself when it gets no more.
    assert_eq!(server.get("/grow").status, 500);
    let large = "x".repeat(700_000);
    assert_eq!(post(&server, "/echo", &large).status, 503);
    assert_eq!(post(&server, "/echo", "small").text(), "small");
    server.stop();
    // The rest is code and stacks, which the engine keeps.
    assert!(engine.budget().used_for(Kind::Host) <= used, "requests are over, and their memory isn't free");
}

#[test]
fn fuel_is_for_the_whole_request() {
    let count = "(local.set $n (i32.const 2000)) (loop (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if 0 (local.get $n)))";
    let runnables = [("count", runnable("", count)), ("spin", looping())];
    let one = "{fn: count}";
    let handlers = format!(
        "handlers:
- {{type: request, method: GET, resource: /one, steps: [{one}]}}
- {{type: request, method: GET, resource: /many, steps: [{}]}}
- {{type: request, method: GET, resource: /group, steps: [{{group: [{{fn: count}}, {{fn: spin}}]}}], response: count}}
",
        vec![one; 40].join(", ")
    );
    let app = app(&engine(), &bundle(&runnables, &handlers, &[]), &AppOptions::default());
    let server = Running::start(app, |options| {
        options.limits.fuel = Some(100_000);
        options.limits.time = Duration::from_secs(60);
    });
    assert_eq!(server.get("/one").status, 200);
    assert_eq!(server.get("/many").status, 504);
    assert_eq!(server.get("/group").status, 504);
}
