//! Entries in one of the forms, one after the other.

use super::json;
use super::table::{entries_header, entry_line};
use crate::cli::OutputFormat;
use sealog_engine::model::Committed;
use sealog_server::csv;
use std::io::{self, Write};

/// Writes entries in one of the forms.
pub struct Printer<'o> {
    form: Form<'o>,
    count: u64,
}

enum Form<'o> {
    Table(&'o mut dyn Write),
    Ndjson(&'o mut dyn Write),
    Json(&'o mut dyn Write),
    CsvUnstarted(Option<&'o mut dyn Write>),
    Csv(Box<csv::Writer<&'o mut dyn Write>>),
}

impl<'o> Printer<'o> {
    /// A printer of this form.
    pub fn new(format: OutputFormat, out: &'o mut dyn Write) -> Printer<'o> {
        let form = match format {
            OutputFormat::Table => Form::Table(out),
            OutputFormat::Ndjson => Form::Ndjson(out),
            OutputFormat::Json => Form::Json(out),
            OutputFormat::Csv => Form::CsvUnstarted(Some(out)),
        };
        Printer { form, count: 0 }
    }

    /// What comes before the first entry.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Table(out) => writeln!(out, "{}", entries_header()),
            Form::Json(out) => out.write_all(b"["),
            Form::Ndjson(_) | Form::Csv(_) => Ok(()),
            Form::CsvUnstarted(out) => {
                if let Some(out) = out.take() {
                    self.form = Form::Csv(Box::new(csv::Writer::new(out)?));
                }
                Ok(())
            }
        }
    }

    /// One entry.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn entry(&mut self, committed: &Committed<'_>) -> io::Result<()> {
        self.count += 1;
        match &mut self.form {
            Form::Table(out) => writeln!(out, "{}", entry_line(committed)),
            Form::Ndjson(out) => {
                json::write(out, committed)?;
                out.write_all(b"\n")
            }
            Form::Json(out) => {
                out.write_all(if self.count == 1 { b"\n" } else { b",\n" })?;
                json::write(out, committed)
            }
            Form::Csv(writer) => writer.write(committed),
            Form::CsvUnstarted(_) => Ok(()),
        }
    }

    /// What comes behind the last entry.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Json(out) => out.write_all(b"\n]\n"),
            Form::Csv(writer) => writer.finish(),
            _ => Ok(()),
        }
    }
}
