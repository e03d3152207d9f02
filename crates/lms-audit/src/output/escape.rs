//! Makes text safe to show: no control character reaches a terminal, no cell becomes a formula.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with control characters, and those that reorder or hide text (the bidirectional and
/// zero-width ones, by which a name can pose as another), written as escapes.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) { Cow::Owned(escaped(text, is_unsafe)) } else { Cow::Borrowed(text) }
}

/// Like [`escape`], but line breaks stay: for messages of several lines.
#[must_use]
pub fn escape_lines(text: &str) -> String {
    escaped(text, |c| is_unsafe(c) && c != '\n')
}

/// Serialized JSON with what [`escape`] escapes as `\u` escapes: the same value, safe to show.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let unsafe_here = |c: char| is_unsafe(c) && c != '\n';
    if !json.chars().any(unsafe_here) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if unsafe_here(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").expect("a String takes all");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A cell of CSV: escaped, and one that a spreadsheet would take for a formula begins with `'`
/// (OWASP, "CSV injection"; the full-width forms count as well).
#[must_use]
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let text = escape(text);
    if text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

fn escaped(text: &str, is_unsafe: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if is_unsafe(c) => out.push_str("\\n"),
            '\r' if is_unsafe(c) => out.push_str("\\r"),
            '\t' if is_unsafe(c) => out.push_str("\\t"),
            c if is_unsafe(c) => write!(out, "\\u{{{:x}}}", c as u32).expect("a String takes all"),
            c => out.push(c),
        }
    }
    out
}

fn is_unsafe(c: char) -> bool {
    let reorders_or_hides = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || reorders_or_hides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_is_not_text() {
        for (text, shown) in [
            ("Łukasz, 李小龙", "Łukasz, 李小龙"),
            ("a\x1b[31mred", "a\\u{1b}[31mred"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("invoice\u{202e}fdp.exe", "invoice\\u{202e}fdp.exe"),
            ("ad\u{ad}min\u{e0041}", "ad\\u{ad}min\\u{e0041}"),
        ] {
            assert_eq!(escape(text), shown);
        }
        assert_eq!(escape_lines("a\nb\x07"), "a\nb\\u{7}");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"name": "a\u{9b}b\u{202e}c\u{7f}\n"});
        let text = value.to_string();
        let shown = escape_json(&text);
        assert_eq!(shown, r#"{"name":"a\u009bb\u202ec\u007f\n"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1+1", "'＝1+1"),
            ("a=1", "a=1"),
            ("\t=1", "\\t=1"),
            ("", ""),
        ] {
            assert_eq!(csv_cell(text), cell, "{text}");
        }
    }
}
