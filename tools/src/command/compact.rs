//! `sealog compact`: merges sealed segments and encodes them for size.

use super::{check_directory, print};
use crate::cli::Compact;
use crate::failure::{Failure, Outcome};
use crate::output::{human, json, progress};
use sealog_engine::reader::Reader;
use sealog_engine::store::{Compacted, CompactionExtent, Options, Store, plan_compaction};

pub fn run(args: &Compact) -> Outcome {
    check_directory(&args.data)?;
    if args.dry_run {
        let reader = Reader::open(&args.data)?;
        if let Some(damage) = reader.view().damage().first() {
            return Err(Failure::Impossible(super::damage_text(damage)));
        }
        return tell(&plan_compaction(reader.view()), args);
    }
    let options = Options { create: false, ..Options::default() };
    let store = Store::open(&args.data, options)?;
    let planned = plan_compaction(store.view());
    let bar = progress::bytes_bar(Some(planned.bytes_before));
    let compacted = store.compact(CompactionExtent::Everything, |done| bar.set_position(done.bytes_before));
    bar.finish_and_clear();
    // What was merged before a failure stays, and the store is closed in either case.
    let compacted = compacted?;
    store.close()?;
    tell(&compacted, args)
}

fn tell(done: &Compacted, args: &Compact) -> Outcome {
    let mut out = Vec::new();
    if args.json {
        json::write(&mut out, done).map_err(|error| Failure::output(&error))?;
        out.push(b'\n');
        return print(&out);
    }
    let segments = |count: u64| human::counted(count, "segment", "segments");
    let text = match (done.segments_before, args.dry_run) {
        (0, _) => "nothing to merge: every segment is as it would be written\n".to_owned(),
        (before, true) => format!(
            "would make {} of {} ({}, {})\n",
            segments(done.segments_after),
            segments(before),
            human::counted(done.entries, "entry", "entries"),
            human::bytes(done.bytes_before)
        ),
        (before, false) => format!(
            "made {} of {} ({}): {} instead of {}\n",
            segments(done.segments_after),
            segments(before),
            human::counted(done.entries, "entry", "entries"),
            human::bytes(done.bytes_after),
            human::bytes(done.bytes_before)
        ),
    };
    out.extend_from_slice(text.as_bytes());
    print(&out)
}
