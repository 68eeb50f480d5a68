//! TLS on its own port, by rustls.
//!
//! rustls has TLS 1.2 and 1.3 and only sound ciphers. What a parameter asks beyond that is refused
//! with a sentence rather than ignored: nobody should believe in a restriction that does not hold.

use config::Config;
use config::tables::tls::{AUTH_NO, AUTH_OPTIONAL};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Ciphers by the names that OpenSSL gives them, which is what the parameters speak.
const CIPHERS: [(&str, CipherSuite); 6] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-AES256-GCM-SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES128-GCM-SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];
const CIPHERSUITES: [(&str, CipherSuite); 3] = [
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
];
/// Names for everything there is.
const ALL_CIPHERS: [&str; 3] = ["DEFAULT", "HIGH", "ALL"];
/// Classes that are excluded by being absent.
const ABSENT_CIPHERS: [&str; 11] =
    ["aNULL", "eNULL", "NULL", "LOW", "MEDIUM", "EXPORT", "MD5", "RC4", "3DES", "DES", "PSK"];

/// What a worker needs to turn a socket into an encrypted stream.
#[derive(Clone)]
pub struct Handshake(TlsAcceptor);

impl Handshake {
    /// Reads certificates and keys as the `tls-*` parameters say; an error is a sentence for the
    /// operator.
    pub fn from_config(config: &Config) -> Result<Handshake, String> {
        let text = |name: &str| config.text(config.require(name)).to_string();
        let (certificate_file, key_file) = (text("tls-cert-file"), text("tls-key-file"));
        if certificate_file.is_empty() || key_file.is_empty() {
            return Err("tls-port needs tls-cert-file and tls-key-file".to_owned());
        }
        if !text("tls-key-file-pass").is_empty() {
            return Err(
                "tls-key-file-pass: encrypted keys are not supported; decrypt the key file \
                        and protect it by its permissions"
                    .to_owned(),
            );
        }
        let key = PrivateKeyDer::from_pem_file(&key_file)
            .map_err(|error| format!("tls-key-file {key_file}: {error}"))?;
        let provider = Arc::new(provider(&text("tls-ciphers"), &text("tls-ciphersuites"))?);
        let versions = versions(&text("tls-protocols"))?;
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder
            .with_protocol_versions(&versions)
            .map_err(|error| format!("tls-protocols with tls-ciphers: {error}"))?;
        let builder = match config.int(config.require("tls-auth-clients")) {
            AUTH_NO => builder.with_no_client_auth(),
            mode => builder.with_client_cert_verifier(verifier(config, mode, provider)?),
        };
        let chain = certificates("tls-cert-file", &certificate_file)?;
        let tls = builder.with_single_cert(chain, key);
        let mut tls = tls.map_err(|error| format!("tls-cert-file {certificate_file}: {error}"))?;
        tls.ignore_client_order = config.flag(config.require("tls-prefer-server-ciphers"));
        keep_sessions(config, &mut tls);
        Ok(Handshake(TlsAcceptor::from(Arc::new(tls))))
    }

    /// Does the handshake. The error says why there is no encrypted stream.
    pub async fn accept(self, socket: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, self.0.accept(socket)).await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(_) => Err("the handshake took too long".to_owned()),
        }
    }
}

/// Whose certificates are accepted.
fn verifier(
    config: &Config,
    mode: i64,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let file = config.text(config.require("tls-ca-cert-file"));
    let directory = config.text(config.require("tls-ca-cert-dir"));
    let roots = roots(&file, &directory)?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if mode == AUTH_OPTIONAL { builder.allow_unauthenticated() } else { builder };
    builder.build().map_err(|error| format!("tls-ca-cert-file {file}: {error}"))
}

/// Whether and how many sessions clients may resume.
fn keep_sessions(config: &Config, tls: &mut ServerConfig) {
    let size = config.int(config.require("tls-session-cache-size"));
    if !config.flag(config.require("tls-session-caching")) {
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
    } else if let Ok(size @ 1..) = usize::try_from(size) {
        tls.session_storage = ServerSessionMemoryCache::new(size);
    }
}

/// The protocol versions of a `tls-protocols` text; all for an empty one.
fn versions(text: &str) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let mut versions = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let version = match word.to_ascii_lowercase().as_str() {
            "tlsv1.2" => &TLS12,
            "tlsv1.3" => &TLS13,
            "tlsv1" | "tlsv1.1" => {
                return Err(format!(
                    "tls-protocols: {word} is broken and not supported; there are \
                                    TLSv1.2 and TLSv1.3"
                ));
            }
            _ => return Err(format!("tls-protocols: there is no {word}; use TLSv1.2, TLSv1.3")),
        };
        versions.push(version);
    }
    if versions.is_empty() { Ok(vec![&TLS13, &TLS12]) } else { Ok(versions) }
}

