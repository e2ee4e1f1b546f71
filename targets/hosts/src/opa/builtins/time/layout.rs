//! Go's layouts: a time is shown as Monday, 2 January 2006, 15:04:05.000 in MST (-0700) would be.

use super::super::builtin::{BuiltinError, failed};
use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use std::fmt::Write;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The layouts that have names in Go.
const NAMED: [(&str, &str); 16] = [
    ("ANSIC", "Mon Jan _2 15:04:05 2006"),
    ("UnixDate", "Mon Jan _2 15:04:05 MST 2006"),
    ("RubyDate", "Mon Jan 02 15:04:05 -0700 2006"),
    ("RFC822", "02 Jan 06 15:04 MST"),
    ("RFC822Z", "02 Jan 06 15:04 -0700"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("RFC3339", "2006-01-02T15:04:05Z07:00"),
    ("RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"),
    ("Kitchen", "3:04PM"),
    ("Stamp", "Jan _2 15:04:05"),
    ("StampMilli", "Jan _2 15:04:05.000"),
    ("StampMicro", "Jan _2 15:04:05.000000"),
    ("StampNano", "Jan _2 15:04:05.000000000"),
    ("DateTime", "2006-01-02 15:04:05"),
];

/// The layout of that name, or the layout itself.
pub(super) fn named(layout: &str) -> &str {
    NAMED.iter().find(|(name, _)| *name == layout).map_or(layout, |(_, layout)| *layout)
}

pub(super) fn weekday(day: Weekday) -> &'static str {
    DAYS[day.to_monday_zero_offset() as usize]
}

/// A part of a layout that stands for a part of a time.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Year,
    YearOfCentury,
    /// With at least so many digits.
    Month(usize),
    MonthName {
        short: bool,
    },
    Day(usize),
    DayPadded,
    DayOfYear,
    DayName {
        short: bool,
    },
    Hour,
    HourOfHalf(usize),
    Half {
        upper: bool,
    },
    Minute(usize),
    Second(usize),
    /// A point and digits: all of them, or without zeros at the end.
    Fraction {
        digits: usize,
        trims: bool,
    },
    Offset {
        zulu: bool,
        colon: bool,
        minutes: bool,
    },
    ZoneName,
}

/// The parts and what stands for them. Of two that a text begins with, the longer one comes first.
const PARTS: [(&str, Part); 28] = [
    ("January", Part::MonthName { short: false }),
    ("Jan", Part::MonthName { short: true }),
    ("Monday", Part::DayName { short: false }),
    ("Mon", Part::DayName { short: true }),
    ("MST", Part::ZoneName),
    ("2006", Part::Year),
    ("002", Part::DayOfYear),
    ("01", Part::Month(2)),
    ("02", Part::Day(2)),
    ("03", Part::HourOfHalf(2)),
    ("04", Part::Minute(2)),
    ("05", Part::Second(2)),
    ("06", Part::YearOfCentury),
    ("15", Part::Hour),
    ("_2", Part::DayPadded),
    ("PM", Part::Half { upper: true }),
    ("pm", Part::Half { upper: false }),
    ("-07:00", Part::Offset { zulu: false, colon: true, minutes: true }),
    ("-0700", Part::Offset { zulu: false, colon: false, minutes: true }),
    ("-07", Part::Offset { zulu: false, colon: false, minutes: false }),
    ("Z07:00", Part::Offset { zulu: true, colon: true, minutes: true }),
    ("Z0700", Part::Offset { zulu: true, colon: false, minutes: true }),
    ("Z07", Part::Offset { zulu: true, colon: false, minutes: false }),
    ("1", Part::Month(1)),
    ("2", Part::Day(1)),
    ("3", Part::HourOfHalf(1)),
    ("4", Part::Minute(1)),
    ("5", Part::Second(1)),
];

/// The first part of a layout, between what stands before and behind it.
fn next(layout: &str) -> Option<(&str, Part, &str)> {
    for (at, c) in layout.char_indices() {
        let here = &layout[at..];
        if let Some((text, part)) = PARTS.iter().find(|(text, _)| here.starts_with(text)) {
            return Some((&layout[..at], *part, &here[text.len()..]));
        }
        if let ('.' | ',', Some(digit @ ('0' | '9'))) = (c, here[1..].chars().next()) {
            let digits = here[1..].chars().take_while(|c| *c == digit).count();
            let behind = &here[1 + digits..];
            if digits <= 9 && !behind.starts_with(|c: char| c.is_ascii_digit()) {
                return Some((&layout[..at], Part::Fraction { digits, trims: digit == '9' }, behind));
            }
        }
    }
    None
}

