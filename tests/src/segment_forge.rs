//! A forger of segments: takes one apart, changes any part of it, and puts it together with every CRC right.

use sealog_engine::format::column::Effort;
use sealog_engine::format::segment::{self, Footer, Section, SectionKind, TenantRow, tenants};

/// A segment, taken apart.
#[derive(Clone)]
pub struct SegmentImage {
    /// Its footer; places and CRCs of sections are computed when it is written.
    pub footer: Footer,
    /// Its sections, in order.
    pub sections: Vec<(SectionKind, Vec<u8>)>,
}

impl SegmentImage {
    /// Takes a whole segment apart.
    pub fn open(bytes: &[u8]) -> SegmentImage {
        let footer = segment::footer_of(bytes).unwrap();
        let own = |section: &Section| {
            let from = section.offset as usize;
            (section.kind, bytes[from..from + section.bytes as usize].to_vec())
        };
        let sections = footer.sections.iter().map(own).collect();
        SegmentImage { footer, sections }
    }

    /// The bytes of a section.
    pub fn section(&mut self, kind: SectionKind) -> &mut Vec<u8> {
        self.sections.iter_mut().find(|(own, _)| *own == kind).map(|(_, bytes)| bytes).unwrap()
    }

    /// Changes the tenant table, which must agree with the footer up to here.
    pub fn change_tenants(&mut self, change: impl FnOnce(&mut Vec<TenantRow>)) {
        let entry_count = self.footer.entry_count;
        let bytes = self.section(SectionKind::Tenants);
        let mut rows = tenants::decode(bytes, entry_count).unwrap();
        change(&mut rows);
        bytes.clear();
        tenants::encode(&rows, Effort::Light, bytes);
    }

    /// The file's bytes, with right places and CRCs.
    pub fn encode(&self) -> Vec<u8> {
        let mut footer = self.footer.clone();
        let mut out = segment::encode_header(&footer).to_vec();
        footer.sections = self
            .sections
            .iter()
            .map(|(kind, bytes)| {
                let offset = out.len() as u64;
                out.extend_from_slice(bytes);
                let crc = crc32fast::hash(bytes);
                Section { kind: *kind, offset, bytes: bytes.len() as u64, crc }
            })
            .collect();
        segment::write_end(&footer, &mut out).unwrap();
        out
    }
}
