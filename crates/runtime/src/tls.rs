//! TLS on its own port, by rustls.

use config::Config;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a worker needs to turn a socket into an encrypted stream.
#[derive(Clone)]
pub struct Handshake(TlsAcceptor);

impl Handshake {
    /// Reads certificates and keys as the `tls-*` parameters say; an error is a sentence for the
    /// operator.
    pub fn from_config(config: &Config) -> Result<Handshake, String> {
        let text = |name: &str| config.text(config.require(name)).to_string();
        let certificate_file = text("tls-cert-file");
        let key_file = text("tls-key-file");
        if certificate_file.is_empty() || key_file.is_empty() {
            return Err("tls-port needs tls-cert-file and tls-key-file".to_owned());
        }
        let certificates = certificates(&certificate_file)?;
        let key = PrivateKeyDer::from_pem_file(&key_file)
            .map_err(|error| format!("tls-key-file {key_file}: {error}"))?;
        let builder = ServerConfig::builder();
        let auth = config.require("tls-auth-clients");
        let builder = match config.print(auth).as_str() {
            "no" => builder.with_no_client_auth(),
            mode => {
                let roots = roots(&text("tls-ca-cert-file"))?;
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots));
                let verifier =
                    if mode == "optional" { verifier.allow_unauthenticated() } else { verifier };
                let verifier = verifier.build().map_err(|e| format!("tls-ca-cert-file: {e}"))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let tls = builder.with_single_cert(certificates, key);
        let tls = tls.map_err(|error| format!("tls-cert-file {certificate_file}: {error}"))?;
        Ok(Handshake(TlsAcceptor::from(Arc::new(tls))))
    }

    /// Does the handshake; `None` where it fails or takes too long.
    pub async fn accept(self, socket: TcpStream) -> Option<TlsStream<TcpStream>> {
        tokio::time::timeout(HANDSHAKE_TIMEOUT, self.0.accept(socket)).await.ok()?.ok()
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let describe = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let found = CertificateDer::pem_file_iter(path).map_err(|error| describe(&error))?;
    found.collect::<Result<Vec<_>, _>>().map_err(|error| describe(&error))
}

fn roots(path: &str) -> Result<RootCertStore, String> {
    if path.is_empty() {
        return Err("tls-auth-clients needs tls-ca-cert-file (or set it to no)".to_owned());
    }
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("tls-ca-cert-file {path}: {error}"))?;
    }
    Ok(roots)
}
