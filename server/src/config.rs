//! Configuration: one TOML file, overridden by the environment, checked whole before a socket opens.

use crate::ingest::syslog::SyslogConfig;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Name of this log service instance, noted in entries; `sealog@` and the host's name if empty.
    pub instance: String,
    /// What people call this server, such as `https://log.example.com`; made from the request if empty.
    pub origin: String,
    /// Take plain HTTP from other machines too: something in front of it does TLS.
    pub plain_http: bool,
    /// Note who read what in the chain `sealog.access`.
    pub access_log: bool,
    /// TLS, if both of its files are named.
    pub tls: Tls,
    /// Bounds.
    pub limits: Limits,
    /// Bounds of each key.
    pub rates: Rates,
    /// People.
    pub sessions: SessionConfig,
    /// Types of processes that are not cancelled here, or have links.
    pub process_type: Vec<ProcessType>,
    /// Syslog listeners.
    #[serde(skip_serializing)]
    pub syslog: Vec<SyslogConfig>,
}

/// Files of TLS, as PEM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Bounds of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Seconds that a request's head may take, and an idle connection stays.
    pub header_seconds: u64,
    /// Seconds that a request's body may take.
    pub body_seconds: u64,
    /// Bytes of a body, behind its decompression.
    pub body_bytes: usize,
    /// Bytes of all bodies under way.
    pub body_memory_bytes: usize,
    /// Appends under way at once; they share syncs.
    pub appends: usize,
    /// Appends that wait for one of them; beyond it 503.
    pub appends_waiting: usize,
    /// Reads under way at once.
    pub reads: usize,
    /// Reads of one key at once.
    pub reads_per_key: usize,
    /// Seconds that a read waits for its turn, and a reader may pause.
    pub wait_seconds: u64,
    /// Tails at once.
    pub tails: usize,
    /// Bytes of a page of entries; a page that is full has less entries.
    pub page_bytes: usize,
    /// Seconds after which a page ends with what it has.
    pub page_seconds: u64,
}

/// Bounds of one key; 0 is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Requests a second.
    pub requests_per_second: u32,
    /// Entries appended a second.
    pub entries_per_second: u32,
    /// Bytes of bodies a second.
    pub bytes_per_second: u32,
}

/// People.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// Hours that somebody stays signed in.
    pub hours: u32,
}

/// A type of processes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessType {
    /// The activity of its processes.
    pub activity: String,
    /// It can be cancelled here.
    pub cancel: bool,
    /// Where else it is cancelled.
    pub cancel_link: String,
    /// Where its connection is tested; `{configuration_id}` stands for the configuration.
    pub test_link: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            instance: String::new(),
            origin: String::new(),
            plain_http: false,
            access_log: true,
            tls: Tls::default(),
            limits: Limits::default(),
            rates: Rates::default(),
            sessions: SessionConfig::default(),
            process_type: Vec::new(),
            syslog: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 4_096,
            header_seconds: 10,
            body_seconds: 60,
            body_bytes: 32 << 20,
            body_memory_bytes: 256 << 20,
            appends: 64,
            appends_waiting: 1_024,
            reads: 8,
            reads_per_key: 4,
            wait_seconds: 10,
            tails: 512,
            page_bytes: 16 << 20,
            page_seconds: 30,
        }
    }
}

impl Default for SessionConfig {
    fn default() -> SessionConfig {
        SessionConfig { hours: 12 }
    }
}

