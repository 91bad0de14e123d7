//! Connections to receivers. A connection goes to the address that the guard has judged, which defeats DNS rebinding.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use url::{Host, Url};

use super::guard::Guard;
use super::resolver::Resolve;
use crate::store::AttemptOutcome;

/// How long an address is tried before the next.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the attempt ended.
    pub outcome: AttemptOutcome,
    /// A description without the URL.
    pub detail: String,
}

impl Failure {
    pub(super) fn new(outcome: AttemptOutcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: detail.into() }
    }
}

/// A connection, with or without TLS.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Connects to receivers.
#[derive(Clone)]
pub(super) struct Connector {
    guard: Guard,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
}

/// Returns the certificates that this machine trusts. Without any, no receiver with TLS is trusted.
pub fn trusted_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        tracing::warn!(ignored, ?errors, "this machine trusts no certificate: webhooks with https will fail");
    }
    roots
}

impl Connector {
    pub(super) fn new(guard: Guard, resolver: Arc<dyn Resolve>, roots: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { guard, resolver, tls: TlsConnector::from(Arc::new(config)) })
    }

    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(super) async fn connect(&self, url: &Url) -> Result<Box<dyn Connection>, Failure> {
        let addresses = self.judged_addresses(url).await?;
        let stream = connect_to_one(&addresses, url.port_or_known_default().unwrap_or(443)).await?;
        if url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let encrypted = self.tls.connect(server_name(url)?, stream).await;
        let encrypted = encrypted.map_err(|error| Failure::new(AttemptOutcome::TlsFailed, error.to_string()))?;
        Ok(Box::new(encrypted))
    }

    /// Returns the allowed addresses of the URL's host.
    async fn judged_addresses(&self, url: &Url) -> Result<Vec<IpAddr>, Failure> {
        let found = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => self.resolver.resolve(name).await.map_err(|error| not_resolved(&error))?,
            None => Vec::new(),
        };
        let mut refusal = None;
        let mut judged = Vec::with_capacity(found.len());
        for address in found {
            match self.judge(url, address) {
                Ok(()) => judged.push(address),
                Err(why) => refusal = refusal.or(Some(why)),
            }
        }
        match refusal {
            _ if !judged.is_empty() => Ok(judged),
            Some(why) => Err(Failure::new(AttemptOutcome::AddressRefused, why)),
            None => Err(not_resolved("the name has no address")),
        }
    }

    fn judge(&self, url: &Url, address: IpAddr) -> Result<(), String> {
        self.guard.judge(address).map_err(|refusal| refusal.to_string())?;
        if url.scheme() == "http" && !self.guard.allows(address) {
            return Err(format!("{address} lies in no allowed net, and messages go without TLS only to these"));
        }
        Ok(())
    }
}

fn not_resolved(why: impl ToString) -> Failure {
    let why: String = why.to_string();
    Failure::new(AttemptOutcome::NotResolved, why)
}

/// Connects to the first address that answers.
async fn connect_to_one(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Failure> {
    let mut last = String::new();
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        }
    }
    Err(Failure::new(AttemptOutcome::NotConnected, last))
}

/// Returns the name that the receiver's certificate must be issued for.
fn server_name(url: &Url) -> Result<ServerName<'static>, Failure> {
    let named = match url.host() {
        Some(Host::Ipv4(address)) => Ok(ServerName::IpAddress(IpAddr::from(address).into())),
        Some(Host::Ipv6(address)) => Ok(ServerName::IpAddress(IpAddr::from(address).into())),
        Some(Host::Domain(name)) => ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned()),
        None => ServerName::try_from(String::new()),
    };
    named.map_err(|error| Failure::new(AttemptOutcome::TlsFailed, error.to_string()))
}
