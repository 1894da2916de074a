//! Which values a field has among the entries that match, and how many entries have each.

use super::aggregate::{self, Gather};
use super::sealed::Found;
use super::{Filter, ScanProblem, Scope};
use crate::format::column::text;
use crate::format::column::window::Window;
use crate::format::record::Record;
use crate::format::segment::SegmentError;
use crate::format::segment::columns::Field;
use crate::limits;
use crate::model::{Severity, Timestamp};
use crate::segment::view::{Column, Cursors, View as SegmentView};
use crate::view::View;
use std::collections::HashMap;

/// A field whose values are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of the entry that it is named for")]
pub enum Facet {
    Tenant,
    Organization,
    Service,
    Severity,
    Activity,
    ActorType,
    ActorId,
    ActorName,
    OnBehalfOf,
    ObjectId,
    ObjectName,
    ConfigurationId,
    RequestId,
    Success,
}

/// The values of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// The commonest values with their numbers of entries: the most first, equal ones by value as bytes.
    pub values: Vec<(String, u64)>,
    /// Entries with any other value.
    pub others: u64,
    /// Entries without one.
    pub absent: u64,
    /// Whether there were more values than are told apart ([`limits::FACET_VALUES_MAX`]): then a value that came late may
    /// be among the others with all its entries.
    pub is_cut: bool,
    /// What could not be read: entries there are not counted.
    pub problems: Vec<ScanProblem>,
}

impl Facet {
    /// The field's name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Facet::Tenant => "tenant",
            Facet::Organization => "organization",
            Facet::Service => "service",
            Facet::Severity => "severity",
            Facet::Activity => "activity",
            Facet::ActorType => "actor.type",
            Facet::ActorId => "actor.id",
            Facet::ActorName => "actor.name",
            Facet::OnBehalfOf => "on_behalf_of",
            Facet::ObjectId => "object.id",
            Facet::ObjectName => "object.name",
            Facet::ConfigurationId => "configuration_id",
            Facet::RequestId => "request_id",
            Facet::Success => "success",
        }
    }

    /// All of them.
    pub const ALL: [Facet; 14] = [
        Facet::Tenant,
        Facet::Organization,
        Facet::Service,
        Facet::Severity,
        Facet::Activity,
        Facet::ActorType,
        Facet::ActorId,
        Facet::ActorName,
        Facet::OnBehalfOf,
        Facet::ObjectId,
        Facet::ObjectName,
        Facet::ConfigurationId,
        Facet::RequestId,
        Facet::Success,
    ];

    fn column(self) -> Option<Field> {
        Some(match self {
            Facet::Tenant | Facet::Service => return None,
            Facet::Severity => Field::Severity,
            Facet::Success => Field::Success,
            Facet::Organization => Field::Organization,
            Facet::Activity => Field::Activity,
            Facet::ActorType => Field::ActorType,
            Facet::ActorId => Field::ActorId,
            Facet::ActorName => Field::ActorName,
            Facet::OnBehalfOf => Field::OnBehalfOf,
            Facet::ObjectId => Field::ObjectId,
            Facet::ObjectName => Field::ObjectName,
            Facet::ConfigurationId => Field::ConfigurationId,
            Facet::RequestId => Field::RequestId,
        })
    }

    fn of_record<'r>(self, record: &'r Record<'_>) -> &'r str {
        let entry = &record.entry;
        match self {
            Facet::Tenant => &entry.tenant,
            Facet::Organization => &entry.organization,
            Facet::Service => &entry.service,
            Facet::Severity => entry.severity.name(),
            Facet::Activity => &entry.activity,
            Facet::ActorType => &entry.actor.kind,
            Facet::ActorId => &entry.actor.id,
            Facet::ActorName => &entry.actor.name,
            Facet::OnBehalfOf => &entry.on_behalf_of,
            Facet::ObjectId => &entry.object.id,
            Facet::ObjectName => &entry.object.name,
            Facet::ConfigurationId => &entry.configuration_id,
            Facet::RequestId => &entry.request_id,
            Facet::Success => entry.success.map_or("", success_name),
        }
    }
}

fn success_name(success: bool) -> &'static str {
    if success { "true" } else { "false" }
}

impl View {
    /// The values that a field has among the entries that match `filter` within `scope`: the `most` commonest ones.
    pub fn facets(&self, scope: &Scope, filter: &Filter, facet: Facet, most: usize) -> Facets {
        let (mut sum, problems) = aggregate::gather::<Sum>(self, scope, filter, &facet);
        let absent = sum.counts.remove("").unwrap_or(0);
        let mut values: Vec<(String, u64)> =
            sum.counts.into_iter().map(|(value, count)| (value.into_string(), count)).collect();
        values.sort_unstable_by(|(a, most), (b, more)| more.cmp(most).then_with(|| a.cmp(b)));
        let rest = values.split_off(most.min(values.len()));
        let others = sum.others + rest.iter().map(|(_, count)| count).sum::<u64>();
        Facets { values, others, absent, is_cut: sum.is_cut, problems }
    }
}

