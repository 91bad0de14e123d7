//! `Accept-Encoding` (RFC 9110, section 12.5.3).

use axum::http::{HeaderValue, Request, header};

/// Removes `identity;q=0` and `*;q=0`, which refuse an answer without an encoding. The standard allows to send such an
/// answer all the same, and a 406 would come after the work is done.
pub(crate) fn drop_refusals<B>(mut request: Request<B>) -> Request<B> {
    let lines = request.headers().get_all(header::ACCEPT_ENCODING).iter();
    let codings: Vec<&str> =
        lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim).collect();
    if codings.iter().any(|coding| is_refusal(coding)) {
        let kept: Vec<&str> = codings.into_iter().filter(|coding| !is_refusal(coding)).collect();
        let kept = HeaderValue::from_str(&kept.join(", "));
        request.headers_mut().remove(header::ACCEPT_ENCODING);
        if let Ok(kept) = kept {
            request.headers_mut().insert(header::ACCEPT_ENCODING, kept);
        }
    }
    request
}

fn is_refusal(coding: &str) -> bool {
    let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
    let is_zero =
        weight.trim().strip_prefix(['q', 'Q']).and_then(|weight| weight.strip_prefix('=')?.parse::<f32>().ok())
            == Some(0.0);
    is_zero && ["*", "identity"].contains(&name.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refuses_a_plain_answer_is_dropped_and_everything_else_stays() {
        for (given, kept) in [
            ("identity;q=0", ""),
            ("br, *;q=0.0", "br"),
            ("gzip, identity; q=0 , *;q=0", "gzip"),
            ("identity;Q=0", ""),
            ("gzip;q=0", "gzip;q=0"),
            ("gzip;q=0.5, *;q=0.1", "gzip;q=0.5, *;q=0.1"),
        ] {
            let request = Request::builder().header("accept-encoding", given).body(()).unwrap();
            assert_eq!(drop_refusals(request).headers()["accept-encoding"], kept, "{given}");
        }
    }
}
