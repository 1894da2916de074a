//! Who and what exists in a tenant: its account ID, its people, mailboxes, policies and other objects.
//!
//! Nothing is stored. Every name and ID is computed from the tenant's rank and the object's index, so that the
//! same `mb-77123` has the same name wherever it turns up, in every run and for every seed, at no cost of memory.

use super::json::{decimal, padded, text};
use super::random::{Random, mix};
use super::vocabulary::{
    FAMILY_NAMES, GIVEN_NAMES, Name, ORGANIZATIONS, TENANT_SUFFIXES, TENANT_WORDS, WHOLE_NAMES,
};

/// A tenant by its rank: 0 is the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenant(pub(super) u32);

impl Tenant {
    /// Appends the account ID. No two ranks share one: see the test.
    ///
    /// Rank w + 96 q takes word w and suffix (w + 97 q) mod 12; 97 and 12 have no common factor, so that a word
    /// meets each suffix once in the first 12 rounds. Later rounds end in the rank's number instead.
    pub(super) fn write_name(self, out: &mut Vec<u8>) {
        let rank = self.0 as usize;
        let round = rank / TENANT_WORDS.len();
        text(out, TENANT_WORDS[rank % TENANT_WORDS.len()]);
        out.push(b'-');
        if round < TENANT_SUFFIXES.len() {
            text(out, TENANT_SUFFIXES[(rank + round) % TENANT_SUFFIXES.len()]);
        } else {
            padded::<4>(out, u64::from(self.0));
        }
    }

    /// Appends the tenant's mail and web domain.
    #[inline]
    pub(super) fn write_domain(self, out: &mut Vec<u8>) {
        self.write_name(out);
        text(out, ".example");
    }

    /// A large customer has a few thousand users, a small one a dozen.
    #[inline]
    pub(super) fn user_count(self) -> u32 {
        12 + 4000 / (self.0 + 1)
    }

    /// One of the tenant's organizations, the first ones more often.
    #[inline]
    pub(super) fn organization(self, random: &mut Random) -> &'static str {
        let count = if self.0 < 50 { 8 } else { 3 };
        // Each tenant starts at another place in the list, so that not everybody has the same headquarters.
        let first = if self.0.is_multiple_of(3) { 0 } else { self.hash(0, 0) };
        let index = first + u64::from(random.below_skewed(count));
        ORGANIZATIONS[slot(index, ORGANIZATIONS.len())]
    }

    /// A stable random number for something in this tenant.
    #[inline]
    fn hash(self, kind: u64, index: u32) -> u64 {
        mix((u64::from(self.0) << 40) ^ (kind << 32) ^ u64::from(index))
    }
}

/// What kind of thing an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    Mailbox,
    RetentionPolicy,
    Role,
    ApiKey,
    Website,
    DnsRecord,
    BackupPlan,
    ArchivingProfile,
    DirectoryService,
    HostingSpace,
    Certificate,
    Database,
    Device,
    Invoice,
}

/// How the objects of a kind are numbered and named.
struct Naming {
    /// Put before the number.
    prefix: &'static str,
    /// The tenant's first number lies below this; the others follow it.
    numbers_from: u32,
    /// The names, in turn; `@` at the end stands for the tenant's domain.
    names: &'static [&'static str],
}

