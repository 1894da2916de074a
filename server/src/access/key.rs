//! An API key: `slg_<id>_<secret>`, of which only the SHA-256 is kept.

use sealog_engine::hex;
use sealog_engine::model::{FieldError, ServiceName, Timestamp, check_tenant};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What somebody may be. A key can be several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Appends.
    Producer,
    /// Reads the process log, and runs the log itself.
    Admin,
    /// Reads and validates the audit log.
    Auditor,
    /// Reads the log of own tenants.
    Customer,
}

/// What a role alone does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grant {
    /// To clear a tenant's entries.
    Clear,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [Role::Producer, Role::Admin, Role::Auditor, Role::Customer];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Producer => "producer",
            Role::Admin => "admin",
            Role::Auditor => "auditor",
            Role::Customer => "customer",
        }
    }

    /// The role of a name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What is said of a key that is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyPlan {
    /// What its holder is.
    pub roles: Vec<Role>,
    /// Services that it may append to; all if none.
    pub services: Vec<String>,
    /// Tenants that it is about; all if none, but a customer has some.
    pub tenants: Vec<String>,
    /// Organizations that it may read; all of its tenants if none.
    pub organizations: Vec<String>,
    /// Further tenants whose log its holder was granted as a peer.
    pub peers: Vec<String>,
    /// What it may beyond its roles.
    pub grants: Vec<Grant>,
    /// From when on it is none.
    pub expires: Option<WireTime>,
}

/// A time that reads RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireTime(pub Timestamp);

impl Serialize for WireTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<WireTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        sealog_engine::scan::words::parse_time(&text).map(WireTime).map_err(serde::de::Error::custom)
    }
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its public part.
    pub id: String,
    /// SHA-256 of its text, as hex.
    pub hash: String,
    /// What its holder is.
    pub roles: Vec<Role>,
    /// Services that it may append to; all if none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Tenants that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Organizations that it may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// Tenants that its holder was granted as a peer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<String>,
    /// What it may beyond its roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// When it was made.
    pub created: WireTime,
    /// From when on it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<WireTime>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<WireTime>,
}

/// Names of one list of a key.
const NAMES_MAX: usize = 1_000;
/// Bytes of a public part: 48 bits tell keys of one store apart.
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;
/// `slg_`, two hex texts and what is between them.
const TEXT_BYTES: usize = 4 + 2 * ID_BYTES + 1 + 2 * SECRET_BYTES;

impl KeyPlan {
    /// Checks that the key can be.
    ///
    /// # Errors
    /// The list that is wrong, what was expected and found.
    pub fn check(&self) -> Result<(), FieldError> {
        if self.roles.is_empty() {
            return Err(FieldError::new(
                "roles",
                "at least one of producer, admin, auditor, customer",
                "none",
            ));
        }
        let lists = [
            ("services", &self.services),
            ("tenants", &self.tenants),
            ("organizations", &self.organizations),
            ("peers", &self.peers),
        ];
        for (field, list) in lists {
            if list.len() > NAMES_MAX {
                return Err(FieldError::new(field, "at most 1000 names", list.len().to_string()));
            }
            for name in list {
                let checked = if field == "services" {
                    ServiceName::outside(name).map(drop)
                } else {
                    check_tenant(name)
                };
                checked.map_err(|error| FieldError::new(field, error.expected, error.found))?;
            }
        }
        if self.roles.contains(&Role::Customer) && self.tenants.is_empty() {
            return Err(FieldError::new("tenants", "at least one tenant for the role customer", "none"));
        }
        if !self.organizations.is_empty() && self.tenants.is_empty() {
            return Err(FieldError::new("tenants", "the tenant of the organizations", "none"));
        }
        if !self.peers.is_empty() && !self.roles.contains(&Role::Customer) {
            return Err(FieldError::new("peers", "the role customer with peers", "other roles"));
        }
        Ok(())
    }
}

impl Key {
    /// Whether it counts at a time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires.0)
    }

    /// Whether this is its text. Takes as long for any text.
    pub fn has_text(&self, text: &str) -> bool {
        use subtle::ConstantTimeEq;
        hash_of(text).as_bytes().ct_eq(self.hash.as_bytes()).into()
    }
}

/// What is kept of a key's text.
pub fn hash_of(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes()))
}

/// A new public part, and the text with it.
///
/// # Errors
/// If the system gives no random bytes.
pub fn draw() -> std::io::Result<(String, String)> {
    let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
    getrandom::fill(&mut id).map_err(std::io::Error::other)?;
    getrandom::fill(&mut secret).map_err(std::io::Error::other)?;
    let id = hex::encode(&id);
    let text = format!("slg_{id}_{}", hex::encode(&secret));
    Ok((id, text))
}

/// The public part of a text that has the form of a key.
pub fn id_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("slg_").filter(|_| text.len() == TEXT_BYTES)?;
    let (id, secret) = rest.split_once('_')?;
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    (id.len() == 2 * ID_BYTES && is_hex(id) && is_hex(secret)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_text_alone() {
        let (id, text) = draw().unwrap();
        assert_eq!(id_of(&text), Some(&*id));
        let key = Key {
            id,
            hash: hash_of(&text),
            roles: vec![Role::Auditor],
            services: Vec::new(),
            tenants: Vec::new(),
            organizations: Vec::new(),
            peers: Vec::new(),
            grants: Vec::new(),
            created: WireTime(Timestamp::from_nanos(0)),
            expires: Some(WireTime(Timestamp::from_nanos(10))),
            revoked: None,
        };
        assert!(key.has_text(&text));
        assert!(!key.has_text(&draw().unwrap().1));
        assert!(key.is_live(Timestamp::from_nanos(9)) && !key.is_live(Timestamp::from_nanos(10)));
        for bad in ["", "slg_", "slg_00_00", &text[1..], &text[..text.len() - 1], &format!("{text}0")] {
            assert_eq!(id_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn plans_that_cannot_be() {
        let customer = KeyPlan { roles: vec![Role::Customer], ..KeyPlan::default() };
        assert_eq!(customer.check().unwrap_err().field, "tenants");
        assert_eq!(KeyPlan::default().check().unwrap_err().field, "roles");
        let own = KeyPlan { tenants: vec!["sealog".to_owned()], ..customer.clone() };
        assert_eq!(own.check().unwrap_err().field, "tenants");
        let reserved = KeyPlan {
            roles: vec![Role::Producer],
            services: vec!["sealog.control".to_owned()],
            ..KeyPlan::default()
        };
        assert_eq!(reserved.check().unwrap_err().field, "services");
        assert!(KeyPlan { tenants: vec!["acme".to_owned()], ..customer }.check().is_ok());
    }
}
