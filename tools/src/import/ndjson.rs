//! An export of this product: entries as they are, with or without what a log added.

use super::Defaults;
use sealog_engine::model::{Accept, Entry, parse_entry};

/// The names of an export already fit: a service is taken as it is written.
pub(super) fn map<'a>(line: &'a [u8], defaults: &Defaults) -> Result<Entry<'a>, String> {
    let mut entry = parse_entry(line, Accept::Export).map_err(|error| error.to_string())?;
    if entry.tenant.is_empty() {
        entry.tenant = defaults.tenant(None, "`tenant`")?;
    }
    if entry.service.is_empty() {
        defaults.set_service(&mut entry, None, "`service`")?;
    }
    Ok(entry)
}