/// A configuration that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl Config {
    /// Reads a configuration, and what the environment says of it: `SEALOG_LIMITS_CONNECTIONS` is `connections` in
    /// `[limits]`.
    ///
    /// # Errors
    /// What is not known, does not read or cannot be, with its key.
    pub fn read(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| ConfigError(error.to_string()))?;
        let known =
            toml::Table::try_from(Config::default()).map_err(|error| ConfigError(error.to_string()))?;
        for (key, value) in &known {
            match value {
                toml::Value::Table(section) => {
                    for inner in section.keys() {
                        if let Some(value) = environment(&variable(&[key, inner])) {
                            let section = table.entry(key).or_insert_with(|| toml::Table::new().into());
                            let section = section.as_table_mut();
                            let section = section
                                .ok_or_else(|| ConfigError(format!("{key}: expected a section [{key}]")))?;
                            section.insert(inner.clone(), value_of(&value));
                        }
                    }
                }
                toml::Value::Array(_) => {}
                _ => {
                    if let Some(value) = environment(&variable(&[key])) {
                        table.insert(key.clone(), value_of(&value));
                    }
                }
            }
        }
        let config: Config =
            table.try_into().map_err(|error: toml::de::Error| ConfigError(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what no single key shows.
    ///
    /// # Errors
    /// The key, what is expected and found.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let counts = [
            ("limits.connections", limits.connections, 1, 1_000_000),
            ("limits.body_bytes", limits.body_bytes, 1 << 10, 256 << 20),
            ("limits.body_memory_bytes", limits.body_memory_bytes, limits.body_bytes, 64 << 30),
            ("limits.appends", limits.appends, 1, 1_024),
            ("limits.appends_waiting", limits.appends_waiting, 0, 1_000_000),
            ("limits.reads", limits.reads, 1, 1_024),
            ("limits.reads_per_key", limits.reads_per_key, 1, 1_024),
            ("limits.tails", limits.tails, 1, 100_000),
            ("limits.page_bytes", limits.page_bytes, 1 << 20, 256 << 20),
        ];
        for (key, found, least, most) in counts {
            if !(least..=most).contains(&found) {
                return Err(ConfigError(format!("{key}: expected {least} to {most}, found {found}")));
            }
        }
        let seconds = [
            ("limits.header_seconds", limits.header_seconds),
            ("limits.body_seconds", limits.body_seconds),
            ("limits.wait_seconds", limits.wait_seconds),
            ("limits.page_seconds", limits.page_seconds),
            ("sessions.hours", self.sessions.hours.into()),
        ];
        for (key, found) in seconds {
            if !(1..=86_400).contains(&found) {
                return Err(ConfigError(format!("{key}: expected 1 to 86400, found {found}")));
            }
        }
        let has = |path: &PathBuf| !path.as_os_str().is_empty();
        if has(&self.tls.certificate) != has(&self.tls.key) {
            return Err(ConfigError("tls: expected both certificate and key, found one of them".to_owned()));
        }
        if !self.has_tls() && !self.listen.ip().is_loopback() && !self.plain_http {
            return Err(ConfigError(format!(
                "listen: expected an address of this machine alone, or TLS, found {}; name certificate and key in \
                 [tls], or set plain_http = true if something in front of it does TLS",
                self.listen
            )));
        }
        let is_origin = |origin: &str| origin.starts_with("http://") || origin.starts_with("https://");
        if !self.origin.is_empty() && (!is_origin(&self.origin) || self.origin.ends_with('/')) {
            return Err(ConfigError(format!(
                "origin: expected a scheme, a host and perhaps a port such as https://log.example.com, found {:?}",
                self.origin
            )));
        }
        for (index, own) in self.syslog.iter().enumerate() {
            let read = |path: &std::path::Path| std::fs::read(path);
            own.check(index, &read).map_err(|error| ConfigError(error.to_string()))?;
        }
        for own in &self.process_type {
            if own.activity.is_empty() {
                return Err(ConfigError(
                    "process_type.activity: expected an activity, found none".to_owned(),
                ));
            }
            for (key, link) in [("cancel_link", &own.cancel_link), ("test_link", &own.test_link)] {
                if !link.is_empty() && !is_origin(link) && !link.starts_with('/') {
                    return Err(ConfigError(format!(
                        "process_type.{key}: expected a link of http, https or a path, found {link:?}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Whether TLS is on.
    pub fn has_tls(&self) -> bool {
        !self.tls.certificate.as_os_str().is_empty()
    }

    /// What is said of processes of an activity.
    pub fn process_type(&self, activity: &str) -> Option<&ProcessType> {
        self.process_type.iter().find(|own| own.activity == activity)
    }
}

fn variable(path: &[&str]) -> String {
    format!("SEALOG_{}", path.join("_").to_uppercase())
}

/// A value as TOML has it: a number or a boolean where it reads as one, else a text.
fn value_of(text: &str) -> toml::Value {
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    text.parse::<bool>().map_or_else(|_| text.into(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::read(text, |_| None)
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        assert_eq!(read("").unwrap(), Config::default());
        let config = read("listen = \"[::1]:80\"\n[limits]\nreads = 3").unwrap();
        assert_eq!((config.listen.port(), config.limits.reads), (80, 3));
    }

    #[test]
    fn the_environment_comes_last() {
        let environment = |name: &str| match name {
            "SEALOG_LISTEN" => Some("127.0.0.1:9".to_owned()),
            "SEALOG_LIMITS_READS" => Some("5".to_owned()),
            "SEALOG_ACCESS_LOG" => Some("false".to_owned()),
            _ => None,
        };
        let config = Config::read("[limits]\nreads = 3", environment).unwrap();
        assert_eq!((config.listen.port(), config.limits.reads, config.access_log), (9, 5, false));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, named) in [
            ("lisen = 1", "lisen"),
            ("listen = \"here\"", "listen"),
            ("listen = \"0.0.0.0:7070\"", "listen"),
            ("[limits]\nreads = 0", "limits.reads"),
            ("[limits]\nreads = \"many\"", "reads"),
            ("[tls]\nkey = \"a\"", "tls"),
            ("origin = \"log.example.com\"", "origin"),
            ("[[process_type]]\ncancel = true", "process_type.activity"),
            ("[[process_type]]\nactivity = \"a\"\ntest_link = \"javascript:x\"", "process_type.test_link"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(named), "{text}: {error}");
        }
        assert!(read("listen = \"0.0.0.0:7070\"\nplain_http = true").is_ok());
    }
}
