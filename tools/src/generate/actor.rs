//! Who acts: people, their peers from other customers, API keys, services and the scheduler.

use super::json::{decimal, text};
use super::random::Random;
use super::service::{Component, Names};
use super::tenant::{Kind, Object, Tenant};

/// Somebody or something that acts within a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// A user of the tenant, by index.
    User(u32),
    /// A user of another customer who was granted access.
    Peer(u32),
    /// A key of the tenant, by index.
    ApiKey(u32),
    /// A service of the platform.
    Service(Component),
    /// The platform's scheduler.
    Scheduler,
}

/// Who usually does something.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    /// A person alone: nobody else signs in.
    Person,
    /// People mostly, API keys and services too.
    Anybody,
    /// The service that writes the entry.
    Service,
    /// The scheduler mostly, at times a person who doesn't want to wait.
    Scheduler,
}

impl Who {
    /// Draws the actor of an entry by `component`.
    pub(super) fn draw(self, tenant: Tenant, component: Component, random: &mut Random) -> Actor {
        let machine_per_mille = match self {
            Self::Person => 0,
            Self::Anybody => 220,
            Self::Service => 940,
            Self::Scheduler => 850,
        };
        if !random.chance(machine_per_mille) {
            let index = random.below_skewed(tenant.user_count());
            return if random.chance(30) { Actor::Peer(index) } else { Actor::User(index) };
        }
        match self {
            Self::Person | Self::Anybody if random.chance(550) => Actor::ApiKey(random.below(3)),
            Self::Scheduler => Actor::Scheduler,
            _ => Actor::Service(component),
        }
    }
}

impl Actor {
    /// Appends the value of `actor`: `{"type":…,"id":…,"name":…}`, the name as far as the component writes it.
    pub(super) fn write(self, tenant: Tenant, names: Names, out: &mut Vec<u8>) {
        match self {
            Self::User(_) => text(out, "{\"type\":\"user\",\"id\":\""),
            Self::Peer(_) => text(out, "{\"type\":\"peer\",\"id\":\""),
            Self::ApiKey(_) => text(out, "{\"type\":\"api_key\",\"id\":\""),
            Self::Service(_) => text(out, "{\"type\":\"service\",\"id\":\""),
            Self::Scheduler => text(out, "{\"type\":\"scheduler\",\"id\":\""),
        }
        match self {
            Self::User(index) => user(tenant, index).write_id(out),
            Self::Peer(index) => {
                text(out, "peer-");
                decimal(out, u64::from(index) + 1);
            }
            Self::ApiKey(index) => Object::new(tenant, Kind::ApiKey, index).write_id(out),
            Self::Service(component) => text(out, component.name()),
            Self::Scheduler => text(out, Component::Scheduler.name()),
        }
        // A service's ID is its name; saying it twice would only cost space.
        if names == Names::Written && self.is_remote() {
            text(out, "\",\"name\":\"");
            self.write_name(tenant, out);
        }
        text(out, "\"}");
    }

    /// Appends the readable name.
    pub(super) fn write_name(self, tenant: Tenant, out: &mut Vec<u8>) {
        match self {
            Self::User(index) => user(tenant, index).write_name(out),
            Self::Peer(index) => user(peer_home(tenant), index).write_name(out),
            Self::ApiKey(index) => Object::new(tenant, Kind::ApiKey, index).write_name(out),
            Self::Service(component) => text(out, component.name()),
            Self::Scheduler => text(out, Component::Scheduler.name()),
        }
    }

    /// Appends the login of a person, or the name of anything else.
    pub(super) fn write_login(self, tenant: Tenant, out: &mut Vec<u8>) {
        match self {
            Self::User(index) => user(tenant, index).write_mail_name(out),
            Self::Peer(index) => user(peer_home(tenant), index).write_mail_name(out),
            _ => self.write_name(tenant, out),
        }
    }

    /// Appends the address from which the actor comes.
    pub(super) fn write_ip(self, tenant: Tenant, out: &mut Vec<u8>) {
        match self {
            Self::User(index) | Self::ApiKey(index) => user(tenant, index).write_ip(out),
            Self::Peer(index) => user(peer_home(tenant), index).write_ip(out),
            Self::Service(_) | Self::Scheduler => text(out, "10.0.0.12"),
        }
    }

    /// Whether the actor comes from outside, with an address of its own.
    pub(super) fn is_remote(self) -> bool {
        !matches!(self, Self::Service(_) | Self::Scheduler)
    }
}

fn user(tenant: Tenant, index: u32) -> Object {
    Object::new(tenant, Kind::User, index)
}

/// The tenant whose users are a tenant's peers: the managed service provider that looks after it.
fn peer_home(tenant: Tenant) -> Tenant {
    Tenant(tenant.0 % 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_sign_in() {
        let mut random = Random::seeded(1);
        for _ in 0..1000 {
            let actor = Who::Person.draw(Tenant(5), Component::Identity, &mut random);
            assert!(matches!(actor, Actor::User(_) | Actor::Peer(_)), "{actor:?}");
        }
    }

    #[test]
    fn a_service_is_named_by_its_id() {
        let mut out = Vec::new();
        Actor::Service(Component::Retention).write(Tenant(0), Names::Written, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"type":"service","id":"retention"}"#);
    }
}
