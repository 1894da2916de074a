//! Names of tenants, each once in memory: one tenant has rows in the open segments of many chains.

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;

/// All names that open segments had rows of. There are no more than a store may have tenants.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashSet<Arc<str>, RandomState>>);

impl Names {
    /// The one copy of a name.
    pub fn share(&self, name: &str) -> Arc<str> {
        let mut names = self.0.lock();
        if let Some(known) = names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        names.insert(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_in_memory_once() {
        let names = Names::default();
        let (first, other, again) = (names.share("acme"), names.share("globex"), names.share("acme"));
        assert!(Arc::ptr_eq(&first, &again) && *first == *"acme" && *other == *"globex");
    }
}