/// Numbers by value; entries without one by the empty text.
#[derive(Default)]
struct Sum {
    counts: HashMap<Box<str>, u64, foldhash::fast::RandomState>,
    others: u64,
    is_cut: bool,
    codes: Window,
    by_code: Vec<u64>,
}

impl Sum {
    fn count(&mut self, value: &str, entries: u64) {
        if let Some(count) = self.counts.get_mut(value) {
            *count += entries;
        } else if entries == 0 {
        } else if self.counts.len() < limits::FACET_VALUES_MAX {
            self.counts.insert(value.into(), entries);
        } else {
            self.others += entries;
            self.is_cut = true;
        }
    }

    fn count_texts<'a>(
        &mut self,
        view: &SegmentView<'a>,
        field: Field,
        found: &[Found],
        cursors: &mut Cursors<'a>,
    ) -> Result<(), SegmentError> {
        let Some(Column::Texts(column)) = view.column(field)? else {
            self.count("", found.len() as u64);
            return Ok(());
        };
        // Rows by code first: most codes stand for one text.
        self.codes.forget();
        self.by_code.clear();
        self.by_code.resize(text::TEMPLATE as usize, 0);
        let mut is_constant = Vec::with_capacity(text::TEMPLATE as usize);
        is_constant.extend([true, false, false]);
        let constants: Vec<Option<String>> = column
            .templates()
            .map(|template| {
                let text = template.literal().filter(|text| !text.is_empty());
                text.and_then(|text| std::str::from_utf8(text).ok()).map(str::to_owned)
            })
            .collect();
        is_constant.extend(constants.iter().map(Option::is_some));
        self.by_code.resize(is_constant.len(), 0);
        for Found { place, .. } in found {
            let code = usize::try_from(self.codes.get(column.codes(), *place)).unwrap_or(usize::MAX);
            if is_constant.get(code) == Some(&true) {
                self.by_code[code] += 1;
            } else {
                let text = view.text_next(field, *place, cursors)?.unwrap_or_default();
                let text = std::str::from_utf8(text).map_err(|_| SegmentError {
                    offset: 0,
                    expected: "UTF-8",
                    found: format!("other bytes in {}", field.name()),
                })?;
                self.count(text, 1);
            }
        }
        self.count("", self.by_code[text::ABSENT as usize]);
        for (number, constant) in constants.iter().enumerate() {
            if let Some(constant) = constant {
                let rows = self.by_code[text::TEMPLATE as usize + number];
                self.count(constant, rows);
            }
        }
        Ok(())
    }
}

impl Gather for Sum {
    type Asked = Facet;

    fn add_rows<'a>(
        &mut self,
        facet: &Facet,
        view: &SegmentView<'a>,
        found: &[Found],
        cursors: &mut Cursors<'a>,
    ) -> Result<(), SegmentError> {
        match (facet, facet.column()) {
            (Facet::Service, _) => self.count(&view.footer().service, found.len() as u64),
            (Facet::Severity | Facet::Success, Some(field)) => {
                let mut counts = [0; 8];
                for Found { place, .. } in found {
                    // What is no class and no success makes no record: reading that says so.
                    counts[usize::try_from(view.number_next(field, *place, cursors)?).unwrap_or(7).min(7)] +=
                        1;
                }
                if *facet == Facet::Severity {
                    for severity in Severity::ALL {
                        self.count(severity.name(), counts[usize::from(severity.class())]);
                    }
                } else {
                    self.count("", counts[0]);
                    self.count(success_name(false), counts[1]);
                    self.count(success_name(true), counts[2]);
                }
            }
            (_, Some(field)) => self.count_texts(view, field, found, cursors)?,
            (_, None) => {
                let (runs, tenants) = (view.places()?.runs(), view.tenants()?);
                let mut at = 0;
                for Found { place, .. } in found {
                    if runs.get(at).is_none_or(|run| place.wrapping_sub(run.first) >= run.count) {
                        at = runs.partition_point(|run| run.first <= *place).saturating_sub(1);
                    }
                    let tenant = runs.get(at).and_then(|run| tenants.get(run.tenant as usize));
                    self.count(tenant.map_or("", |tenant| &tenant.tenant), 1);
                }
            }
        }
        Ok(())
    }

    fn add_entry(&mut self, facet: &Facet, _: Timestamp, record: &Record<'_>) {
        self.count(facet.of_record(record), 1);
    }

    fn add(&mut self, other: Sum) {
        self.others += other.others;
        self.is_cut |= other.is_cut;
        for (value, entries) in other.counts {
            self.count(&value, entries);
        }
    }
}
