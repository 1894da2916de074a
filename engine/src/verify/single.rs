//! One segment file by itself, before it takes the place of others.

use super::segment::{self, Depth, Job};
use super::survey;
use crate::disk::Disk;
use crate::format::segment::Footer;
use crate::model::Window;
use crate::threads;

/// Recomputes everything of one segment file from its bytes; what is wrong with it, if anything.
pub(crate) fn check_segment(disk: &dyn Disk, path: &str) -> Result<Footer, String> {
    let sealed = survey::single(disk, path)?;
    let job = Job {
        sealed: &sealed,
        service: &sealed.footer.service,
        depth: Depth::Whole,
        // What merges do not touch.
        kept: None,
        window: Window::default(),
        cuts: &[],
        claims: &[],
        heads_times: &[],
        copies_from: None,
    };
    let outcome = segment::check(disk, &job, threads::count());
    match outcome.findings.first() {
        Some(finding) => {
            Err(format!("entries {} to {}: {}", finding.first_seq, finding.last_seq, finding.detail))
        }
        None if outcome.is_whole => Ok(sealed.footer),
        None => Err("not all of it could be recomputed".to_owned()),
    }
}
