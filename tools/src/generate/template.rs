//! Message texts with slots: parsed and escaped once, then written as bytes for every line.
//!
//! ```text
//! "Created user {object} ({object.id})"   →   "Created user "  ·  object's name  ·  " ("  ·  its ID  ·  ")"
//! ```

use super::actor::Actor;
use super::json::{decimal, escaped, hex16, text};
use super::random::Random;
use super::tenant::{Kind, Object, Tenant};
use super::vocabulary::{DIRECTORY_HOSTS, HOSTS};

/// What an entry is about; the slots of its message speak of the same things as its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) tenant: Tenant,
    pub(super) actor: Actor,
    pub(super) object: Object,
    /// Old and new value of the setting that changed; empty where none does.
    pub(super) change: Change,
}

/// The old and the new value of a setting.
pub(super) type Change = (&'static str, &'static str);

/// No setting changed.
pub(super) const NO_CHANGE: Change = ("", "");

/// A text that is ready to be filled in.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pieces: Vec<(Box<str>, Slot)>,
}

/// What stands after a piece of fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    End,
    Object,
    ObjectId,
    Actor,
    Ip,
    User,
    UserId,
    MailboxId,
    Group,
    Domain,
    /// A server and a directory server: for one object always the same.
    Host,
    DirectoryHost,
    /// How many users the tenant has.
    People,
    /// The value before a change, and the one after it.
    Old,
    New,
    Digit,
    Small,
    Count,
    Gigabytes,
    Percent,
    Millis,
    Hex,
}

const SLOTS: [(&str, Slot); 21] = [
    ("object", Slot::Object),
    ("object.id", Slot::ObjectId),
    ("actor", Slot::Actor),
    ("ip", Slot::Ip),
    ("user", Slot::User),
    ("user.id", Slot::UserId),
    ("mailbox.id", Slot::MailboxId),
    ("group", Slot::Group),
    ("domain", Slot::Domain),
    ("host", Slot::Host),
    ("dc", Slot::DirectoryHost),
    ("people", Slot::People),
    ("old", Slot::Old),
    ("new", Slot::New),
    ("digit", Slot::Digit),
    ("small", Slot::Small),
    ("count", Slot::Count),
    ("gb", Slot::Gigabytes),
    ("percent", Slot::Percent),
    ("millis", Slot::Millis),
    ("hex", Slot::Hex),
];

impl Template {
    /// Parses a text. A brace that opens no known slot stays text; the tests see to it that there is none.
    pub(super) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            literal.push_str(before);
            match slot_at(after) {
                Some((slot, behind)) => {
                    pieces.push((escaped(&literal).into(), slot));
                    literal.clear();
                    rest = behind;
                }
                None => {
                    literal.push('{');
                    rest = after;
                }
            }
        }
        literal.push_str(rest);
        pieces.push((escaped(&literal).into(), Slot::End));
        Self { pieces }
    }

    /// Parses all texts of a table.
    pub(super) fn all(texts: &[&str]) -> Vec<Self> {
        texts.iter().map(|text| Self::new(text)).collect()
    }

    /// Whether the text speaks of a change.
    pub(super) fn tells_change(&self) -> bool {
        self.pieces.iter().any(|(_, slot)| *slot == Slot::New)
    }

    /// Appends the text with every slot filled in. What a slot draws doesn't depend on time or on other lines.
    pub(super) fn write(&self, out: &mut Vec<u8>, scene: &Scene, random: &mut Random) {
        for (literal, slot) in &self.pieces {
            text(out, literal);
            match slot {
                Slot::End => {}
                Slot::Object => scene.object.write_name(out),
                Slot::ObjectId => scene.object.write_id(out),
                Slot::Actor => scene.actor.write_name(scene.tenant, out),
                Slot::Ip => scene.actor.write_ip(scene.tenant, out),
                Slot::User => Kind::User.draw(scene.tenant, random).write_name(out),
                Slot::UserId => Kind::User.draw(scene.tenant, random).write_id(out),
                Slot::MailboxId => Kind::Mailbox.draw(scene.tenant, random).write_id(out),
                Slot::Group => Kind::Group.draw(scene.tenant, random).write_name(out),
                Slot::Domain => scene.tenant.write_domain(out),
                Slot::Host => scene.object.write_host(out, &HOSTS),
                Slot::DirectoryHost => scene.object.write_host(out, &DIRECTORY_HOSTS),
                Slot::People => decimal(out, u64::from(scene.tenant.user_count())),
                Slot::Old => text(out, scene.change.0),
                Slot::New => text(out, scene.change.1),
                Slot::Digit => decimal(out, u64::from(random.between((1, 4)))),
                Slot::Small => decimal(out, u64::from(random.between((2, 40)))),
                Slot::Count => {
                    let wide = random.between((50, 60_000));
                    decimal(out, u64::from(random.between((40, wide))));
                }
                Slot::Gigabytes => decimal(out, u64::from(random.between((1, 25)) * 2)),
                Slot::Percent => decimal(out, u64::from(random.between((80, 99)))),
                Slot::Millis => decimal(out, u64::from(random.between((200, 29_999)))),
                Slot::Hex => out.extend_from_slice(&hex16(random.bits())[..12]),
            }
        }
    }
}

/// The slot whose name a text begins with, and what follows its closing brace.
fn slot_at(text: &str) -> Option<(Slot, &str)> {
    let (name, behind) = text.split_once('}')?;
    let (_, slot) = SLOTS.iter().find(|(known, _)| *known == name)?;
    Some((*slot, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        let tenant = Tenant(0);
        let scene = Scene {
            tenant,
            actor: Actor::Scheduler,
            object: Object::new(tenant, Kind::RetentionPolicy, 0),
            change: ("a", "b"),
        };
        let mut out = Vec::new();
        Template::new(template).write(&mut out, &scene, &mut Random::seeded(1));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn slots_are_filled_and_text_is_escaped() {
        assert_eq!(filled("{domain}:\t\"a\"\n"), "acme-corp.example:\\t\\\"a\\\"\\n");
        assert!(filled("set {object.id}").starts_with("set rp-"));
    }

    #[test]
    fn unknown_slots_stay_text() {
        assert_eq!(filled("{nothing} { {domain}"), "{nothing} { acme-corp.example");
    }

    #[test]
    fn every_slot_writes_something() {
        for (name, _) in SLOTS {
            assert!(!filled(&format!("{{{name}}}")).is_empty(), "{name}");
        }
    }
}
