//! A forger who speaks the format: reads a store's journal into values, changes any of them, and writes it back with
//! every CRC right.
//!
//! What is *not* mended by itself is what the tests are about: stored leaves and links stay unless `relink` recomputes
//! them, and what `heads` said stays in any case. With nothing changed, the bytes written are the bytes read.

use crate::simulation::disk::SimulatedDisk;
use sealog_engine::format::commit::{self, BatchKey, NewKey, NewLine, PartHead};
use sealog_engine::format::journal::{
    FRAME_HEADER_BYTES, FRAMES_OFFSET, FileHeader, FrameHeader, FrameType, payload_crc,
};
use sealog_engine::format::record::{self, Record};
use sealog_engine::identity::{self, Identity};
use sealog_engine::journal::{self, Event, JournalReader};
use sealog_engine::proof::{Hash, Key, digest, hashes};
use std::collections::HashMap;

/// A store's journal, taken apart.
#[derive(Clone)]
pub struct Forge {
    disk: SimulatedDisk,
    /// Who the store is.
    pub identity: Identity,
    /// Journal files, in order.
    pub files: Vec<FileImage>,
}

/// One journal file.
#[derive(Clone)]
pub struct FileImage {
    /// Its header.
    pub header: FileHeader,
    /// Its frames, in order. Each is written where the one before ends.
    pub frames: Vec<FrameImage>,
}

/// One frame.
#[derive(Clone)]
pub struct FrameImage {
    /// Its header; place, length, counts and CRC are computed when it is written.
    pub header: FrameHeader,
    /// Its parts.
    pub parts: Vec<PartImage>,
    /// Keys of its batches.
    pub batch_keys: Vec<BatchKey>,
}

/// Entries of one chain in one frame.
#[derive(Clone)]
pub struct PartImage {
    /// The chain.
    pub service: String,
    /// Kind of the entries.
    pub kind: u8,
    /// Position of the first.
    pub first_seq: u64,
    /// The leaf before it.
    pub prev: Hash,
    /// Lines that begin here.
    pub lines: Vec<(u32, [u8; 16], String)>,
    /// Salt keys that begin here.
    pub keys: Vec<NewKey>,
    /// The entries.
    pub rows: Vec<RowImage>,
}

/// One entry.
#[derive(Clone)]
pub struct RowImage {
    /// Its line.
    pub line: u32,
    /// Its record.
    pub record: Vec<u8>,
    /// Its leaf, as stored.
    pub leaf: Hash,
}

/// Where an entry lies: file, frame, part, row.
pub type At = (usize, usize, usize, usize);

impl Forge {
    /// Takes a store's journal apart.
    pub fn open(disk: &SimulatedDisk) -> Forge {
        let disk = disk.observer();
        let identity = identity::read(&disk).unwrap();
        let mut files: Vec<FileImage> = Vec::new();
        let mut reader = JournalReader::new(&disk, identity.id).unwrap();
        while let Some(event) = reader.next_event().unwrap() {
            let frame = match event {
                Event::Frame(frame) => frame,
                Event::End(_) => break,
                Event::Damage(damage) => panic!("a forger begins with a whole store: {damage:?}"),
            };
            if files.last().is_none_or(|file| file.header.journal != frame.journal) {
                let bytes = disk.bytes(&journal::path(frame.journal)).unwrap();
                files.push(FileImage {
                    header: FileHeader::decode(&bytes[..64]).unwrap(),
                    frames: Vec::new(),
                });
            }
            let mut image = FrameImage { header: frame.header, parts: Vec::new(), batch_keys: Vec::new() };
            if frame.header.frame_type == FrameType::Commit {
                let (parts, entries) = (frame.header.part_count, frame.header.entry_count);
                let commit = commit::decode(frame.payload(), parts, entries).unwrap();
                image.parts = commit.parts.iter().map(part_image).collect();
                image.batch_keys = commit.batch_keys;
            }
            files.last_mut().unwrap().frames.push(image);
        }
        drop(reader);
        Forge { disk, identity, files }
    }

    /// Writes every file, with right places, counts and CRCs.
    pub fn write(&self) {
        for file in &self.files {
            self.disk.put(&journal::path(file.header.journal), &file.encode());
        }
    }

