//! Which service of the platform writes an entry, under which name, and with which digits of a second.
//!
//! There are twelve components. A plan with fewer services folds them together; one with more runs several
//! instances of each, and a tenant stays with its instance, as sharded services do.

use super::json::{Precision, padded, text};
use super::tenant::Tenant;

/// A component of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Component {
    Portal,
    Identity,
    MailApi,
    Archive,
    DirectorySync,
    Scheduler,
    WebHosting,
    Retention,
    Dns,
    Backup,
    Billing,
    Export,
}

const COMPONENT_COUNT: u32 = 12;

/// The components, in the order of the enum. Not every service bothers to look up names: what comes from the
/// archive says `mb-77123` and leaves it to the page to resolve it.
const COMPONENTS: [(&str, Precision, Names); COMPONENT_COUNT as usize] = [
    ("portal", Precision::Millis, Names::Written),
    ("identity", Precision::Millis, Names::Written),
    ("mail-api", Precision::Millis, Names::OfObjects),
    ("archive", Precision::Micros, Names::LeftOut),
    ("directory-sync", Precision::Nanos, Names::Written),
    ("scheduler", Precision::Millis, Names::Written),
    ("web-hosting", Precision::Millis, Names::OfObjects),
    ("retention", Precision::Micros, Names::OfObjects),
    ("dns", Precision::Nanos, Names::OfObjects),
    ("backup", Precision::Millis, Names::OfObjects),
    ("billing", Precision::Millis, Names::Written),
    ("export", Precision::Micros, Names::Written),
];

/// Whose readable names a component writes beside the IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of actors and objects.
    Written,
    /// Those of objects only.
    OfObjects,
    /// None.
    LeftOut,
}

impl Component {
    /// The name of the component's first service.
    pub(super) fn name(self) -> &'static str {
        COMPONENTS[self as usize].0
    }

    /// How finely the component writes times.
    pub(super) fn precision(self) -> Precision {
        COMPONENTS[self as usize].1
    }

    /// Whose readable names the component writes.
    pub(super) fn names(self) -> Names {
        COMPONENTS[self as usize].2
    }

    /// Appends the name of the service that writes this component's entries for a tenant, when the platform has
    /// `service_count` services (at least 1).
    pub(super) fn write_service(self, tenant: Tenant, service_count: u32, out: &mut Vec<u8>) {
        let index = self as u32 % service_count;
        text(out, COMPONENTS[index as usize].0);
        // Instances of this component: numbers index, index + 12, index + 24, … below the count.
        let instance_count = (service_count - index).div_ceil(COMPONENT_COUNT);
        let instance = if instance_count > 1 { tenant.0 % instance_count } else { 0 };
        if instance > 0 {
            out.push(b'-');
            padded::<2>(out, u64::from(instance) + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const ALL: [Component; 12] = [
        Component::Portal,
        Component::Identity,
        Component::MailApi,
        Component::Archive,
        Component::DirectorySync,
        Component::Scheduler,
        Component::WebHosting,
        Component::Retention,
        Component::Dns,
        Component::Backup,
        Component::Billing,
        Component::Export,
    ];

    fn names(service_count: u32) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for component in ALL {
            for rank in 0..1000 {
                let mut out = Vec::new();
                component.write_service(Tenant(rank), service_count, &mut out);
                names.insert(String::from_utf8(out).unwrap());
            }
        }
        names
    }

    #[test]
    fn there_are_as_many_services_as_asked() {
        for service_count in [1, 2, 5, 12, 13, 24, 30, 1200] {
            let names = names(service_count);
            assert_eq!(names.len(), service_count as usize);
            assert!(names.iter().all(|name| !name.starts_with("sealog.") && name.len() <= 128));
        }
        assert!(names(12).contains("mail-api"));
        assert!(names(24).contains("mail-api-02"));
    }
}
