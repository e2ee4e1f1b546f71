//! A chart of lines on two logarithmic scales of time, as SVG.

// A phone shows it at about three quarters of this width, where text of this size is still readable.
const WIDTH: f64 = 480.0;
const FONT: f64 = 15.0;

const LEFT: f64 = 74.0;
const RIGHT: f64 = 26.0;
const PLOT: f64 = 330.0;

/// Distance between lines of text, and names in a line of the legend.
const LINE: f64 = 22.0;
const NAMES: usize = 3;

const COLOURS: [&str; 6] = ["#000000", "#9467bd", "#d62728", "#1f77b4", "#2ca02c", "#e6a100"];

/// A line of the chart: its points are times in seconds.
pub(super) struct Series {
    pub(super) name: &'static str,
    /// Another engine's, which may lie upon one of Dunlin's.
    pub(super) dashed: bool,
    pub(super) points: Vec<(f64, f64)>,
}

/// A logarithmic scale from one power of ten to another, and where on the picture it lies.
struct Scale {
    powers: std::ops::RangeInclusive<i32>,
    from: f64,
    to: f64,
}

impl Scale {
    /// The least such scale that has all values.
    fn around(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Scale {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor() as i32;
        let most = values.fold(0.0, f64::max).log10().ceil() as i32;
        Scale { powers: least..=most.max(least + 1), from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let (least, most) = (f64::from(*self.powers.start()), f64::from(*self.powers.end()));
        self.from + (value.log10() - least) / (most - least) * (self.to - self.from)
    }
}

/// The chart. Without a point it is empty.
pub(super) fn draw(all: &[Series]) -> String {
    let legend = LINE * all.len().div_ceil(NAMES) as f64;
    let (top, bottom) = (legend + 50.0, legend + 50.0 + PLOT);
    let height = bottom + 56.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"{FONT}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let points = all.iter().flat_map(|series| &series.points);
    if points.clone().next().is_some() {
        let x = Scale::around(points.clone().map(|point| point.0), LEFT, WIDTH - RIGHT);
        let y = Scale::around(points.map(|point| point.1), bottom, top);
        svg.push_str(&axes(&x, &y));
        for (i, series) in all.iter().enumerate() {
            svg.push_str(&name(i, series));
            svg.push_str(&line(i, series, &x, &y));
        }
    }
    svg + "</svg>\n"
}

fn axes(x: &Scale, y: &Scale) -> String {
    let mut svg = String::new();
    for power in x.powers.clone() {
        let at = x.at(10f64.powi(power));
        svg.push_str(&format!(
            "<line x1=\"{at:.1}\" y1=\"{}\" x2=\"{at:.1}\" y2=\"{}\" stroke=\"#ddd\"/>\n\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{}</text>\n",
            y.to,
            y.from,
            y.from + LINE,
            time(power)
        ));
    }
    for power in y.powers.clone() {
        let at = y.at(10f64.powi(power));
        svg.push_str(&format!(
            "<line x1=\"{}\" y1=\"{at:.1}\" x2=\"{}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{}</text>\n",
            x.from,
            x.to,
            x.from - 8.0,
            at + 5.0,
            time(power)
        ));
    }
    svg + &format!(
        "<text x=\"10\" y=\"{}\">CPU time of the whole run</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">CPU time of the run if interpreted</text>\n",
        y.to - 16.0,
        x.to,
        y.from + 2.0 * LINE
    )
}

/// A power of ten of a second.
fn time(power: i32) -> String {
    match power {
        ..=-4 => format!("{} µs", 10f64.powi(power + 6)),
        -3..=-1 => format!("{} ms", 10f64.powi(power + 3).round()),
        0.. => format!("{} s", 10f64.powi(power)),
    }
}

fn name(i: usize, series: &Series) -> String {
    let (left, y) = (14.0 + (i % NAMES) as f64 * 155.0, 22.0 + LINE * (i / NAMES) as f64);
    format!(
        "<line x1=\"{left}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" {}/>\n<text x=\"{}\" y=\"{}\">{}</text>\n",
        left + 24.0,
        stroke(i, series),
        left + 30.0,
        y + 5.0,
        series.name
    )
}

fn stroke(i: usize, series: &Series) -> String {
    let dashes = if series.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
    format!("stroke=\"{}\" stroke-width=\"2.5\"{dashes}", colour(i))
}

fn line(i: usize, series: &Series, x: &Scale, y: &Scale) -> String {
    let points: Vec<String> =
        series.points.iter().map(|point| format!("{:.1},{:.1}", x.at(point.0), y.at(point.1))).collect();
    let mut svg = format!(
        "<polyline points=\"{}\" fill=\"none\" {}><title>{}</title></polyline>\n",
        points.join(" "),
        stroke(i, series),
        series.name
    );
    for point in &series.points {
        svg.push_str(&format!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{}\"><title>{} {:.4} s</title></circle>\n",
            x.at(point.0),
            y.at(point.1),
            colour(i),
            series.name,
            point.1
        ));
    }
    svg
}

fn colour(i: usize) -> &'static str {
    COLOURS[i % COLOURS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &'static str, points: &[(f64, f64)]) -> Series {
        Series { name, dashed: name == "four", points: points.into() }
    }

