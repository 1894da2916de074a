//! `sealog init`: makes a store.

use super::{check_directory, print};
use crate::cli::Init;
use crate::failure::Outcome;
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::hex;
use sealog_engine::store::{Options, create};

pub fn run(args: &Init) -> Outcome {
    check_directory(&args.data)?;
    let options = Options { name: args.name.clone(), ..Options::default() };
    let identity = create(&DirectoryDisk::new(&args.data), &options)?;
    print(format!("{} {}\n", identity.name, hex::encode(&identity.id)).as_bytes())
}