    /// Every frame, with its place.
    pub fn frames(&mut self) -> impl Iterator<Item = &mut FrameImage> {
        self.files.iter_mut().flat_map(|file| &mut file.frames)
    }

    /// Where an entry lies.
    pub fn find(&self, service: &str, seq: u64) -> At {
        for (f, file) in self.files.iter().enumerate() {
            for (r, frame) in file.frames.iter().enumerate() {
                for (p, part) in frame.parts.iter().enumerate() {
                    let index = seq.wrapping_sub(part.first_seq) as usize;
                    if part.service == service && index < part.rows.len() {
                        return (f, r, p, index);
                    }
                }
            }
        }
        panic!("no entry {seq} of {service}");
    }

    /// An entry.
    pub fn row(&mut self, service: &str, seq: u64) -> &mut RowImage {
        let (file, frame, part, row) = self.find(service, seq);
        &mut self.files[file].frames[frame].parts[part].rows[row]
    }

    /// The part in which an entry lies.
    pub fn part(&mut self, service: &str, seq: u64) -> &mut PartImage {
        let (file, frame, part, _) = self.find(service, seq);
        &mut self.files[file].frames[frame].parts[part]
    }

    /// The frame in which an entry lies.
    pub fn frame(&mut self, service: &str, seq: u64) -> &mut FrameImage {
        let (file, frame, ..) = self.find(service, seq);
        &mut self.files[file].frames[frame]
    }

