//! One figure of recovery, the bound it must keep, and how both are printed.

use std::fmt;

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// What it is of, with its unit.
    pub(crate) name: String,
    /// How much.
    pub(crate) value: f64,
    /// What it must be.
    pub(crate) bound: Bound,
}

/// What a figure must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Anything: it is told, not judged.
    Told,
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Figure {
    /// A figure that is told, not judged.
    pub(crate) fn told(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, bound: Bound::Told }
    }

    /// A figure that must not exceed this.
    pub(crate) fn at_most(bound: f64, name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, bound: Bound::AtMost(bound) }
    }

    /// A figure that must reach this.
    pub(crate) fn at_least(bound: f64, name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, bound: Bound::AtLeast(bound) }
    }

    /// Whether it is what it must be.
    pub(crate) fn holds(&self) -> bool {
        match self.bound {
            Bound::Told => true,
            Bound::AtMost(bound) => self.value <= bound,
            Bound::AtLeast(bound) => self.value >= bound,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = shown(self.value);
        let (bound, holds) = match self.bound {
            Bound::Told => (String::new(), ""),
            Bound::AtMost(bound) => (format!("<= {}", shown(bound)), self.judged()),
            Bound::AtLeast(bound) => (format!(">= {}", shown(bound)), self.judged()),
        };
        let line = format!("{:<68}{value:>12}  {bound:<14}{holds}", self.name);
        f.write_str(line.trim_end())
    }
}

impl Figure {
    fn judged(&self) -> &'static str {
        if self.holds() { "holds" } else { "BROKEN" }
    }
}

/// Counts as they are, seconds to the hundredth.
fn shown(value: f64) -> String {
    if value.fract() == 0.0 || value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_judged_by_its_bound() {
        for (figure, holds, says) in [
            (Figure::told("rows", 7.0), true, "7"),
            (Figure::at_most(5.0, "seconds", 5.0), true, "5 <= 5 holds"),
            (Figure::at_most(5.0, "seconds", 5.009), false, "5.01 <= 5 BROKEN"),
            (Figure::at_least(300_000.0, "rows", 300_000.4), true, "300000 >= 300000 holds"),
            (Figure::at_least(300_000.0, "rows", 299_999.0), false, "299999 >= 300000 BROKEN"),
        ] {
            assert_eq!(figure.holds(), holds, "{figure}");
            let line = figure.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(line.starts_with(&figure.name) && line.ends_with(&format!(" {says}")), "{line}");
        }
    }
}