    #[test]
    fn both_axes_have_labels_at_powers_of_ten_around_all_points() {
        let svg = draw(&[series("a", &[(0.0015, 0.003), (8.0, 12.0)])]);
        for label in ["1 ms", "10 ms", "100 ms", "1 s", "10 s"] {
            // On both axes.
            assert_eq!(svg.matches(&format!(">{label}</text>")).count(), 2, "{label} in {svg}");
        }
        assert_eq!(svg.matches(">100 s</text>").count(), 1);
        assert!(!svg.contains("µs"));
        assert!(
            svg.contains("CPU time of the whole run") && svg.contains("CPU time of the run if interpreted")
        );
        assert_eq!(time(-4), "100 µs");
    }

    #[test]
    fn every_series_has_a_line_and_a_name() {
        let all = [
            series("one", &[(0.01, 0.01), (1.0, 1.0)]),
            series("two", &[(0.01, 0.1), (1.0, 0.5)]),
            series("three", &[(0.01, 0.2), (1.0, 0.3)]),
            series("four", &[(0.01, 0.3), (1.0, 0.4)]),
        ];
        let svg = draw(&all);
        assert_eq!(svg.matches("<polyline").count(), 4);
        assert_eq!(svg.matches("<circle").count(), 8);
        // The line itself, and in the legend.
        assert_eq!(svg.matches("stroke-dasharray").count(), 2);
        for Series { name, .. } in &all {
            assert!(svg.contains(&format!(">{name}</text>")), "{name}");
        }
        // Corners of the plot: the least and the greatest of both scales.
        let (top, bottom) = (2.0 * LINE + 50.0, 2.0 * LINE + 50.0 + PLOT);
        let corners = format!("points=\"{LEFT:.1},{bottom:.1} {:.1},{top:.1}\"", WIDTH - RIGHT);
        assert!(svg.contains(&corners), "{corners} in {svg}");
    }

    #[test]
    fn nothing_lies_outside_of_the_picture() {
        let svg = draw(&[series("a", &[(0.00012, 99.0), (55.0, 0.0011)])]);
        for name in ["cx", "cy"] {
            for (at, _) in svg.match_indices(&format!("{name}=\"")) {
                let value: f64 = svg[at + 4..].split('"').next().unwrap().parse().unwrap();
                assert!((0.0..=WIDTH).contains(&value), "{name} {value}");
            }
        }
    }

    #[test]
    fn without_points_it_is_empty() {
        assert!(!draw(&[series("a", &[])]).contains("<text"));
    }
}
