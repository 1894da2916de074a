//! The bytes of a file: sparse, and cheap to copy, so that a disk can be copied at every step of a run.

use std::sync::Arc;

const PAGE_BYTES: usize = 4096;

/// Bytes of a file. A page that is not there reads as zeros.
///
/// Invariant: bytes of the last page behind `length` are zero, so growing shows zeros.
#[derive(Clone, Debug, Default)]
pub struct Content {
    pages: Vec<Option<Arc<[u8; PAGE_BYTES]>>>,
    length: u64,
}

/// Whether all bytes are zero; compares whole blocks, because most of a journal's tail is.
pub fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 1024] = [0; 1024];
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

impl Content {
    /// Bytes in the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads as many bytes as there are.
    pub fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let count = self.length.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let mut done = 0;
        while done < count {
            let (page, at) = place(offset + done as u64);
            let step = (PAGE_BYTES - at).min(count - done);
            let part = &mut buffer[done..done + step];
            match self.pages.get(page) {
                Some(Some(bytes)) => part.copy_from_slice(&bytes[at..at + step]),
                _ => part.fill(0),
            }
            done += step;
        }
        count
    }

    /// Writes all bytes; grows if they reach further.
    pub fn write(&mut self, bytes: &[u8], offset: u64) {
        let end = offset + bytes.len() as u64;
        if end > self.length {
            self.set_length(end);
        }
        let mut done = 0;
        while done < bytes.len() {
            let (page, at) = place(offset + done as u64);
            let step = (PAGE_BYTES - at).min(bytes.len() - done);
            let part = &bytes[done..done + step];
            let slot = &mut self.pages[page];
            if slot.is_some() || !is_zero(part) {
                let page = slot.get_or_insert_with(|| Arc::new([0; PAGE_BYTES]));
                Arc::make_mut(page)[at..at + step].copy_from_slice(part);
            }
            done += step;
        }
    }

    /// Cuts, or grows with zeros.
    pub fn set_length(&mut self, length: u64) {
        self.pages.resize(length.div_ceil(PAGE_BYTES as u64) as usize, None);
        let (page, at) = place(length);
        if length < self.length
            && at > 0
            && let Some(Some(last)) = self.pages.get_mut(page)
        {
            Arc::make_mut(last)[at..].fill(0);
        }
        self.length = length;
    }

    /// All bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length as usize];
        self.read(&mut bytes, 0);
        bytes
    }
}

fn place(offset: u64) -> (usize, usize) {
    ((offset / PAGE_BYTES as u64) as usize, (offset % PAGE_BYTES as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_does_not_come_back() {
        let mut content = Content::default();
        content.write(&[7; 9000], 100);
        assert_eq!(content.length(), 9100);
        content.set_length(5000);
        content.set_length(9100);
        let bytes = content.to_vec();
        assert!(is_zero(&bytes[..100]) && is_zero(&bytes[5000..]));
        assert!(bytes[100..5000].iter().all(|byte| *byte == 7));
        let mut part = [1; 10];
        assert_eq!(content.read(&mut part, 9095), 5);
    }
}
