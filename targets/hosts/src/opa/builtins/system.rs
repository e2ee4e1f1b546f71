//! What a policy asks of the world around it: `internal.print`, `net.lookup_ip_addr`, `opa.runtime`, `trace`

use super::builtin::{Answer, Asked, Reply, Table, array, failed, text, value};
use serde_json::Value;
use std::net::ToSocketAddrs;

pub(super) static TABLE: Table = &[
    ("internal.print", |asked, arguments| print(asked, array(arguments, 0)?)),
    ("net.lookup_ip_addr", |_, arguments| look_up(text(arguments, 0)?)),
    ("opa.runtime", |asked, _| value(asked.services.runtime.clone())),
    ("trace", |_, _| value(true)),
];

/// How many lines one call prints at most.
const MOST_LINES: usize = 1000;

/// Each operand is a set of what it may be; one that is undefined is empty. All combinations are printed.
fn print(asked: &Asked, operands: &[Value]) -> Answer {
    let mut lines = vec![String::new()];
    for (index, operand) in operands.iter().enumerate() {
        let texts: Vec<_> = match operand.as_array().map(Vec::as_slice) {
            None | Some([]) => vec!["<undefined>".into()],
            Some(values) => values
                .iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_string))
                .collect(),
        };
        if lines.len() * texts.len() > MOST_LINES {
            return Err(failed("there are too many combinations to print"));
        }
        let space = if index == 0 { "" } else { " " };
        let longer =
            |line: &String| texts.iter().map(move |text| format!("{line}{space}{text}")).collect::<Vec<_>>();
        lines = lines.iter().flat_map(longer).collect();
    }
    lines.iter().for_each(|line| (asked.services.print)(line));
    value(true)
}

fn look_up(name: &str) -> Answer {
    let addresses = (name, 0).to_socket_addrs().map_err(failed)?;
    let mut addresses: Vec<_> = addresses.map(|address| address.ip()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(Reply::Set(addresses.iter().map(|address| address.to_string().into()).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::super::options::PolicyOptions;
    use super::super::Reply;
    use super::super::tests::{answers, ask_with};
    use serde_json::json;
    use std::sync::{Arc, Mutex};

    #[test]
    fn what_is_printed() {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let kept = printed.clone();
        let options = PolicyOptions::default().print(move |line| kept.lock().unwrap().push(line.to_string()));
        ask_with(&options, "internal.print", &json!([[["x is"], [1, "two"], []]])).unwrap();
        assert_eq!(*printed.lock().unwrap(), ["x is 1 <undefined>", "x is two <undefined>"]);
    }

    #[test]
    fn what_the_host_tells_of_itself() {
        answers("opa.runtime", json!([]), json!({}));
        let options = PolicyOptions::default().runtime(json!({"env": {"A": "b"}})).look_names_up(true);
        assert_eq!(
            ask_with(&options, "opa.runtime", &json!([])),
            Ok(Reply::Value(json!({"env": {"A": "b"}})))
        );
        let Ok(Reply::Set(addresses)) = ask_with(&options, "net.lookup_ip_addr", &json!(["127.0.0.1"]))
        else {
            panic!("an address has none");
        };
        assert_eq!(addresses, [json!("127.0.0.1")]);
        assert!(ask_with(&options, "net.lookup_ip_addr", &json!(["name with spaces"])).is_err());
    }
}
