//! Writes the seeds into the corpus: `cargo run -p sealog-fuzz --bin seeds`. Findings that are kept there stay.

use std::error::Error;
use std::fs::{File, create_dir_all};
use std::io::Write;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for seed in sealog_fuzz::seeds()? {
        let directory = corpus.join(seed.target);
        create_dir_all(&directory)?;
        File::create(directory.join(seed.name))?.write_all(&seed.bytes)?;
    }
    Ok(())
}
