//! `net.*`, as far as it isn't compiled in

use super::builtin::{Answer, Asked, BuiltinError, Reply, Table, array, failed, text, value};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::net::IpAddr;

pub(super) static TABLE: Table = &[
    ("net.cidr_contains_matches", contains_matches),
    ("net.cidr_expand", |_, arguments| expand(text(arguments, 0)?)),
    ("net.cidr_is_valid", |_, arguments| {
        value(text(arguments, 0).is_ok_and(|text| text.parse::<IpNet>().is_ok()))
    }),
    ("net.cidr_merge", |_, arguments| merge(array(arguments, 0)?)),
];

/// The most addresses that `net.cidr_expand` gives.
const MOST_HOSTS: u32 = 1 << 16;

fn network(value: &Value) -> Result<IpNet, BuiltinError> {
    let text = value.as_str().ok_or_else(|| failed("an address or a network must be a string"))?;
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(failed)
}

/// The networks or addresses of an argument, each with what stands for it in the result: its index in an array, its key
/// in an object, or itself. Elements of collections are strings, or arrays that begin with one.
fn networks(argument: &Value) -> Result<Vec<(Value, IpNet)>, BuiltinError> {
    let first = |item: &Value| network(item.get(0).unwrap_or(item));
    match argument {
        Value::Array(items) => {
            items.iter().zip(0..).map(|(item, at)| Ok((at.into(), first(item)?))).collect()
        }
        Value::Object(items) => {
            items.iter().map(|(key, item)| Ok((key.as_str().into(), first(item)?))).collect()
        }
        text => Ok(vec![(text.clone(), network(text)?)]),
    }
}

/// The pairs of a network and what it contains.
fn contains_matches(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let [outer, inner, ..] = arguments else { return Err(failed("two arguments are wanted")) };
    let inner = networks(inner)?;
    let mut pairs = Vec::new();
    for (outer, network) in networks(outer)? {
        for (inner, _) in inner.iter().filter(|(_, inner)| network.contains(inner)) {
            asked.take(256)?;
            pairs.push(json!([outer, inner]));
        }
    }
    Ok(Reply::Set(pairs))
}

/// All addresses of a network.
fn expand(text: &str) -> Answer {
    let network: IpNet = text.parse().map_err(failed)?;
    let bits = network.max_prefix_len() - network.prefix_len();
    if 1_u128.checked_shl(bits.into()).is_none_or(|count| count > MOST_HOSTS.into()) {
        return Err(failed(format!("the network has more than {MOST_HOSTS} addresses")));
    }
    let first = match network.network() {
        IpAddr::V4(first) => u128::from(u32::from(first)),
        IpAddr::V6(first) => u128::from(first),
    };
    let address = |bits: u128| match network {
        IpNet::V4(_) => IpAddr::from((bits as u32).to_be_bytes()),
        IpNet::V6(_) => IpAddr::from(bits.to_be_bytes()),
    };
    let addresses = (0..1_u128 << bits).map(|n| Value::from(address(first + n).to_string()));
    Ok(Reply::Set(addresses.collect()))
}

/// The fewest networks that cover the same addresses.
fn merge(items: &[Value]) -> Answer {
    let networks: Result<Vec<_>, _> = items.iter().map(network).collect();
    let merged = IpNet::aggregate(&networks?);
    Ok(Reply::Set(merged.iter().map(|network| network.to_string().into()).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, answers_set, fails};
    use serde_json::json;

    #[test]
    fn networks_contain_addresses() {
        let found = json!([["1.1.0.0/16", "1.1.1.128"]]);
        answers_set("net.cidr_contains_matches", json!(["1.1.0.0/16", "1.1.1.128"]), found);
        let (outer, inner) =
            (json!([["1.1.0.0/16", "foo"], "1.1.2.0/24"]), json!(["1.1.1.128", ["1.1.2.1", 3], "9.9.9.9"]));
        answers_set("net.cidr_contains_matches", json!([outer, inner]), json!([[0, 0], [0, 1], [1, 1]]));
        let keyed = json!({"x": "10.0.0.0/8"});
        answers_set(
            "net.cidr_contains_matches",
            json!([keyed, "10.1.0.0/16"]),
            json!([["x", "10.1.0.0/16"]]),
        );
        fails("net.cidr_contains_matches", json!(["x", "1.1.1.1"]));
    }

    #[test]
    fn networks_expand_and_merge() {
        answers_set(
            "net.cidr_expand",
            json!(["10.0.0.5/30"]),
            json!(["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"]),
        );
        answers_set("net.cidr_expand", json!(["2001:db8::/127"]), json!(["2001:db8::", "2001:db8::1"]));
        for wrong in ["10.0.0.0/15", "::/0", "10.0.0.0", "x"] {
            fails("net.cidr_expand", json!([wrong]));
        }
        answers_set(
            "net.cidr_merge",
            json!([["10.0.0.0/25", "10.0.0.128/25", "10.0.2.0/24"]]),
            json!(["10.0.0.0/24", "10.0.2.0/24"]),
        );
        for (text, valid) in
            [("10.0.0.0/8", true), ("::1/128", true), ("10.0.0.0/33", false), ("10.0.0.0", false)]
        {
            answers("net.cidr_is_valid", json!([text]), json!(valid));
        }
    }
}
