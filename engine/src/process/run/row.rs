//! One process as bytes: what of it lies in the heap.

use super::bytes::{Reader, put_number, put_signed, put_text};
use crate::limits;
use crate::model::{Severity, Timestamp};
use crate::process::node::{Node, Part};
use crate::process::own::{Counts, End, Link, Origin, Own, Point, Status};
use std::sync::Arc;

/// Where a process stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// It is a part of none.
    Top = 0,
    /// It is a part of one that has entries.
    Sub = 1,
    /// It is a part of one that had no entries when this was written.
    Orphan = 2,
    /// Its entries name several organizations: what it is depends on which of them are asked.
    Mixed = 3,
}

/// What lists ask first, in a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// None of one without entries.
    pub status: Option<Status>,
    /// Of all its entries; none if it and those below it have none.
    pub severity: Option<Severity>,
    pub level: Level,
}

const NO_STATUS: u8 = 7;

impl State {
    pub fn of(node: &Node) -> State {
        let level = match node.parent() {
            _ if !node.parts.is_empty() => Level::Mixed,
            None => Level::Top,
            Some(_) if node.is_parent_known => Level::Sub,
            Some(_) => Level::Orphan,
        };
        State { status: node.own.as_ref().map(Own::status), severity: node.counts().severity(), level }
    }

    pub fn byte(self) -> u8 {
        let status = self.status.map_or(NO_STATUS, Status::number);
        status | self.severity.map_or(0, Severity::class) << 3 | (self.level as u8) << 6
    }

    pub fn from_byte(byte: u8) -> Option<State> {
        let status = match byte & 7 {
            NO_STATUS => None,
            number => Some(Status::ALL.into_iter().find(|status| status.number() == number)?),
        };
        let severity = match byte >> 3 & 7 {
            0 => None,
            class => Some(Severity::from_class(u64::from(class))?),
        };
        let levels = [Level::Top, Level::Sub, Level::Orphan, Level::Mixed];
        let level = levels.into_iter().find(|own| *own as u8 == byte >> 6)?;
        Some(State { status, severity, level })
    }
}

/// Gives texts of a run their codes, or codes their texts.
pub trait Codes {
    fn service(&mut self, service: &str) -> u64;
    fn activity(&mut self, activity: &str) -> u64;
}

/// Texts by their codes.
pub trait Texts {
    fn service(&self, code: u64) -> Option<Arc<str>>;
    fn activity(&self, code: u64) -> Option<&str>;
}

mod flag {
    pub const OWN: u8 = 1;
    pub const BELOW: u8 = 2;
    pub const CUT: u8 = 4;
    pub const PARENT_KNOWN: u8 = 8;
    pub const PARTS: u8 = 16;

    pub const STARTED: u8 = 1;
    pub const CANCEL_REQUESTED: u8 = 2;
    pub const END: u8 = 4;
    pub const LINK: u8 = 8;
    /// The origin is the first entry.
    pub const ORIGIN_FIRST: u8 = 16;
    /// The end is the last entry.
    pub const END_LAST: u8 = 32;
    /// The link is of the first entry.
    pub const LINK_FIRST: u8 = 64;
}

/// Appends all of a process but its tenant.
pub fn put(node: &Node, codes: &mut dyn Codes, out: &mut Vec<u8>) {
    let has_below = node.below != Counts::default();
    let bits = [
        (node.own.is_some(), flag::OWN),
        (has_below, flag::BELOW),
        (node.is_cut, flag::CUT),
        (node.is_parent_known, flag::PARENT_KNOWN),
        (!node.parts.is_empty(), flag::PARTS),
    ];
    out.push(flags(&bits));
    put_text(out, &node.id);
    if has_below {
        put_counts(node.below, out);
    }
    if let Some(own) = &node.own {
        put_own(own, codes, out);
    }
    if !node.parts.is_empty() {
        put_number(out, node.parts.len() as u64);
        for part in &node.parts {
            put_text(out, &part.organization);
            put_own(&part.own, codes, out);
        }
    }
}

/// Reads what [`put`] wrote; none if it is something else.
pub fn get(bytes: &[u8], tenant: Arc<str>, replaces: bool, texts: &dyn Texts) -> Option<Node> {
    let mut reader = Reader { rest: bytes };
    let bits = reader.byte()?;
    let id = reader.text()?;
    let below = if bits & flag::BELOW != 0 { get_counts(&mut reader)? } else { Counts::default() };
    let own = if bits & flag::OWN != 0 { Some(get_own(&mut reader, texts)?) } else { None };
    let mut parts = Vec::new();
    if bits & flag::PARTS != 0 {
        let count = reader.number()?;
        for _ in 0..count.min(limits::PROCESS_ORGANIZATIONS_MAX as u64) {
            let organization = reader.text()?;
            parts.push(Part { organization, own: get_own(&mut reader, texts)? });
        }
    }
    reader.rest.is_empty().then_some(Node {
        tenant,
        id,
        own,
        parts,
        below,
        is_cut: bits & flag::CUT != 0,
        is_parent_known: bits & flag::PARENT_KNOWN != 0,
        replaces,
    })
}

