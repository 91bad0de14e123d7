//! Protects the page: headers of every answer, and where a request may come from.
//!
//! A change must come from a page of this service. Browsers say so in `Sec-Fetch-Site`, or in `Origin`, which no script of
//! another site can set; a request with neither is refused. The cookie is `SameSite=Strict` besides. Where no key is
//! needed, another site could point a name of its own at this service (DNS rebinding) and would then count as the same
//! site: there the page answers only under names that nobody else can own.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Page;
use super::text::encoded;
use super::visitor::{Standing, Visitor};
use crate::http::problem::{Problem, ProblemType};

/// Allows a page to load only from this service, and no script or style inside of it.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Endings of names that are not for sale: of this machine, of a local network, and of inner networks.
const RESERVED: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];

/// Answers a request for a page.
pub(super) async fn guard(State(page): State<Page>, mut request: Request, next: Next) -> Response {
    let visitor = match Visitor::of(&page, request.headers(), request.uri()).await {
        Ok(visitor) => visitor,
        Err(problem) => return problem.into_response(),
    };
    if let Err(problem) = check(&visitor, &page.api.page_hosts, &request) {
        return problem.into_response();
    }
    let here = (request.method() == Method::GET).then(|| visitor.here.clone());
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions().get::<Problem>()
        && problem.problem_type == ProblemType::Unauthenticated
    {
        let next = here.map(|here| format!("?next={}", encoded(&here))).unwrap_or_default();
        response = Redirect::to(&format!("/ui/sign-in{next}")).into_response();
    }
    secure(response.headers_mut());
    response
}

/// Adds the headers that every answer of the page has. A download keeps its own policy.
pub(super) fn secure(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

fn check(visitor: &Visitor, page_hosts: &[String], request: &Request) -> Result<(), Problem> {
    let host = text(request.headers(), &header::HOST).unwrap_or_default();
    if matches!(visitor.standing, Standing::Anonymous) && !is_ours(host, page_hosts) {
        let detail = format!(
            "the service needs no key, so that the page answers only under an address, a name of a local network or a \
             name of the setting page_hosts, and not under {host:?}"
        );
        return Err(Problem::new(ProblemType::InsufficientScope, detail));
    }
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_change && !is_from_here(request.headers(), host) {
        let detail = "the request does not come from a page of this service";
        return Err(Problem::new(ProblemType::InsufficientScope, detail));
    }
    Ok(())
}

/// Returns `true` if nobody else can own this name of a host.
fn is_ours(host: &str, page_hosts: &[String]) -> bool {
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let is_single_label = !name.is_empty() && !name.contains('.');
    address.parse::<IpAddr>().is_ok()
        || is_single_label
        || RESERVED.iter().any(|ending| name.ends_with(ending))
        || page_hosts.contains(&name)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_from_here(headers: &HeaderMap, host: &str) -> bool {
    match text(headers, &HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => {
            let origin = text(headers, &header::ORIGIN).and_then(|origin| origin.split_once("://"));
            origin.is_some_and(|(_, origin)| !host.is_empty() && origin.eq_ignore_ascii_case(host))
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_others_can_own_are_not_ours() {
        for host in
            ["127.0.0.1:8080", "[::1]:8080", "localhost", "cutpoint:80", "pi.local", "192.168.1.7", "a.internal"]
        {
            assert!(is_ours(host, &[]), "{host}");
        }
        for host in ["", "rebind.example.com", "127.0.0.1.nip.io:8080", "localhost.example", "local"] {
            assert!(is_ours(host, &[]) == (host == "local"), "{host}");
        }
        assert!(is_ours("plan.example.com:443", &["plan.example.com".to_owned()]));
    }

    #[test]
    fn a_change_must_say_that_it_comes_from_here() {
        let from = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            is_from_here(&headers.collect(), "pi.local:8080")
        };
        assert!(from(&[("origin", "http://pi.local:8080")]));
        assert!(from(&[("sec-fetch-site", "same-origin")]));
        for wrong in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://pi.local")],
            &[("origin", "http://evil.example:8080")],
            &[("sec-fetch-site", "same-site"), ("origin", "http://pi.local:8080")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!from(wrong), "{wrong:?}");
        }
    }
}
