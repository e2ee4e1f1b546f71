//! Tables in Markdown.

use std::fmt::Write;

pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        text.push('|');
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 {
                write!(text, " {cell:<width$} |")
            } else {
                write!(text, " {cell:>width$} |")
            };
        }
        text.push('\n');
        if i == 0 {
            text.push('|');
            for (column, width) in widths.iter().enumerate() {
                let _ = write!(text, "{}{}|", "-".repeat(width + 1), if column == 0 { "-" } else { ":" });
            }
            text.push('\n');
        }
    }
    text
}
