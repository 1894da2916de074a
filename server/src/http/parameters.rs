//! The query of a request: names and values, each to be taken once by somebody.

use super::Problem;
use sealog_engine::error::FieldError;

/// Parameters in one query.
const PARAMETERS_MAX: usize = 1_000;

/// The parameters that nobody took yet.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query: `+` and percent escapes as in forms.
    ///
    /// # Errors
    /// Escapes that are none, and text that is no UTF-8.
    pub fn parse(query: &str) -> Result<Parameters, Problem> {
        let mut all = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| unread(name))?;
            let value = decode(value).ok_or_else(|| unread(&name))?;
            all.push((name, value));
            if all.len() > PARAMETERS_MAX {
                return Err(Problem::unread("query", "expected at most 1000 parameters, found more"));
            }
        }
        Ok(Parameters(all))
    }

    /// Takes a parameter that may be given once.
    ///
    /// # Errors
    /// One that is given twice, or without a value.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut found = self.take_all(name)?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(Problem::unread(name, format!("{name}: expected it once, found it twice"))),
        }
    }

    /// Takes a parameter as often as it is given.
    ///
    /// # Errors
    /// One without a value.
    pub fn take_all(&mut self, name: &str) -> Result<Vec<String>, Problem> {
        let is_asked = |own: &str| own.replace('-', "_") == name;
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|(own, _)| is_asked(own));
        self.0 = left;
        let taken: Vec<(String, String)> = taken;
        if taken.iter().any(|(_, value)| value.is_empty()) {
            return Err(Problem::unread(name, format!("{name}: expected a value, found an empty one")));
        }
        Ok(taken.into_iter().map(|(_, value)| value).collect())
    }

    /// Takes a number.
    ///
    /// # Errors
    /// Another text, or a number outside of its bounds.
    pub fn take_number(&mut self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let number: u64 = text.parse().map_err(|_| {
            let found = FieldError::quote(&text);
            Problem::unread(name, format!("{name}: expected a number from {least} to {most}, found {found}"))
        })?;
        if (least..=most).contains(&number) {
            Ok(Some(number))
        } else {
            Err(Problem::refused(name, format!("{name}: expected {least} to {most}, found {number}")))
        }
    }

    /// Takes the rest.
    pub fn take_rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0)
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// A parameter that means nothing here.
    pub fn end(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let found = FieldError::quote(name);
                Err(Problem::unread(name, format!("expected a parameter of this route, found {found}")))
            }
        }
    }
}

fn unread(name: &str) -> Problem {
    Problem::unread(name, format!("{name}: expected UTF-8 with percent escapes, found other bytes"))
}

/// A part of a path or a query without its escapes.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A text as a value of a query.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let mut parameters = Parameters::parse("a=1&b=x%20y+z%2B&a=2&limit=5&empty=").unwrap();
        assert_eq!(parameters.take_all("a").unwrap(), ["1", "2"]);
        assert_eq!(parameters.take("b").unwrap().as_deref(), Some("x y z+"));
        assert_eq!(parameters.take_number("limit", 1, 5).unwrap(), Some(5));
        assert!(parameters.take("empty").is_err());
        assert!(Parameters::parse("a=%zz").is_err() && Parameters::parse("a=%ff").is_err());
        assert!(Parameters::parse("x=1").unwrap().end().is_err());
        assert_eq!(decode(&encode("a b+c/ä")).as_deref(), Some("a b+c/ä"));
    }
}
