//! Tables on stdout.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Result;

use crate::samples::Samples;

/// Prints text as it is.
///
/// # Errors
/// Nobody reads it.
pub(crate) fn print(text: &str) -> Result<()> {
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Tells something beside the results.
pub(crate) fn note(text: &str) {
    // Without a reader there is nobody to tell.
    drop(writeln!(io::stderr(), "{text}"));
}

/// A table of measurements: what, median, shortest, longest, and a remark.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    rows: Vec<[String; 5]>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        let head = ["", "median", "min", "max", ""].map(str::to_owned);
        Self { title: title.into(), rows: vec![head] }
    }

    /// Adds a measurement.
    pub(crate) fn row(&mut self, what: &str, samples: &Samples, remark: impl Into<String>) {
        let figures = [samples.median(), samples.min(), samples.max()].map(figure);
        let [median, min, max] = figures;
        self.rows.push([what.to_owned(), median, min, max, remark.into()]);
    }

    /// Prints it, columns aligned.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(crate) fn print(&self) -> Result<()> {
        let mut widths = [0; 5];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let [what, median, min, max, _] = widths;
        let mut text = format!("\n{}\n", self.title);
        for [a, b, c, d, e] in &self.rows {
            let line = format!("  {a:what$}  {b:>median$}  {c:>min$}  {d:>max$}  {e}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        print(&text)
    }
}

/// A duration with three figures.
pub(crate) fn figure(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        _ if micros < 1_000.0 => format!("{} µs", three_figures(micros)),
        _ if micros < 1_000_000.0 => format!("{} ms", three_figures(micros / 1e3)),
        _ => format!("{} s", three_figures(micros / 1e6)),
    }
}

fn three_figures(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits() {
        let figures = [1_234, 12_345, 123_456, 1_234_567, 12_345_678, 1_234_567_890];
        assert_eq!(
            figures.map(|nanos| figure(Duration::from_nanos(nanos))),
            ["1.23 µs", "12.3 µs", "123 µs", "1.23 ms", "12.3 ms", "1.23 s"]
        );
    }
}
