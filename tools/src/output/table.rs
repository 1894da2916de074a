//! Tables for people: aligned, coloured where wanted, no wider than the terminal.

use super::terminal::{printable, wants_colour, width};
use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use sealog_engine::model::{Committed, Severity};
use std::fmt::Display;

/// A style for standard output, or none where colours are not wanted.
fn styled(style: Style) -> Style {
    if wants_colour() { style } else { Style::new() }
}

/// Text in a style.
pub fn paint(style: Style, text: impl Display) -> String {
    let style = styled(style);
    format!("{style}{text}{style:#}")
}

/// Faint text, for what matters less.
pub fn faint(text: impl Display) -> String {
    paint(Style::new().dimmed(), text)
}

/// Bold text, for headings.
pub fn bold(text: impl Display) -> String {
    paint(Style::new().bold(), text)
}

/// Good news.
pub fn good(text: impl Display) -> String {
    paint(Style::new().bold().fg_color(Some(AnsiColor::Green.into())), text)
}

/// Bad news.
pub fn bad(text: impl Display) -> String {
    paint(Style::new().bold().fg_color(Some(AnsiColor::Red.into())), text)
}

fn severity_style(severity: Severity) -> Style {
    let colour = match severity {
        Severity::Trace | Severity::Debug => return Style::new().dimmed(),
        Severity::Information => return Style::new(),
        Severity::Warning => AnsiColor::Yellow,
        Severity::Error | Severity::Fatal => AnsiColor::Red,
    };
    Style::new().fg_color(Some(colour.into()))
}

/// A table without borders: a header, then rows; the columns in `right` are aligned to the right.
pub fn plain(header: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let aligned = |index: usize, text: String| {
        let alignment = if right.contains(&index) { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(text).set_alignment(alignment)
    };
    table.set_header(header.iter().enumerate().map(|(index, name)| aligned(index, (*name).to_owned())));
    for row in rows {
        table.add_row(row.into_iter().enumerate().map(|(index, text)| aligned(index, text)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let mut lines = text.into_iter();
    let head = lines.next().map(faint);
    head.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// Columns of the list of entries that are not free text, with their widths.
const TIME_COLUMNS: usize = 23;
const SEVERITY_COLUMNS: usize = 7;
/// Terminals narrower than this show no actor: the message needs the room.
const ACTOR_WIDTH_MIN: usize = 140;

/// The head of a list of entries.
pub fn entries_header() -> String {
    faint(Widths::new(width()).line([
        "LOGGED AT",
        "LEVEL",
        "SERVICE",
        "TENANT",
        "ACTIVITY",
        "ACTOR",
        "MESSAGE",
    ]))
}

/// One entry on one line.
pub fn entry_line(committed: &Committed<'_>) -> String {
    let entry = &committed.entry;
    let actor =
        [&entry.actor.name, &entry.actor.id, &entry.actor.kind].into_iter().find(|text| !text.is_empty());
    let severity = match entry.severity {
        Severity::Information => "info",
        other => other.name(),
    };
    let line = Widths::new(width()).line([
        &super::human::time(committed.logged_at),
        severity,
        &printable(&entry.service),
        &printable(&entry.tenant),
        &printable(&entry.activity),
        &printable(actor.map_or("", |actor| actor)),
        &printable(&entry.message),
    ]);
    paint(severity_style(entry.severity), line)
}

/// Widths of the columns of a list of entries: time, level, service, tenant, activity, actor, message.
struct Widths([usize; 7]);

impl Widths {
    fn new(width: usize) -> Widths {
        let rest = width.saturating_sub(TIME_COLUMNS + SEVERITY_COLUMNS + 6 * 2).max(48);
        let share = |parts: usize| rest * parts / 40;
        let (service, tenant, activity) = (share(7), share(7), share(9));
        let actor = if width < ACTOR_WIDTH_MIN { 0 } else { share(5) };
        let message = rest - service - tenant - activity - actor;
        Widths([TIME_COLUMNS, SEVERITY_COLUMNS, service, tenant, activity, actor, message])
    }

    fn line(&self, texts: [&str; 7]) -> String {
        let shown = texts.iter().zip(self.0).filter(|(_, columns)| *columns > 0);
        shown.map(|(text, columns)| fit(text, columns)).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// Cuts or pads a text to `columns` characters.
pub fn fit(text: &str, columns: usize) -> String {
    let length = text.chars().count();
    if length > columns {
        let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
        format!("{kept}…")
    } else {
        format!("{text}{}", " ".repeat(columns - length))
    }
}