pub(super) fn format(layout: &str, at: &Zoned) -> String {
    let (mut out, mut rest) = (String::new(), layout);
    while let Some((before, part, behind)) = next(rest) {
        out.push_str(before);
        write_part(&mut out, part, at);
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn write_part(out: &mut String, part: Part, at: &Zoned) {
    let half = |hour: i8| (hour + 11) % 12 + 1;
    // Writing to a string doesn't fail.
    let _ = match part {
        Part::Year => write!(out, "{:04}", at.year()),
        Part::YearOfCentury => write!(out, "{:02}", at.year().rem_euclid(100)),
        Part::Month(width) => write!(out, "{:0width$}", at.month()),
        Part::MonthName { short } => out.write_str(
            &MONTHS[at.month() as usize - 1][..if short { 3 } else { MONTHS[at.month() as usize - 1].len() }],
        ),
        Part::Day(width) => write!(out, "{:0width$}", at.day()),
        Part::DayPadded => write!(out, "{:2}", at.day()),
        Part::DayOfYear => write!(out, "{:03}", at.day_of_year()),
        Part::DayName { short } => {
            let name = weekday(at.weekday());
            out.write_str(&name[..if short { 3 } else { name.len() }])
        }
        Part::Hour => write!(out, "{:02}", at.hour()),
        Part::HourOfHalf(width) => write!(out, "{:0width$}", half(at.hour())),
        Part::Half { upper } => out.write_str(match (at.hour() >= 12, upper) {
            (true, true) => "PM",
            (false, true) => "AM",
            (true, false) => "pm",
            (false, false) => "am",
        }),
        Part::Minute(width) => write!(out, "{:0width$}", at.minute()),
        Part::Second(width) => write!(out, "{:0width$}", at.second()),
        Part::Fraction { digits, trims } => {
            let all = format!("{:09}", at.subsec_nanosecond());
            let shown = if trims { all[..digits].trim_end_matches('0') } else { &all[..digits] };
            if shown.is_empty() { Ok(()) } else { write!(out, ".{shown}") }
        }
        Part::Offset { zulu: true, .. } if at.offset() == Offset::UTC => out.write_str("Z"),
        Part::Offset { colon, minutes, .. } => {
            let seconds = at.offset().seconds();
            let (sign, total) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
            let (hour, minute) = (total / 60, total % 60);
            match (minutes, colon) {
                (false, _) => write!(out, "{sign}{hour:02}"),
                (true, true) => write!(out, "{sign}{hour:02}:{minute:02}"),
                (true, false) => write!(out, "{sign}{hour:02}{minute:02}"),
            }
        }
        Part::ZoneName => {
            let info = at.time_zone().to_offset_info(at.timestamp());
            out.write_str(info.abbreviation())
        }
    };
}

/// What has been read of a time.
struct Read {
    year: i16,
    month: i8,
    day: i8,
    day_of_year: Option<i16>,
    hour: i8,
    /// Whether it is the second half of the day, if that was said.
    second_half: Option<bool>,
    minute: i8,
    second: i8,
    nanosecond: i32,
    offset: Offset,
}

pub(super) fn parse(layout: &str, text: &str) -> Result<Timestamp, BuiltinError> {
    let wrong = || failed(format!("'{text}' doesn't fit the layout '{layout}'"));
    let mut read = Read {
        year: 0,
        month: 1,
        day: 1,
        day_of_year: None,
        hour: 0,
        second_half: None,
        minute: 0,
        second: 0,
        nanosecond: 0,
        offset: Offset::UTC,
    };
    let (mut text_left, mut layout_left) = (text, layout);
    while let Some((before, part, behind)) = next(layout_left) {
        text_left = text_left.strip_prefix(before).ok_or_else(wrong)?;
        text_left = read.take(part, text_left).ok_or_else(wrong)?;
        // Seconds may have a fraction that the layout doesn't mention.
        let fraction_follows = matches!(next(behind), Some(("", Part::Fraction { .. }, _)));
        if matches!(part, Part::Second(_)) && !fraction_follows && fraction_digits(text_left) > 0 {
            text_left = read.take(Part::Fraction { digits: 9, trims: true }, text_left).ok_or_else(wrong)?;
        }
        layout_left = behind;
    }
    if text_left != layout_left {
        return Err(wrong());
    }
    read.timestamp().map_err(failed)
}

/// How many digits follow a point, with which the text begins.
fn fraction_digits(text: &str) -> usize {
    text.strip_prefix(['.', ',']).map_or(0, |digits| digits.bytes().take_while(u8::is_ascii_digit).count())
}

/// A number of `least` to `most` digits.
fn number(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    (count >= least).then(|| digits.parse().ok().map(|number| (number, rest)))?
}

/// The place of the name that the text begins with, in whatever case.
fn name<'t>(text: &'t str, names: &[&str], short: bool) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(place, name)| {
        let name = if short { &name[..3] } else { name };
        let found = text.get(..name.len())?;
        found.eq_ignore_ascii_case(name).then(|| (place, &text[name.len()..]))
    })
}

