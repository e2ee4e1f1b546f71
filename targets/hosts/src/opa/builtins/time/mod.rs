//! `time.*`. Points in time are nanoseconds since 1970, in UTC; what shows one takes a time zone.

mod layout;

use super::builtin::{Answer, BuiltinError, Table, expected, failed, text, value};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use serde_json::{Value, json};

pub(super) static TABLE: Table = &[
    ("time.add_date", |_, arguments| add_date(arguments)),
    ("time.clock", |_, arguments| {
        let at = shown(arguments, 0)?.datetime();
        value(vec![at.hour(), at.minute(), at.second()])
    }),
    ("time.date", |_, arguments| {
        let at = shown(arguments, 0)?.datetime();
        value(json!([at.year(), at.month(), at.day()]))
    }),
    ("time.diff", |_, arguments| diff(&shown(arguments, 0)?, &shown(arguments, 1)?)),
    ("time.format", |_, arguments| format(arguments)),
    ("time.now_ns", |asked, _| value(asked.now_ns())),
    ("time.parse_duration_ns", |_, arguments| value(duration(text(arguments, 0)?)?)),
    ("time.parse_ns", |_, arguments| {
        let layout = layout::named(text(arguments, 0)?);
        nanoseconds(layout::parse(layout, text(arguments, 1)?)?)
    }),
    ("time.parse_rfc3339_ns", |_, arguments| {
        nanoseconds(layout::parse(layout::named("RFC3339"), text(arguments, 0)?)?)
    }),
    ("time.weekday", |_, arguments| value(layout::weekday(shown(arguments, 0)?.weekday()))),
];

fn nanoseconds(at: Timestamp) -> Answer {
    value(i64::try_from(at.as_nanosecond()).map_err(|_| failed("the time is outside of what 64 bits hold"))?)
}

fn timestamp(argument: &Value, index: usize) -> Result<Timestamp, BuiltinError> {
    let number = argument.as_i64().ok_or_else(|| expected(index, "a number of nanoseconds"))?;
    Timestamp::from_nanosecond(number.into()).map_err(failed)
}

/// A time, or an array of a time and the zone it is shown in: `UTC`, also as an empty name, `Local`, or a name of the
/// time zone database.
fn shown(arguments: &[Value], index: usize) -> Result<Zoned, BuiltinError> {
    let argument = arguments.get(index).ok_or_else(|| expected(index, "a time"))?;
    let Some(parts) = argument.as_array() else {
        return Ok(timestamp(argument, index)?.to_zoned(TimeZone::UTC));
    };
    let at = timestamp(parts.first().unwrap_or(&Value::Null), index)?;
    let zone =
        match parts.get(1).map(|zone| zone.as_str().ok_or_else(|| expected(index, "a time and a zone"))) {
            None => TimeZone::UTC,
            Some(name) => match name? {
                "" | "UTC" => TimeZone::UTC,
                "Local" => TimeZone::system(),
                name => TimeZone::get(name).map_err(failed)?,
            },
        };
    Ok(at.to_zoned(zone))
}

fn format(arguments: &[Value]) -> Answer {
    let at = shown(arguments, 0)?;
    let layout = match arguments[0].get(2) {
        Some(layout) => layout.as_str().ok_or_else(|| expected(0, "a time, a zone and a layout"))?,
        None => "RFC3339Nano",
    };
    value(layout::format(layout::named(layout), &at))
}

/// Years, months and days later. A day that the month doesn't have is one of the next month, as in Go.
fn add_date(arguments: &[Value]) -> Answer {
    let at = shown(arguments, 0)?;
    let count = |index| {
        let count = arguments.get(index).and_then(Value::as_i64).and_then(|count| i32::try_from(count).ok());
        count.map(i64::from).ok_or_else(|| expected(index, "an integer"))
    };
    let (years, months, days) = (count(1)?, count(2)?, count(3)?);
    let date = at.date();
    let months = i64::from(date.year()) * 12 + i64::from(date.month()) - 1 + years * 12 + months;
    let year = i16::try_from(months.div_euclid(12)).map_err(failed)?;
    let first = Date::new(year, months.rem_euclid(12) as i8 + 1, 1).map_err(failed)?;
    let days = Span::new().try_days(i64::from(date.day()) - 1 + days).map_err(failed)?;
    let date = first.checked_add(days).map_err(failed)?;
    let later = DateTime::from_parts(date, at.time()).to_zoned(at.time_zone().clone()).map_err(failed)?;
    nanoseconds(later.timestamp())
}

/// Years, months, days, hours, minutes and seconds between two times, of which either may be the earlier.
fn diff(a: &Zoned, b: &Zoned) -> Answer {
    let b = b.with_time_zone(a.time_zone().clone());
    let (from, to) = if *a < b { (a.datetime(), b.datetime()) } else { (b.datetime(), a.datetime()) };
    let part = |from: i64, to: i64| to - from;
    let mut parts = [
        part(from.year().into(), to.year().into()),
        part(from.month().into(), to.month().into()),
        part(from.day().into(), to.day().into()),
        part(from.hour().into(), to.hour().into()),
        part(from.minute().into(), to.minute().into()),
        part(from.second().into(), to.second().into()),
    ];
    // As OPA does it, what is negative borrows from the next larger unit, a month as many days as the earlier date's has.
    let carries = [0, 12, i64::from(from.date().days_in_month()), 24, 60, 60];
    for unit in (1..parts.len()).rev() {
        if parts[unit] < 0 {
            parts[unit] += carries[unit];
            parts[unit - 1] -= 1;
        }
    }
    value(parts.to_vec())
}

