//! Receivers with TLS, with trusted and untrusted certificates.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_util::task::AbortOnDropHandle;

use super::*;

/// A certificate authority, and a receiver at `receiver.example` whose certificate it made.
async fn receiver() -> (RootCertStore, u16, AbortOnDropHandle<()>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["receiver.example".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate disconnects.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = vec![0; 64 * 1024];
            let length = stream.read(&mut head).await.unwrap();
            assert!(head[..length].starts_with(b"POST /hooks HTTP/1.1\r\nhost: receiver.example"));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    });
    (roots, port, AbortOnDropHandle::new(task))
}

async fn outcome(roots: RootCertStore, url: &str) -> AttemptOutcome {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new()));
    let guard = Guard::new(["127.0.0.0/8".parse().unwrap()]);
    let mut fixture = Fixture::open(folder, clock, guard, Names::new(&[&["127.0.0.1"]]), roots).await;
    let webhook = fixture.webhook(url).await;
    fixture.job("one").await;
    fixture.attempted(&webhook).await.1.outcome
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_of_the_name() {
    let (roots, port, _task) = receiver().await;
    let url = |host: &str| format!("https://{host}:{port}/hooks");
    assert_eq!(outcome(roots.clone(), &url("receiver.example")).await, AttemptOutcome::Delivered);
    assert_eq!(outcome(roots.clone(), &url("receiver.example.")).await, AttemptOutcome::Delivered);
    assert_eq!(outcome(roots.clone(), &url("other.example")).await, AttemptOutcome::TlsFailed);
    assert_eq!(outcome(roots, &url("127.0.0.1")).await, AttemptOutcome::TlsFailed);
    assert_eq!(outcome(RootCertStore::empty(), &url("receiver.example")).await, AttemptOutcome::TlsFailed);
}
