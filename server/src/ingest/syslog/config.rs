//! One `[[syslog]]` of the configuration, checked before a socket opens.

use super::listen::{Listener, Transport};
use super::network::Network;
use super::template::Template;
use super::tls::tls;
use jiff::tz::TimeZone;
use sealog_engine::model::{ServiceName, check_tenant};
use serde::Deserialize;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the configuration says of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogConfig {
    /// Where it listens, such as `0.0.0.0:514`.
    pub listen: SocketAddr,
    /// How messages come.
    pub protocol: Protocol,
    /// The tenant of its messages.
    pub tenant: String,
    /// The service of its messages, with `{app}`, `{host}` and `{facility}` filled in.
    #[serde(default = "default_template")]
    pub service: String,
    /// The service of messages that do not say what `service` needs.
    #[serde(default = "default_service")]
    pub default_service: String,
    /// The zone of times without one, such as `Europe/Berlin`; without it they are kept as texts.
    pub time_zone: Option<String>,
    /// Networks that it takes messages from; all if there are none.
    #[serde(default)]
    pub networks: Vec<String>,
    /// TLS: the chain of its certificate, PEM.
    pub certificate: Option<PathBuf>,
    /// TLS: the certificate's key, PEM.
    pub key: Option<PathBuf>,
    /// TLS: authorities, PEM, one of which must have signed a sender's certificate.
    pub client_authorities: Option<PathBuf>,
    /// Most connections at once.
    #[serde(default = "default_connections")]
    pub connections: usize,
    /// A connection on which nothing comes for so many seconds is closed.
    #[serde(default = "default_idle")]
    pub idle_seconds: u64,
}

/// How messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
    /// Streams in TLS.
    Tls,
}

fn default_template() -> String {
    "{app}".to_owned()
}

fn default_service() -> String {
    "syslog".to_owned()
}

const fn default_connections() -> usize {
    256
}

const fn default_idle() -> u64 {
    3600
}

/// Most connections that a listener can be given: each may hold 128 KiB.
const CONNECTIONS_MAX: usize = 65_536;

/// A key of a `[[syslog]]` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syslog[{index}].{field}: {reason}")]
pub struct ConfigError {
    /// Which `[[syslog]]`, from 0.
    pub index: usize,
    /// The key.
    pub field: &'static str,
    /// What was expected and found.
    pub reason: String,
}

impl SyslogConfig {
    /// The listener that this describes, `[[syslog]]` number `index`; `read` reads the files of TLS.
    ///
    /// # Errors
    /// The first key that cannot be used.
    pub fn check(
        &self,
        index: usize,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Listener, ConfigError> {
        let wrong = |field| move |reason: String| ConfigError { index, field, reason };
        check_tenant(&self.tenant).map_err(|error| error.to_string()).map_err(wrong("tenant"))?;
        ServiceName::outside(&self.default_service)
            .map_err(|error| error.to_string())
            .map_err(wrong("default_service"))?;
        let service =
            Template::parse(&self.service).map_err(|error| error.to_string()).map_err(wrong("service"))?;
        let zone = self.time_zone.as_deref().map(TimeZone::get).transpose();
        let zone = zone.map_err(|error| error.to_string()).map_err(wrong("time_zone"))?;
        let networks: Result<Vec<Network>, _> = self.networks.iter().map(|text| text.parse()).collect();
        let networks =
            networks.map_err(|error: super::NetworkError| error.to_string()).map_err(wrong("networks"))?;
        if !(1..=CONNECTIONS_MAX).contains(&self.connections) {
            let reason = format!("expected 1 to {CONNECTIONS_MAX}, found {}", self.connections);
            return Err(wrong("connections")(reason));
        }
        if self.idle_seconds == 0 {
            return Err(wrong("idle_seconds")("expected 1 or more, found 0".to_owned()));
        }
        Ok(Listener {
            name: format!("syslog[{index}]"),
            address: self.listen,
            transport: self.transport(index, read)?,
            tenant: self.tenant.clone(),
            service,
            default_service: self.default_service.clone(),
            zone,
            networks,
            connection_count_max: self.connections,
            idle_max: Duration::from_secs(self.idle_seconds),
        })
    }

    fn transport(
        &self,
        index: usize,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Transport, ConfigError> {
        let wrong = |field, reason: String| ConfigError { index, field, reason };
        let files = [
            ("certificate", &self.certificate),
            ("key", &self.key),
            ("client_authorities", &self.client_authorities),
        ];
        if self.protocol != Protocol::Tls {
            return match files.into_iter().find(|(_, file)| file.is_some()) {
                Some((field, _)) => Err(wrong(field, "expected none unless protocol = \"tls\"".to_owned())),
                None if self.protocol == Protocol::Udp => Ok(Transport::Udp),
                None => Ok(Transport::Tcp),
            };
        }
        let [chain, key, clients] = files.map(|(field, file)| {
            let content = file.as_deref().map(|path| {
                read(path)
                    .map_err(|error| wrong(field, format!("could not read {}: {error}", path.display())))
            });
            content.transpose().map(|content| (field, content))
        });
        let required = |(field, content): (&'static str, Option<Vec<u8>>)| {
            content.ok_or_else(|| wrong(field, "expected a file in PEM, found none".to_owned()))
        };
        let (chain, key) = (required(chain?)?, required(key?)?);
        let config = tls(&chain, &key, clients?.1.as_deref());
        config.map(Transport::Tls).map_err(|error| wrong("certificate", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &[(&str, serde_json::Value)]) -> Result<Listener, String> {
        let mut object = serde_json::json!({"listen": "127.0.0.1:0", "protocol": "tcp", "tenant": "acme"});
        for (key, value) in more {
            object[*key] = value.clone();
        }
        let config: SyslogConfig = serde_json::from_value(object).map_err(|error| error.to_string())?;
        let missing = |_: &Path| Err(io::ErrorKind::NotFound.into());
        config.check(3, &missing).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_page() {
        let listener = config(&[]).unwrap();
        assert_eq!((listener.name.as_str(), listener.default_service.as_str()), ("syslog[3]", "syslog"));
        assert_eq!((listener.connection_count_max, listener.idle_max), (256, Duration::from_secs(3600)));
        assert!(listener.zone.is_none() && listener.networks.is_empty());
        let zone = config(&[("time_zone", "Europe/Berlin".into())]).unwrap().zone;
        assert_eq!(zone.unwrap().iana_name(), Some("Europe/Berlin"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (key, value, expected) in [
            ("tenant", "sealog".into(), "syslog[3].tenant: "),
            ("service", "{x}".into(), "syslog[3].service: "),
            ("default_service", "a b".into(), "syslog[3].default_service: "),
            ("time_zone", "Mars/Olympus".into(), "syslog[3].time_zone: "),
            ("networks", vec!["10.0.0.1/8"].into(), "syslog[3].networks: "),
            ("connections", 0.into(), "syslog[3].connections: expected 1 to 65536, found 0"),
            ("idle_seconds", 0.into(), "syslog[3].idle_seconds: "),
            ("key", "x.pem".into(), "syslog[3].key: expected none unless protocol = \"tls\""),
            ("protocol", "tls".into(), "syslog[3].certificate: expected a file in PEM, found none"),
            ("protocol", "quic".into(), "unknown variant `quic`"),
            ("tenants", "x".into(), "unknown field `tenants`"),
        ] {
            let error = config(&[(key, value)]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let error = config(&[("protocol", "tls".into()), ("certificate", "/none".into())]).unwrap_err();
        assert!(error.starts_with("syslog[3].certificate: could not read /none: "), "{error}");
    }
}
