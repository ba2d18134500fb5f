//! Entering the database: TLS that is verified for every other machine, the password, and a little patience with a
//! server that is just starting or full.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Server, ServerError};
use crate::base::fsx;

/// For the address to answer.
const CONNECT: Duration = Duration::from_secs(5);
/// For the whole of it: also a server that hangs after the first word is one that cannot be reached.
const ENTER: Duration = Duration::from_secs(15);
/// How long a server that starts, or has no place left, is asked again.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
/// A bundle of certificates larger than this is not one.
const LARGEST: u64 = 8 << 20;

/// A client whose connection is driven in the background, until either is gone.
pub(super) async fn enter(server: &Server) -> Result<Client, ServerError> {
    let began = Instant::now();
    loop {
        let entered = tokio::time::timeout(ENTER, once(server)).await;
        let Ok(entered) = entered else {
            return Err(ServerError::unreachable(server, format!("no answer in {} seconds", ENTER.as_secs())));
        };
        match entered {
            Err(error) if error.is_passing() && began.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            entered => return entered,
        }
    }
}

async fn once(server: &Server) -> Result<Client, ServerError> {
    let database = &server.database;
    let mut config = Config::new();
    config
        .host(&database.host)
        .port(database.port)
        .user(&database.role)
        .dbname(&database.name)
        .application_name("vk")
        .connect_timeout(CONNECT)
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(45));
    if let Some(password) = &server.password {
        config.password(password.expose());
    }
    let refused = |error: tokio_postgres::Error| ServerError::entering(server, &error);
    // What is on this machine is not seen by any other, and has no name that a certificate could be made out to.
    if database.is_loopback() && server.certificates.is_none() {
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
        tokio::spawn(connection);
        return Ok(client);
    }
    config.ssl_mode(SslMode::Require);
    let tls = tls(server.certificates.as_deref()).map_err(|why| ServerError::certificates(server, why))?;
    let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await.map_err(refused)?;
    tokio::spawn(connection);
    Ok(client)
}

/// The certificates of the user's file, else those that the system trusts.
fn tls(certificates: Option<&Path>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let Some(path) = certificates else {
        let builder = builder.with_platform_verifier().map_err(|error| error.to_string())?;
        return Ok(builder.with_no_client_auth());
    };
    let told = |why: String| format!("{}: {why}", path.display());
    let pem = fsx::read_bounded(path, LARGEST).map_err(|error| told(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| told(error.to_string()))?;
        roots.add(certificate).map_err(|error| told(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(told("it holds no certificate".to_owned()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// An error with its causes, from the outside in, without saying a thing twice.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        cause = inner.source();
    }
    parts.join(": ")
}
