//! Reads what PHP's `serialize` writes, as far as it is data: whole numbers, decimals, texts by their
//! length in bytes, truth values, null and arrays. Objects and references are refused; nothing is
//! ever executed, and depth is bounded.

use serde_json::{Map, Number, Value};

/// How deep arrays may lie in each other.
const DEPTH: u32 = 32;

/// Reads a text that is JSON, or PHP-serialized, or empty.
pub(super) fn json_or_php(text: &str) -> Result<Value, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).or_else(|_| php(text))
}

fn php(text: &str) -> Result<Value, String> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let value = reader.value(0)?;
    if reader.at < reader.bytes.len() {
        return Err(reader.error("more follows where the value ends"));
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Result<Value, String> {
        if depth > DEPTH {
            return Err(self.error("arrays lie too deep in each other"));
        }
        match self.next()? {
            b'N' => self.expect(b';').map(|()| Value::Null),
            b'b' => match self.field()? {
                "0" => Ok(Value::Bool(false)),
                "1" => Ok(Value::Bool(true)),
                _ => Err(self.error("a truth value is neither 0 nor 1")),
            },
            b'i' => self.integer().map(Value::from),
            b'd' => {
                let decimal = self.field()?.parse::<f64>().map_err(|_| self.error("a decimal is none"))?;
                // JSON has no infinity and no NaN: PHP's own JSON refuses them too.
                Ok(Number::from_f64(decimal).map_or(Value::Null, Value::Number))
            }
            b's' => self.text().map(Value::String),
            b'a' => self.array(depth),
            b'O' | b'C' | b'E' => Err(self.error("an object")),
            b'R' | b'r' => Err(self.error("a reference")),
            _ => Err(self.error("neither JSON nor a PHP value")),
        }
    }

    fn array(&mut self, depth: u32) -> Result<Value, String> {
        self.expect(b':')?;
        let count = self.count(b':')?;
        self.expect(b'{')?;
        let mut fields = Map::new();
        for _ in 0..count {
            let key = match self.next()? {
                b'i' => self.integer()?.to_string(),
                b's' => self.text()?,
                _ => return Err(self.error("an array's key is neither number nor text")),
            };
            let value = self.value(depth + 1)?;
            fields.insert(key, value);
        }
        self.expect(b'}')?;
        Ok(Value::Object(fields))
    }

    fn text(&mut self) -> Result<String, String> {
        self.expect(b':')?;
        let length = self.count(b':')?;
        self.expect(b'"')?;
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.error("a text is longer than what is left"))?;
        let text = std::str::from_utf8(&self.bytes[self.at..end])
            .map_err(|_| self.error("a text's length cuts a character"))?;
        self.at = end;
        self.expect(b'"')?;
        self.expect(b';')?;
        Ok(text.into())
    }

    fn integer(&mut self) -> Result<i64, String> {
        self.field()?.parse().map_err(|_| self.error("a whole number is none"))
    }

    /// What stands between `:` and `;`.
    fn field(&mut self) -> Result<&'a str, String> {
        self.expect(b':')?;
        self.until(b';')
    }

    fn count(&mut self, end: u8) -> Result<usize, String> {
        self.until(end)?.parse().map_err(|_| self.error("a count is no number"))
    }

    fn until(&mut self, end: u8) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        // No number is longer; so a missing end is found without looking at all that follows.
        let found = rest.iter().take(64).position(|byte| *byte == end);
        let length = found.ok_or_else(|| self.error("a number does not end"))?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|_| self.error("a number is not text"))
    }

    fn next(&mut self) -> Result<u8, String> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(|| self.error("it ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, expected: u8) -> Result<(), String> {
        if self.next()? == expected {
            Ok(())
        } else {
            Err(self.error(&format!("{:?} is missing", char::from(expected))))
        }
    }

    fn error(&self, problem: &str) -> String {
        format!("{problem} at byte {}", self.at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_read() {
        for (text, expected) in [
            ("", json!(null)),
            ("null", json!(null)),
            (r#"{"a": [1, true]}"#, json!({"a": [1, true]})),
            ("N;", json!(null)),
            ("b:1;", json!(true)),
            ("i:-5;", json!(-5)),
            ("d:0.5;", json!(0.5)),
            ("d:INF;", json!(null)),
            ("s:3:\"a\"b\";", json!("a\"b")),
            ("s:2:\"ä\";", json!("ä")),
            ("a:0:{}", json!({})),
            ("a:2:{i:0;s:1:\"x\";s:1:\"k\";a:1:{i:7;N;}}", json!({"0": "x", "k": {"7": null}})),
        ] {
            assert_eq!(json_or_php(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        let deep = format!("{}N;{}", "a:1:{i:0;".repeat(40), "}".repeat(40));
        for text in [
            "O:8:\"stdClass\":0:{}",
            "C:1:\"x\":0:{}",
            "E:3:\"A:B\";",
            "a:2:{i:0;i:1;i:1;R:2;}",
            "r:1;",
            "a:1:{i:0;O:1:\"x\":0:{}}",
            "a:2:{i:0;N;}",
            "a:99999999999999999999:{}",
            "a:4294967295:{}",
            "s:5:\"ab\";",
            "s:1:\"ä\";",
            "s:18446744073709551615:\"a\";",
            "i:1",
            "i:1;i:2;",
            "b:2;",
            "x",
            "{",
            deep.as_str(),
        ] {
            assert!(json_or_php(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_never_panics(text in "[abdiNsORr:;{}\"0-9a-z\u{e4}]{0,60}") {
            let _either = json_or_php(&text);
        }
    }
}
