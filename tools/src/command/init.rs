//! `sealog init`: makes a store.

use super::print;
use crate::cli::Init;
use crate::failure::{Failure, Outcome};
use sealog_engine::disk::DirectoryDisk;
use sealog_engine::hex;
use sealog_engine::model::StoreName;
use sealog_engine::store::{Options, create};

pub fn run(args: &Init) -> Outcome {
    let name = args.name.as_deref().map(StoreName::new).transpose();
    let name = name.map_err(|error| Failure::Input(error.to_string()))?;
    let options = Options { name, ..Options::default() };
    let identity = create(&DirectoryDisk::new(&args.data), &options)?;
    print(format!("{} {}\n", identity.name, hex::encode(&identity.id)).as_bytes())
}
