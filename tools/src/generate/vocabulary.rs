//! The words: account IDs, people, places, hosts, reasons. Invented or generic; domains end in `.example`
//! (RFC 2606) and addresses come from the documentation ranges (RFC 5737, RFC 3849), so nobody real is named.
//!
//! Only words. Which of them a tenant or an entry gets is decided elsewhere. Nothing here needs JSON escaping
//! except the reasons, which are templates and are escaped as such.
//!
//! Word lists are kept in lines (`rustfmt::skip`): a column of 96 words is harder to read over, not easier.

/// First halves of account IDs. Their count plus one is a prime, which `Tenant::write_name` relies on.
#[rustfmt::skip]
pub(super) const TENANT_WORDS: [&str; 96] = [
    "acme", "northwind", "bluebird", "helvetia", "kestrel", "ostsee", "granite", "juniper", "marlow", "polaris",
    "sunfield", "tallgrass", "vantage", "waldhof", "zephyr", "alpenblick", "birchwood", "cascade", "delmar",
    "evergreen", "fjordline", "goldcrest", "harbour", "ironbridge", "jasmin", "kingfisher", "lakeside", "meridian",
    "nordlicht", "oakridge", "pinecrest", "quarry", "riverton", "silverline", "terrano", "union", "vela",
    "westport", "yarrow", "amberly", "baltic", "copperfield", "dunmore", "elmstead", "falcon", "glenmore",
    "hazelton", "inselhof", "jadeport", "koralle", "lindenhof", "montclair", "newhaven", "orchard", "pacifica",
    "quintero", "redwood", "stonegate", "tidewater", "umbra", "valmont", "windmere", "yorkdale", "zenith",
    "argent", "bergmann", "clearwater", "driftwood", "eastgate", "foxglove", "greenway", "highland", "islay",
    "junction", "kelvin", "larkspur", "moorland", "nimbus", "opaline", "prairie", "rosedale", "seaview",
    "thornton", "upland", "verdant", "wexford", "aurora", "brightside", "cobalt", "dovetail", "ember", "firth",
    "gravity", "hollow", "indigo", "keystone",
];

/// Second halves of account IDs.
#[rustfmt::skip]
pub(super) const TENANT_SUFFIXES: [&str; 12] = [
    "corp", "group", "labs", "gmbh", "media", "health", "legal", "trade", "hotels", "systems", "energy", "foods",
];

/// Hosting spaces below a tenant, the most used first.
#[rustfmt::skip]
pub(super) const ORGANIZATIONS: [&str; 16] = [
    "Headquarters", "Sales EMEA", "Berlin", "Zürich", "Support", "North America", "München", "Genève", "Logistics",
    "São Paulo", "北京", "Kraków", "Research", "Malmö", "Subsidiary West", "Training Lab",
];

/// A name as people write it, and as it stands in a mail address.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) shown: &'static str,
    pub(super) mail: &'static str,
}

const fn name(shown: &'static str, mail: &'static str) -> Name {
    Name { shown, mail }
}

/// Given names in Latin letters.
#[rustfmt::skip]
pub(super) const GIVEN_NAMES: [Name; 40] = [
    name("Anna", "anna"), name("Ben", "ben"), name("Zoë", "zoe"), name("Jürgen", "juergen"), name("Laura", "laura"),
    name("Tom", "tom"), name("Chloé", "chloe"), name("Michael", "michael"), name("Sofia", "sofia"),
    name("Łukasz", "lukasz"), name("Emma", "emma"), name("Noah", "noah"), name("Søren", "soeren"),
    name("Priya", "priya"), name("David", "david"), name("Inés", "ines"), name("Marco", "marco"),
    name("Aisha", "aisha"), name("Björn", "bjoern"), name("Julia", "julia"), name("Peter", "peter"),
    name("Hannah", "hannah"), name("Carlos", "carlos"), name("Nadia", "nadia"), name("Stefan", "stefan"),
    name("Grace", "grace"), name("Øystein", "oystein"), name("Mia", "mia"), name("Daniel", "daniel"),
    name("Renée", "renee"), name("Oliver", "oliver"), name("Fatima", "fatima"), name("Paul", "paul"),
    name("Katarína", "katarina"), name("James", "james"), name("Linh", "linh"), name("Matteo", "matteo"),
    name("Ruth", "ruth"), name("Viktor", "viktor"), name("Elena", "elena"),
];