impl Read {
    /// Reads a part of the text, and returns what is behind it.
    fn take<'t>(&mut self, part: Part, text: &'t str) -> Option<&'t str> {
        macro_rules! digits {
            ($field:ident, $least:expr, $most:expr) => {{
                let (number, rest) = number(text, $least, $most)?;
                self.$field = number.try_into().ok()?;
                rest
            }};
        }
        Some(match part {
            Part::Year => digits!(year, 4, 4),
            Part::YearOfCentury => {
                let (year, rest) = number(text, 2, 2)?;
                // As in Go: 69 and later are of the twentieth century.
                self.year = if year >= 69 { year + 1900 } else { year + 2000 } as i16;
                rest
            }
            Part::Month(least) => digits!(month, least, 2),
            Part::MonthName { short } => {
                let (place, rest) = name(text, &MONTHS, short)?;
                self.month = place as i8 + 1;
                rest
            }
            Part::Day(least) => digits!(day, least, 2),
            Part::DayPadded => {
                let (number, rest) = number(text.strip_prefix(' ').unwrap_or(text), 1, 2)?;
                self.day = number as i8;
                rest
            }
            Part::DayOfYear => {
                let (number, rest) = number(text, 3, 3)?;
                self.day_of_year = Some(number as i16);
                rest
            }
            // Whether it is the right one isn't looked at, in Go neither.
            Part::DayName { short } => name(text, &DAYS, short)?.1,
            Part::Hour => digits!(hour, 2, 2),
            Part::HourOfHalf(least) => digits!(hour, least, 2),
            Part::Half { .. } => {
                let (place, rest) = name(text, &["AM ", "PM "].map(|half| &half[..2]), false)?;
                self.second_half = Some(place == 1);
                rest
            }
            Part::Minute(least) => digits!(minute, least, 2),
            Part::Second(least) => digits!(second, least, 2),
            Part::Fraction { trims, digits } => {
                let count = fraction_digits(text);
                if count == 0 && trims {
                    return Some(text);
                }
                if count == 0 || !trims && count != digits {
                    return None;
                }
                let shown = &text[1..=count.min(9)];
                self.nanosecond = format!("{shown:0<9}").parse().ok()?;
                &text[1 + count..]
            }
            Part::Offset { zulu, colon, minutes } => match text.strip_prefix('Z') {
                Some(rest) if zulu => rest,
                _ => self.offset(text, colon, minutes)?,
            },
            Part::ZoneName => &text[abbreviation(text)?..],
        })
    }

    fn offset<'t>(&mut self, text: &'t str, colon: bool, minutes: bool) -> Option<&'t str> {
        let sign = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, mut rest) = number(&text[1..], 2, 2)?;
        let mut seconds = hours * 3600;
        if minutes {
            rest = if colon { rest.strip_prefix(':')? } else { rest };
            let (minute, behind) = number(rest, 2, 2)?;
            seconds += minute * 60;
            rest = behind;
        }
        self.offset = Offset::from_seconds(sign * seconds).ok()?;
        Some(rest)
    }

    fn timestamp(&self) -> Result<Timestamp, jiff::Error> {
        let hour = match self.second_half {
            Some(half) => self.hour % 12 + if half { 12 } else { 0 },
            None => self.hour,
        };
        let date = match self.day_of_year {
            Some(day) => Date::new(self.year, 1, 1)?.with().day_of_year(day).build()?,
            None => Date::new(self.year, self.month, self.day)?,
        };
        let at = date.at(0, 0, 0, 0).with().hour(hour).minute(self.minute).second(self.second);
        let at = at.subsec_nanosecond(self.nanosecond).build()?;
        Ok(at.to_zoned(TimeZone::fixed(self.offset))?.timestamp())
    }
}

/// How long the abbreviation of a time zone is at the beginning. As in Go, whichever it is says nothing of the offset.
fn abbreviation(text: &str) -> Option<usize> {
    let capitals = text.bytes().take_while(u8::is_ascii_uppercase).count();
    match capitals {
        3 => Some(3),
        4 | 5 if text[..capitals].ends_with('T') => Some(capitals),
        _ => None,
    }
}