/// The ID, and nothing else.
pub fn id(bytes: &[u8]) -> Option<Box<str>> {
    let mut reader = Reader { rest: bytes };
    reader.byte()?;
    reader.text()
}

fn flags(bits: &[(bool, u8)]) -> u8 {
    bits.iter().filter(|(is_set, _)| *is_set).fold(0, |flags, (_, bit)| flags | bit)
}

fn put_counts(counts: Counts, out: &mut Vec<u8>) {
    counts.0.into_iter().for_each(|count| put_number(out, count));
}

fn get_counts(reader: &mut Reader<'_>) -> Option<Counts> {
    let mut counts = Counts::default();
    for count in &mut counts.0 {
        *count = reader.number()?;
    }
    Some(counts)
}

/// A point, its time as the distance from another.
fn put_point(point: &Point, since: Timestamp, codes: &mut dyn Codes, out: &mut Vec<u8>) {
    put_time(point.logged_at, since, out);
    put_number(out, codes.service(&point.service));
    put_number(out, point.seq);
}

fn get_point(reader: &mut Reader<'_>, since: Timestamp, texts: &dyn Texts) -> Option<Point> {
    let logged_at = get_time(reader, since)?;
    let service = texts.service(reader.number()?)?;
    Some(Point { logged_at, service, seq: reader.number()? })
}

fn put_time(time: Timestamp, since: Timestamp, out: &mut Vec<u8>) {
    put_signed(out, time.nanos().wrapping_sub(since.nanos()));
}

fn get_time(reader: &mut Reader<'_>, since: Timestamp) -> Option<Timestamp> {
    Some(Timestamp::from_nanos(since.nanos().wrapping_add(reader.signed()?)))
}

fn put_own(own: &Own, codes: &mut dyn Codes, out: &mut Vec<u8>) {
    let is_origin_first = own.origin.at == own.first;
    let is_end_last = own.end.as_ref().is_some_and(|end| end.at == own.last);
    let is_link_first = own.link.as_ref().is_some_and(|link| link.at == own.first);
    out.push(flags(&[
        (own.origin.is_started, flag::STARTED),
        (own.is_cancel_requested, flag::CANCEL_REQUESTED),
        (own.end.is_some(), flag::END),
        (own.link.is_some(), flag::LINK),
        (is_origin_first, flag::ORIGIN_FIRST),
        (is_end_last, flag::END_LAST),
        (is_link_first, flag::LINK_FIRST),
    ]));
    let since = own.first.logged_at;
    put_point(&own.first, Timestamp::default(), codes, out);
    put_point(&own.last, since, codes, out);
    if !is_origin_first {
        put_point(&own.origin.at, since, codes, out);
    }
    let origin = &own.origin;
    put_text(out, &origin.organization);
    put_number(out, codes.activity(&origin.activity));
    put_text(out, &origin.request_id);
    put_text(out, &origin.configuration_id);
    put_time(origin.started, since, out);
    if let Some(end) = &own.end {
        if !is_end_last {
            put_point(&end.at, since, codes, out);
        }
        out.push(end.status.number());
        put_time(end.finished, end.at.logged_at, out);
    }
    if let Some(link) = &own.link {
        if !is_link_first {
            put_point(&link.at, since, codes, out);
        }
        put_text(out, &link.parent);
    }
    put_counts(own.counts, out);
}

fn get_own(reader: &mut Reader<'_>, texts: &dyn Texts) -> Option<Own> {
    let bits = reader.byte()?;
    let has = |bit: u8| bits & bit != 0;
    let first = get_point(reader, Timestamp::default(), texts)?;
    let since = first.logged_at;
    let last = get_point(reader, since, texts)?;
    let at = if has(flag::ORIGIN_FIRST) { first.clone() } else { get_point(reader, since, texts)? };
    let origin = Origin {
        is_started: has(flag::STARTED),
        at,
        organization: reader.text()?,
        activity: texts.activity(reader.number()?)?.into(),
        request_id: reader.text()?,
        configuration_id: reader.text()?,
        started: get_time(reader, since)?,
    };
    let mut end = None;
    if has(flag::END) {
        let at = if has(flag::END_LAST) { last.clone() } else { get_point(reader, since, texts)? };
        let number = reader.byte()?;
        let status = Status::ALL.into_iter().find(|status| status.number() == number)?;
        let finished = get_time(reader, at.logged_at)?;
        end = Some(End { at, status, finished });
    }
    let mut link = None;
    if has(flag::LINK) {
        let at = if has(flag::LINK_FIRST) { first.clone() } else { get_point(reader, since, texts)? };
        link = Some(Link { at, parent: reader.text()? });
    }
    let counts = get_counts(reader)?;
    Some(Own { first, last, origin, end, link, is_cancel_requested: has(flag::CANCEL_REQUESTED), counts })
}