/// The ciphers that `tls-ciphers` (TLS 1.2) and `tls-ciphersuites` (TLS 1.3) leave, in their order.
fn provider(ciphers: &str, ciphersuites: &str) -> Result<CryptoProvider, String> {
    let mut provider = ring::default_provider();
    let mut wanted = chosen("tls-ciphersuites", ciphersuites, &CIPHERSUITES)?;
    wanted.extend(chosen("tls-ciphers", ciphers, &CIPHERS)?);
    let known = std::mem::take(&mut provider.cipher_suites);
    let find = |suite: &CipherSuite| known.iter().find(|known| known.suite() == *suite).copied();
    provider.cipher_suites = wanted.iter().filter_map(find).collect();
    Ok(provider)
}

/// The ciphers that a parameter's text leaves.
fn chosen(
    name: &str,
    text: &str,
    known: &[(&str, CipherSuite)],
) -> Result<Vec<CipherSuite>, String> {
    let all = || known.iter().map(|(_, suite)| *suite);
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for word in text.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        let (excluded, cipher) = match word.strip_prefix(['!', '-']) {
            Some(cipher) => (true, cipher),
            None => (false, word),
        };
        match known.iter().find(|(known, _)| *known == cipher) {
            Some((_, suite)) if excluded => unwanted.push(*suite),
            Some((_, suite)) => wanted.push(*suite),
            None if excluded && ABSENT_CIPHERS.contains(&cipher) => {}
            None if !excluded && ALL_CIPHERS.contains(&cipher) => wanted.extend(all()),
            None => {
                let names: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
                let names = names.join(", ");
                return Err(format!("{name}: '{word}' is not supported; there are {names}"));
            }
        }
    }
    if wanted.is_empty() {
        wanted.extend(all());
    }
    wanted.retain(|suite| !unwanted.contains(suite));
    Ok(wanted)
}

/// The certificates of the file that a parameter names.
fn certificates(name: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let describe = |error: &dyn std::fmt::Display| format!("{name} {path}: {error}");
    let found = CertificateDer::pem_file_iter(path).map_err(|error| describe(&error))?;
    found.collect::<Result<Vec<_>, _>>().map_err(|error| describe(&error))
}

/// The authorities of a file and of all files of a directory.
fn roots(file: &str, directory: &str) -> Result<RootCertStore, String> {
    if file.is_empty() && directory.is_empty() {
        return Err("tls-auth-clients needs tls-ca-cert-file or tls-ca-cert-dir (or set it to no)"
            .to_owned());
    }
    let mut paths = Vec::new();
    if !file.is_empty() {
        paths.push(("tls-ca-cert-file", file.to_owned()));
    }
    if !directory.is_empty() {
        let describe = |error: std::io::Error| format!("tls-ca-cert-dir {directory}: {error}");
        for entry in std::fs::read_dir(directory).map_err(describe)? {
            let path = entry.map_err(describe)?.path();
            if path.is_file() {
                paths.push(("tls-ca-cert-dir", path.to_string_lossy().into_owned()));
            }
        }
    }
    let mut roots = RootCertStore::empty();
    for (name, path) in paths {
        for certificate in certificates(name, &path)? {
            roots.add(certificate).map_err(|error| format!("{name} {path}: {error}"))?;
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_honoured_or_refused() {
        let names = |text: &str| {
            let found = versions(text)?;
            Ok::<_, String>(found.iter().map(|found| found.version).collect::<Vec<_>>())
        };
        use rustls::ProtocolVersion::{TLSv1_2, TLSv1_3};
        assert_eq!(names(""), Ok(vec![TLSv1_3, TLSv1_2]));
        assert_eq!(names("TLSv1.2"), Ok(vec![TLSv1_2]));
        assert_eq!(names("tlsv1.3 TLSv1.2"), Ok(vec![TLSv1_3, TLSv1_2]));
        for refused in ["TLSv1", "TLSv1.1 TLSv1.2", "SSLv3"] {
            assert!(names(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn ciphers_are_honoured_or_refused() {
        let count = |text: &str| chosen("tls-ciphers", text, &CIPHERS).map(|found| found.len());
        assert_eq!(count(""), Ok(6));
        assert_eq!(count("DEFAULT:!MEDIUM:!aNULL"), Ok(6));
        assert_eq!(count("ECDHE-RSA-AES128-GCM-SHA256"), Ok(1));
        assert_eq!(count("HIGH:!ECDHE-RSA-AES128-GCM-SHA256"), Ok(5));
        for refused in ["AES128-SHA", "HIGH:!ECDHE", "kEDH"] {
            assert!(count(refused).is_err(), "{refused}");
        }
        let suites = provider("ECDHE-RSA-AES128-GCM-SHA256", "").map(|p| p.cipher_suites.len());
        assert_eq!(suites, Ok(4));
    }
}
