//! The chart: a row for each workload, and in it each engine's time as a multiple of Dunlin's, on a logarithmic scale.

use crate::results::{Results, mean, ratio, running};

// A phone shows it at about three quarters of this width, where text of this size is still readable.
const WIDTH: f64 = 480.0;
const FONT: f64 = 15.0;

const ROW: f64 = 22.0;
const LEFT: f64 = 118.0;
const RIGHT: f64 = 16.0;

/// Names of engines in a line of the legend, and the distance between lines of text.
const NAMES: usize = 4;
const LINE: f64 = 22.0;

/// The scale's ends, as multiples of Dunlin's time.
const LEAST: f64 = 0.03;
const MOST: f64 = 30.0;

const COLOURS: [&str; 9] =
    ["#d62728", "#ff9896", "#1f77b4", "#2ca02c", "#9467bd", "#e6a100", "#8c8c8c", "#bcbd22", "#17becf"];

fn x(ratio: f64) -> f64 {
    let share = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

/// The chart as SVG.
pub(crate) fn draw(results: &Results) -> String {
    let engines: Vec<usize> = running(results).skip(1).collect();
    let top = LINE * engines.len().div_ceil(NAMES) as f64 + 60.0;
    let height = top + ROW * (results.workloads.len() + 1) as f64 + 72.0;
    let bottom = height - 76.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"{FONT}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let mut out = |line: String| {
        svg.push_str(&line);
        svg.push('\n');
    };
    for (at, &engine) in engines.iter().enumerate() {
        let (left, y) = (20.0 + (at % NAMES) as f64 * 116.0, 20.0 + LINE * (at / NAMES) as f64);
        let name = results.engines[engine].name;
        out(mark(left, y, at, 6.0, name));
        out(format!("<text x=\"{}\" y=\"{}\">{name}</text>", left + 12.0, y + 5.0));
    }
    for tick in [0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0] {
        let (at, strong) = (x(tick), tick == 1.0);
        let colour = if strong { "#000" } else { "#ddd" };
        out(format!(
            "<line x1=\"{at:.1}\" y1=\"{}\" x2=\"{at:.1}\" y2=\"{bottom}\" stroke=\"{colour}\"/>",
            top - 16.0
        ));
        out(format!(
            "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{tick}</text>",
            bottom + LINE
        ));
    }
    let middle = x(1.0);
    out(format!("<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">Dunlin = 1</text>", middle, top - 24.0));
    for (line, text) in ["time as a multiple of Dunlin's, logarithmic:", "right of 1 is slower than Dunlin"]
        .into_iter()
        .enumerate()
    {
        out(format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{text}</text>",
            WIDTH / 2.0,
            bottom + LINE * (line + 2) as f64
        ));
    }
    for (row, (workload, measured)) in results.workloads.iter().enumerate() {
        let y = top + ROW * row as f64;
        out(format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 10.0,
            y + 5.0,
            workload.name
        ));
        out(format!("<line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"#eee\"/>", WIDTH - RIGHT));
        for (at, &engine) in engines.iter().enumerate() {
            if let Some(ratio) = ratio(measured, engine) {
                let title = format!("{} {ratio:.2}", results.engines[engine].name);
                out(mark(x(ratio), y, at, 5.0, &title));
            }
        }
    }
    let y = top + ROW * results.workloads.len() as f64;
    out(format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-weight=\"bold\">geomean</text>",
        LEFT - 10.0,
        y + 5.0
    ));
    for (at, &engine) in engines.iter().enumerate() {
        if let Some((mean, _)) = mean(results, engine, false) {
            out(mark(x(mean), y, at, 7.0, &format!("{} {mean:.2}", results.engines[engine].name)));
        }
    }
    svg + "</svg>\n"
}

fn mark(x: f64, y: f64, engine: usize, radius: f64, title: &str) -> String {
    let colour = COLOURS[engine % COLOURS.len()];
    format!(
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\" fill-opacity=\"0.85\">\
         <title>{title}</title></circle>"
    )
}