    /// Changes what an entry's record says.
    pub fn rewrite(&mut self, service: &str, seq: u64, change: impl FnOnce(&mut Record<'_>)) {
        let row = self.row(service, seq);
        row.record = rewritten(&row.record, change);
    }

    /// Takes an entry away; those behind it in its part close up. Positions are as `relink` makes them.
    pub fn drop_entry(&mut self, service: &str, seq: u64) {
        let (file, frame, part, row) = self.find(service, seq);
        let frames = &mut self.files[file].frames;
        frames[frame].parts[part].rows.remove(row);
        frames[frame].parts.retain(|part| !part.rows.is_empty());
    }

    /// Numbers frames anew, each vouching for all before it, and files' first frames with them.
    pub fn renumber(&mut self) {
        let mut number = 1;
        for file in &mut self.files {
            file.header.first_frame = number;
            for frame in &mut file.frames {
                frame.header.number = number.try_into().unwrap();
                frame.header.durable = number - 1;
                number += 1;
            }
        }
    }

    /// Gives every entry the position, the link and the leaf that follow from the records in their order: all that a
    /// forger can recompute but for what `heads` said.
    pub fn relink(&mut self) {
        let (name, store_id) = (self.identity.name.as_str().to_owned(), self.identity.id);
        let mut tails: HashMap<String, (u64, Hash)> = HashMap::new();
        let mut keys: HashMap<(String, u32), Key> = HashMap::new();
        for frame in self.files.iter_mut().flat_map(|file| &mut file.frames) {
            let logged_at = frame.header.logged_at;
            for part in &mut frame.parts {
                let origin = hashes::origin(&name, &part.service);
                let (next_seq, prev) = tails
                    .entry(part.service.clone())
                    .or_insert_with(|| (0, hashes::genesis(&store_id, &origin)));
                for key in &part.keys {
                    keys.insert((part.service.clone(), key.line), key.key);
                }
                (part.first_seq, part.prev) = (*next_seq, *prev);
                for row in &mut part.rows {
                    let key = keys[&(part.service.clone(), row.line)];
                    let skeleton = hashes::Skeleton {
                        kind: part.kind,
                        chain_id: hashes::chain_id(&origin),
                        seq: *next_seq,
                        logged_at,
                    };
                    row.leaf = leaf(&skeleton, &key, prev, &row.record);
                    (*next_seq, *prev) = (*next_seq + 1, row.leaf);
                }
            }
        }
    }

    /// Distributes the frames over several files, each beginning with one of these frames.
    pub fn split(&mut self, first_frames: &[u64]) {
        let frames: Vec<FrameImage> = self.files.drain(..).flat_map(|file| file.frames).collect();
        for (index, first) in first_frames.iter().enumerate() {
            let end = first_frames.get(index + 1).copied().unwrap_or(u64::MAX);
            let own = frames.iter().filter(|frame| (*first..end).contains(&frame.header.number.get()));
            let header = FileHeader {
                store_id: self.identity.id,
                journal: index as u64 + 1,
                first_frame: *first,
                trimmed: 0,
                nonce: [index as u8 + 1; 8],
            };
            self.files.push(FileImage { header, frames: own.cloned().collect() });
        }
    }
}

/// A record that says something else, encoded as the engine would.
pub fn rewritten(bytes: &[u8], change: impl FnOnce(&mut Record<'_>)) -> Vec<u8> {
    let mut record = record::decode(bytes).unwrap();
    change(&mut record);
    let mut arena = Vec::new();
    let lengths = record::encode_parts(&record.entry, &mut arena).unwrap();
    let (id, rest) = arena.split_at(lengths.id_bytes as usize);
    let parts = record::Parts { id, rest, pair_count: lengths.pair_count };
    let mut out = Vec::new();
    record::assemble(parts, record.tenant_seq, record.logged_by, record.artifact_held, &mut out);
    out
}

/// `H(0x00 ‖ leaf_data)`, from the record up.
fn leaf(skeleton: &hashes::Skeleton, key: &Key, prev: &Hash, record: &[u8]) -> Hash {
    let mut message = Vec::new();
    hashes::salt_message(key, skeleton.seq, &mut message);
    let salt = hashes::salt_of(&digest(&[&message]));
    message.clear();
    hashes::body_message(&salt, record, &mut message);
    let body = digest(&[&message]);
    message.clear();
    skeleton.leaf_message(prev, &body, &mut message);
    digest(&[&message])
}

fn part_image(part: &commit::Part<'_>) -> PartImage {
    let rows = part.rows.iter().enumerate();
    PartImage {
        service: part.service.to_owned(),
        kind: part.kind,
        first_seq: part.first_seq,
        prev: part.prev,
        lines: part.lines.iter().map(|line| (line.line, line.nonce, line.tenant.to_owned())).collect(),
        keys: part.keys.clone(),
        rows: rows
            .map(|(index, row)| RowImage {
                line: row.line,
                record: part.record(index).to_vec(),
                leaf: *part.leaf(index),
            })
            .collect(),
    }
}

impl FileImage {
    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = [self.header.encode(), self.header.encode()].concat();
        assert_eq!(bytes.len() as u64, FRAMES_OFFSET);
        for frame in &self.frames {
            let frame = frame.encode(&self.header.nonce, bytes.len() as u64);
            bytes.extend(frame);
        }
        bytes
    }
}

impl FrameImage {
    fn encode(&self, nonce: &[u8; 8], offset: u64) -> Vec<u8> {
        let mut bytes = vec![0; FRAME_HEADER_BYTES];
        for part in &self.parts {
            part.encode(&mut bytes);
        }
        if self.header.frame_type == FrameType::Commit {
            commit::write_batch_keys(&mut bytes, &self.batch_keys);
        }
        let payload = &bytes[FRAME_HEADER_BYTES..];
        let header = FrameHeader {
            offset,
            payload_bytes: payload.len() as u32,
            payload_crc: payload_crc(nonce, self.header.number, payload),
            part_count: self.parts.len() as u32,
            entry_count: self.parts.iter().map(|part| part.rows.len() as u32).sum(),
            ..self.header
        };
        bytes[..FRAME_HEADER_BYTES].copy_from_slice(&header.encode(nonce));
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }
}

impl PartImage {
    fn encode(&self, out: &mut Vec<u8>) {
        let lines: Vec<NewLine<'_>> = self
            .lines
            .iter()
            .map(|(line, nonce, tenant)| NewLine { line: *line, nonce: *nonce, tenant })
            .collect();
        let head = PartHead {
            service: &self.service,
            kind: self.kind,
            first_seq: self.first_seq,
            prev: &self.prev,
            lines: &lines,
            keys: &self.keys,
            entry_count: self.rows.len() as u32,
        };
        commit::write_part_head(out, head);
        for row in &self.rows {
            out.extend((row.record.len() as u32).to_le_bytes());
            out.extend(row.line.to_le_bytes());
        }
        self.rows.iter().for_each(|row| out.extend(row.leaf));
        self.rows.iter().for_each(|row| out.extend(&row.record));
    }
}