/// Family names in Latin letters.
#[rustfmt::skip]
pub(super) const FAMILY_NAMES: [Name; 40] = [
    name("Keller", "keller"), name("Smith", "smith"), name("Lindqvist", "lindqvist"), name("Müller", "mueller"),
    name("Rossi", "rossi"), name("Novák", "novak"), name("Okafor", "okafor"), name("Weber", "weber"),
    name("García", "garcia"), name("Jensen", "jensen"), name("O’Neill", "oneill"), name("Dubois", "dubois"),
    name("Patel", "patel"), name("Schäfer", "schaefer"), name("Brown", "brown"), name("Kowalski", "kowalski"),
    name("Silva", "silva"), name("Nguyen", "nguyen"), name("Hofmann", "hofmann"), name("Taylor", "taylor"),
    name("Ångström", "angstroem"), name("Costa", "costa"), name("Bauer", "bauer"), name("Murphy", "murphy"),
    name("Yılmaz", "yilmaz"), name("Virtanen", "virtanen"), name("Meyer", "meyer"), name("Wilson", "wilson"),
    name("Ferrari", "ferrari"), name("Popescu", "popescu"), name("van Dijk", "vandijk"), name("Becker", "becker"),
    name("Haddad", "haddad"), name("Fischer", "fischer"), name("Clarke", "clarke"), name("Horváth", "horvath"),
    name("Tanaka", "tanaka"), name("Lefèvre", "lefevre"), name("Braun", "braun"), name("Moreau", "moreau"),
];

/// Whole names in other scripts, where given and family name don't mix freely.
#[rustfmt::skip]
pub(super) const WHOLE_NAMES: [Name; 8] = [
    name("王芳", "wang.fang"), name("佐藤健", "sato.ken"), name("Ольга Смирнова", "olga.smirnova"),
    name("Δημήτρης Παππάς", "dimitris.pappas"), name("김민준", "kim.minjun"), name("李伟", "li.wei"),
    name("ليلى حداد", "layla.haddad"), name("Іван Шевченко", "ivan.shevchenko"),
];

/// Servers within a tenant's domain that messages speak of.
pub(super) const HOSTS: [&str; 6] = ["mx1", "imap", "exchange02", "files", "mx2", "backup"];

/// Directory servers within a tenant's domain.
pub(super) const DIRECTORY_HOSTS: [&str; 4] = ["dc01", "ldap", "dc02", "adfs"];

/// Browsers and programs that call the API.
pub(super) const USER_AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/129.0.0.0 Safari/537.36",
    "msp-control-cli/4.2.1",
    "python-requests/2.32.3",
    "Outlook-Add-In/24.2",
];

/// Why an action was refused: the caller can do something about it.
pub(super) const REFUSALS: [&str; 12] = [
    "permission is missing for the role Help Desk",
    "it was changed by {user.id} in the meantime, expected version {small}",
    "the name is already in use",
    "the quota of {gb} GB is used up to {percent} %",
    "the session has expired",
    "validation failed: field \"displayName\" is longer than 64 characters",
    "the rate limit of 120 requests a minute is reached",
    "the license plan allows no more than {small} of them",
    "confirmation by a second administrator is pending",
    "validation failed:\n\t- name must not be empty\n\t- domain must be verified first",
    "the domain {domain} has not been verified",
    "{user.id} has been deactivated by the directory service",
];

/// Why a session was refused.
pub(super) const SESSION_REFUSALS: [&str; 6] = [
    "wrong password, attempt {digit} of 5",
    "wrong password",
    "the one-time code has expired",
    "the account is locked for {small} minutes after 5 wrong passwords",
    "the address {ip} is outside the allowed networks",
    "the session is unknown or has expired",
];

/// Why an action broke: somebody has to look at it.
pub(super) const BREAKDOWNS: [&str; 10] = [
    "{dc} did not answer within 30 s",
    "database node db-0{digit} is read-only during a failover",
    "internal error, reference {hex}",
    "storage volume vol-{small} reported I/O error 5",
    "connection to {dc}:636 was reset after {millis} ms",
    "certificate of {host} has expired",
    "queue mail-commands is full ({count} waiting)",
    "unexpected answer 502 \"Bad Gateway\" from {host}",
    "deadlock found, gave up after 5 attempts",
    "TLS handshake with {host} failed:\n\talert protocol_version (70)\n\toffered TLS 1.0, required TLS 1.2",
];

/// What a successful action adds when something about it needs attention.
pub(super) const NOTES: [&str; 6] = [
    "; took {millis} ms, which is unusually long",
    "; the notification to {user.id} could not be delivered",
    "; repeated after a conflict with another change",
    "; {host} runs on its standby",
    "; the certificate of {host} expires in {small} days",
    "; takes effect only after the next synchronization",
];
