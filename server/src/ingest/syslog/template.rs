//! The service of a listener's messages: a text with places for what a message says of itself.

use super::line::{Line, facility};
use std::borrow::Cow;

/// A template such as `{app}` or `edge-{host}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    App,
    Host,
    Facility,
}

/// A text that is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a text with {{app}}, {{host}} or {{facility}} in it, or none of them, found {0:?}")]
pub struct TemplateError(String);

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It is empty, or has a brace that belongs to none of the places.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let wrong = || TemplateError(text.chars().take(64).collect());
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let open = rest.find('{').unwrap_or(rest.len());
            let (plain, after) = rest.split_at(open);
            if plain.contains('}') {
                return Err(wrong());
            }
            if !plain.is_empty() {
                parts.push(Part::Text(plain.to_owned()));
            }
            rest = after;
            if let Some(after) = rest.strip_prefix('{') {
                let (name, after) = after.split_once('}').ok_or_else(wrong)?;
                parts.push(match name {
                    "app" => Part::App,
                    "host" => Part::Host,
                    "facility" => Part::Facility,
                    _ => return Err(wrong()),
                });
                rest = after;
            }
        }
        if parts.is_empty() { Err(wrong()) } else { Ok(Template(parts)) }
    }

    /// The name of a message's service; none where the message does not say what the template needs.
    pub fn name<'s>(&'s self, line: &Line<'s>) -> Option<Cow<'s, str>> {
        let text = |part: &'s Part| match part {
            Part::Text(text) => text.as_str(),
            Part::App => line.program,
            Part::Host => line.host,
            Part::Facility => line.priority.map_or("", facility),
        };
        if let [part] = &self.0[..] {
            return Some(Cow::Borrowed(text(part))).filter(|name| !name.is_empty());
        }
        let mut name = String::new();
        for part in &self.0 {
            let text = text(part);
            if text.is_empty() {
                return None;
            }
            name.push_str(text);
        }
        Some(Cow::Owned(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_or_there_is_no_name() {
        let line = Line { priority: Some(34), host: "h1", program: "su", ..Line::default() };
        for (template, name) in
            [("{app}", "su"), ("edge-{host}", "edge-h1"), ("fixed", "fixed"), ("{facility}.{app}", "auth.su")]
        {
            let template = Template::parse(template).unwrap();
            assert_eq!(template.name(&line).as_deref(), Some(name));
        }
        assert_eq!(Template::parse("{host}-{app}").unwrap().name(&Line::default()), None);
        for bad in ["", "{", "}", "{x}", "a{app", "{app}}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