impl Kind {
    #[rustfmt::skip]
    fn naming(self) -> Naming {
        let (prefix, numbers_from, names): (_, _, &'static [&'static str]) = match self {
            Self::User => ("u-", 9_000, &[]),
            Self::Mailbox => ("mb-", 90_000, &[]),
            Self::Group => ("g-", 900, &["All Staff", "Accounting", "Sales", "Vertrieb Süd", "IT Operations", "Legal", "Interns",
                "Management", "Facility", "Werkstatt", "Projet Étoile", "Contractors"]),
            Self::RetentionPolicy => ("rp-", 40, &["Business mail", "Tax records", "Applicants", "Management", "Newsletters"]),
            Self::Role => ("r-", 20, &["Help Desk", "Auditor", "Admin", "Mailbox Operator", "Billing Contact", "Read Only"]),
            Self::ApiKey => ("ak-", 700, &["CRM connector", "CI deployment", "Monitoring", "Phone system", "ERP export"]),
            Self::Website => ("ws-", 5_000, &["www.@", "shop.@", "blog.@", "intranet.@", "careers.@", "status.@"]),
            Self::DnsRecord => ("rr-", 30_000, &["MX @", "TXT _dmarc.@", "A vpn.@", "CNAME autodiscover.@", "AAAA www.@",
                "TXT @", "SRV _sip._tls.@"]),
            Self::BackupPlan => ("bp-", 300, &["Nightly full", "Hourly mail", "Weekly off-site", "Databases"]),
            Self::ArchivingProfile => ("ap-", 500, &["Exchange journal", "IMAP import", "Microsoft 365", "Inbound gateway"]),
            Self::DirectoryService => ("ds-", 80, &["Active Directory", "Microsoft Entra ID", "LDAP München", "Google Workspace"]),
            Self::HostingSpace => ("hs-", 2_000, &["Production", "Staging", "Customer Portal", "Archive 2019"]),
            Self::Certificate => ("crt-", 4_000, &["*.@", "mail.@", "www.@"]),
            Self::Database => ("db-", 600, &["shop_prod", "crm", "wordpress_blog", "tickets"]),
            Self::Device => ("dev-", 20_000, &["Notebook", "Desktop", "iPhone", "Pixel", "Conference Room", "Scanner"]),
            Self::Invoice => ("inv-", 60_000, &["Monthly invoice", "License overage", "Credit note"]),
        };
        Naming { prefix, numbers_from, names }
    }

    /// How many of these a tenant has.
    #[inline]
    fn count(self, tenant: Tenant) -> u32 {
        let users = tenant.user_count();
        match self {
            Self::User | Self::Mailbox => users,
            Self::Device | Self::Invoice => users / 2,
            Self::Group | Self::DnsRecord | Self::HostingSpace => 4 + users / 25,
            Self::Website | Self::Database | Self::Certificate | Self::ApiKey => 3 + users / 60,
            Self::RetentionPolicy | Self::Role | Self::ArchivingProfile => 4,
            Self::BackupPlan | Self::DirectoryService => 2,
        }
    }

    /// One of the tenant's objects of this kind; some come more often than others.
    #[inline]
    pub(super) fn draw(self, tenant: Tenant, random: &mut Random) -> Object {
        Object { tenant, kind: self, index: random.below_skewed(self.count(tenant)) }
    }
}

/// One object of one tenant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    tenant: Tenant,
    kind: Kind,
    index: u32,
}

impl Object {
    pub(super) fn new(tenant: Tenant, kind: Kind, index: u32) -> Self {
        Self { tenant, kind, index }
    }

    /// Whether the object is itself a piece of configuration, whose ID then is the entry's configuration ID.
    pub(super) fn is_configuration(self) -> bool {
        matches!(self.kind, Kind::ArchivingProfile | Kind::BackupPlan | Kind::DirectoryService)
    }

    /// Appends the ID, such as `u-1234`: unique within the tenant.
    pub(super) fn write_id(self, out: &mut Vec<u8>) {
        let naming = self.kind.naming();
        let spread = self.tenant.hash(self.kind as u64 + 1, u32::MAX) % u64::from(naming.numbers_from);
        text(out, naming.prefix);
        decimal(out, 1 + spread + u64::from(self.index));
    }

    /// Appends the readable name.
    pub(super) fn write_name(self, out: &mut Vec<u8>) {
        let names = self.kind.naming().names;
        match self.kind {
            Kind::User => self.person().write_shown(out),
            Kind::Mailbox => {
                self.write_mail_name(out);
                out.push(b'@');
                self.tenant.write_domain(out);
            }
            _ => {
                let first = self.tenant.hash(self.kind as u64 + 1, 0);
                let round = self.index as usize / names.len();
                let name = names[slot(first % 97 + u64::from(self.index), names.len())];
                // From the second round on the list has been used up: number its names, as people do.
                let number = round as u64 + 1;
                match name.strip_suffix('@') {
                    Some(host) => {
                        text(out, host);
                        if number > 1 {
                            text(out, "site");
                            decimal(out, number);
                            out.push(b'.');
                        }
                        self.tenant.write_domain(out);
                    }
                    None => {
                        text(out, name);
                        if number > 1 {
                            out.push(b' ');
                            decimal(out, number);
                        }
                    }
                }
            }
        }
    }