/// Go's durations: numbers with units, such as `1h15m30.5s`.
pub(super) fn duration(text: &str) -> Result<i64, BuiltinError> {
    let wrong = || failed(format!("'{text}' is no duration"));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    let mut sum = 0_i128;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        rest = behind;
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(wrong()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // More digits than 18 are less than a nanosecond of an hour's.
        let fraction = &fraction[..fraction.len().min(18)];
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(wrong());
        }
        let digits =
            |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<i64>().map_err(|_| wrong()) };
        let part = i128::from(digits(fraction)?) * unit / 10_i128.pow(fraction.len() as u32);
        sum += i128::from(digits(whole)?) * unit + part;
    }
    i64::try_from(if negative { -sum } else { sum }).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, fails};
    use serde_json::json;

    /// 2017-07-14T02:40:00.123456789Z, a Friday.
    const AT: i64 = 1_500_000_000_123_456_789;

    #[test]
    fn times_are_shown() {
        answers("time.date", json!([AT]), json!([2017, 7, 14]));
        answers("time.clock", json!([AT]), json!([2, 40, 0]));
        answers("time.weekday", json!([AT]), json!("Friday"));
        answers("time.clock", json!([[AT, "UTC"]]), json!([2, 40, 0]));
        answers("time.date", json!([-1]), json!([1969, 12, 31]));
        answers("time.format", json!([AT]), json!("2017-07-14T02:40:00.123456789Z"));
        answers("time.format", json!([[AT, "", "RFC1123"]]), json!("Fri, 14 Jul 2017 02:40:00 UTC"));
        answers("time.format", json!([[AT, "", "2/1/06 3:04pm .000 _2"]]), json!("14/7/17 2:40am .123 14"));
        fails("time.date", json!([[AT, "Nowhere/City"]]));
        fails("time.date", json!(["x"]));
    }

    #[test]
    fn times_are_parsed() {
        for (layout, text, at) in [
            ("RFC1123", "Fri, 14 Jul 2017 02:40:00 MST", 1_500_000_000_000_000_000),
            ("RFC3339", "2017-07-14T02:40:00.123456789Z", AT),
            ("RFC3339", "2017-07-14T04:40:00+02:00", 1_500_000_000_000_000_000),
            ("2006-01-02", "1970-01-02", 86_400_000_000_000),
            ("Jan 2, 2006 at 3:04pm (MST)", "Feb 3, 1970 at 7:54PM (UTC)", 2_922_840_000_000_000),
            ("Monday, 02-Jan-06 15:04:05 -0700", "Thursday, 01-Jan-70 01:00:00 +0100", 0),
        ] {
            answers("time.parse_ns", json!([layout, text]), json!(at));
        }
        answers("time.parse_rfc3339_ns", json!(["1970-01-01T00:00:01Z"]), json!(1_000_000_000));
        for wrong in [
            "",
            "1970-01-01",
            "1970-13-01T00:00:00Z",
            "1970-02-30T00:00:00Z",
            "1970-01-01T00:00:00Zx",
            "9999-01-01T00:00:00Z",
        ] {
            fails("time.parse_rfc3339_ns", json!([wrong]));
        }
    }

    #[test]
    fn durations() {
        for (text, ns) in [
            ("1h15m30.918273645s", 4_530_918_273_645_i64),
            ("-1.5h", -5_400_000_000_000),
            ("1µs", 1_000),
            (".5s", 500_000_000),
            ("0", 0),
            ("3ns", 3),
        ] {
            answers("time.parse_duration_ns", json!([text]), json!(ns));
        }
        for wrong in ["", "1", "s", "1d", "1.2.3s", ".s", "9999999h", "-"] {
            fails("time.parse_duration_ns", json!([wrong]));
        }
    }

    #[test]
    fn dates_are_added_and_subtracted() {
        let day = 86_400_000_000_000_i64;
        answers("time.add_date", json!([0, 0, 0, 1]), json!(day));
        // 1970-01-31 and a month is 1970-02-31, which is 3 March.
        answers("time.add_date", json!([30 * day, 0, 1, 0]), json!(61 * day));
        answers("time.add_date", json!([0, -1, 0, 0]), json!(-365 * day));
        fails("time.add_date", json!([0, 40_000, 0, 0]));
        fails("time.add_date", json!([0, 0, "1", 0]));
        answers("time.diff", json!([day, 0]), json!([0, 0, 1, 0, 0, 0]));
        answers("time.diff", json!([0, 365 * day + 3_661_000_000_000]), json!([1, 0, 0, 1, 1, 1]));
        // From 31 January, 23:00, to 1 March, 01:00.
        answers(
            "time.diff",
            json!([30 * day + 23 * day / 24, 59 * day + day / 24]),
            json!([0, 1, 0, 2, 0, 0]),
        );
    }
}
