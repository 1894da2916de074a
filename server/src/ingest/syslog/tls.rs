//! TLS for syslog (RFC 5425): a listener's own certificate, and whose it asks of senders.

use std::sync::Arc;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

/// Certificates or a key that TLS cannot be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
pub struct TlsError {
    what: &'static str,
    expected: &'static str,
    found: String,
}

/// TLS with this chain and key, both PEM. With `clients`, the certificates of authorities in PEM, a sender must show a
/// certificate that one of these has signed.
///
/// # Errors
/// What of the three is not PEM of its kind, or not usable.
pub fn tls(chain: &[u8], key: &[u8], clients: Option<&[u8]>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let chain = certificates("certificate", chain)?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| wrong("key", "a private key in PEM", error.to_string()))?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS", "versions 1.2 and 1.3", error.to_string()))?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let expected = "certificates of authorities in PEM";
            let mut roots = RootCertStore::empty();
            for certificate in certificates("client authorities", clients)? {
                roots
                    .add(certificate)
                    .map_err(|error| wrong("client authorities", expected, error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| wrong("client authorities", expected, error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder
        .with_single_cert(chain, key)
        .map_err(|error| wrong("key", "the key of the certificate", error.to_string()))?;
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let expected = "one or more certificates in PEM";
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(wrong(what, expected, "none".to_owned())),
        Err(error) => Err(wrong(what, expected, error.to_string())),
    }
}

fn wrong(what: &'static str, expected: &'static str, found: String) -> TlsError {
    TlsError { what, expected, found }
}