    /// Appends the name of a user or of a mailbox's owner as a login or mail address has it: mailbox and user of
    /// the same index belong together. From the 40th on a number keeps two people of one name apart.
    pub(super) fn write_mail_name(self, out: &mut Vec<u8>) {
        self.person().write_mail(out);
        if self.index >= 40 {
            decimal(out, u64::from(self.index));
        }
    }

    /// Appends the address from which a user usually comes: most from IPv4, some from IPv6.
    pub(super) fn write_ip(self, out: &mut Vec<u8>) {
        let hash = self.tenant.hash(40, self.index / 3);
        match hash % 8 {
            0 => {
                text(out, "2001:db8:");
                decimal(out, 1 + hash / 8 % 8999);
                text(out, "::");
                decimal(out, 1 + hash / 100_000 % 998);
            }
            network => {
                text(out, ["203.0.113.", "198.51.100.", "192.0.2.", "10.20.4."][slot(network, 4)]);
                decimal(out, 1 + hash / 8 % 254);
            }
        }
    }

    /// Appends the server that the object lives on: one of `hosts`, within the tenant's domain.
    pub(super) fn write_host(self, out: &mut Vec<u8>, hosts: &[&str]) {
        text(out, hosts[slot(self.tenant.hash(41, self.index), hosts.len())]);
        out.push(b'.');
        self.tenant.write_domain(out);
    }

    fn person(self) -> Person {
        let hash = self.tenant.hash(0, self.index);
        if hash.is_multiple_of(32) {
            return Person::Whole(&WHOLE_NAMES[slot(hash >> 32, WHOLE_NAMES.len())]);
        }
        let given = &GIVEN_NAMES[slot(hash >> 16 & 0xffff, GIVEN_NAMES.len())];
        let family = &FAMILY_NAMES[slot(hash >> 32 & 0xffff, FAMILY_NAMES.len())];
        Person::Pair(given, family)
    }
}

/// A person's name.
enum Person {
    Whole(&'static Name),
    Pair(&'static Name, &'static Name),
}

impl Person {
    fn write_shown(&self, out: &mut Vec<u8>) {
        match self {
            Self::Whole(name) => text(out, name.shown),
            Self::Pair(given, family) => {
                text(out, given.shown);
                out.push(b' ');
                text(out, family.shown);
            }
        }
    }

    fn write_mail(&self, out: &mut Vec<u8>) {
        match self {
            Self::Whole(name) => text(out, name.mail),
            Self::Pair(given, family) => {
                text(out, given.mail);
                out.push(b'.');
                text(out, family.mail);
            }
        }
    }
}

/// Folds any number into an index of a table with `count` items.
#[inline]
fn slot(number: u64, count: usize) -> usize {
    usize::try_from(number % count as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn account_ids_are_unique_and_short() {
        let names: HashSet<String> =
            (0..20_000).map(|rank| written(|out| Tenant(rank).write_name(out))).collect();
        assert_eq!(names.len(), 20_000);
        assert!(names.iter().all(|name| name.len() <= 128 && name != "sealog"));
        assert_eq!(written(|out| Tenant(0).write_name(out)), "acme-corp");
    }

    #[test]
    fn users_and_mailboxes_have_ids_and_addresses_of_their_own() {
        let tenant = Tenant(0);
        for kind in [Kind::User, Kind::Mailbox] {
            let object = |index| Object::new(tenant, kind, index);
            let ids: HashSet<String> =
                (0..4012).map(|index| written(|out| object(index).write_id(out))).collect();
            assert_eq!(ids.len(), 4012);
        }
        let address = |index| written(|out| Object::new(tenant, Kind::Mailbox, index).write_name(out));
        let addresses: HashSet<String> = (0..4012).map(address).collect();
        assert!(addresses.len() > 4000, "{}", addresses.len());
    }

    #[test]
    fn small_tenants_have_something_of_everything() {
        let mut random = Random::seeded(3);
        for kind in
            [Kind::User, Kind::Group, Kind::Device, Kind::Invoice, Kind::BackupPlan, Kind::DirectoryService]
        {
            let object = kind.draw(Tenant(999_999), &mut random);
            assert!(!written(|out| object.write_id(out)).is_empty());
            assert!(!written(|out| object.write_name(out)).is_empty());
        }
    }
}
