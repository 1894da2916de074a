//! Progress of long work: a bar on a terminal, nothing on a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over `total` bytes, or a count of them where the total is not known.
pub fn bytes_bar(total: Option<u64>) -> ProgressBar {
    bar(total, "{wide_bar} {bytes} of {total_bytes}, {eta} left", "{spinner} {bytes} in {elapsed}")
}

/// A bar over `total` entries, or a count of them where the total is not known.
pub fn entries_bar(total: Option<u64>) -> ProgressBar {
    bar(
        total,
        "{wide_bar} {human_pos} of {human_len} entries, {eta} left",
        "{spinner} {human_pos} entries in {elapsed}",
    )
}

fn bar(total: Option<u64>, with_total: &str, without: &str) -> ProgressBar {
    // `stderr` draws nothing where standard error is no terminal.
    let bar = match total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::no_length(),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
    if let Ok(style) = ProgressStyle::with_template(if total.is_some() { with_total } else { without }) {
        bar.set_style(style);
    }
    bar
}
