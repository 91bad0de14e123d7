//! Paging of lists with opaque cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cutpoint_planner::domain::fault::FaultCode;
use utoipa::IntoParams;

use crate::domain::id::IdKind;
use crate::http::request::query::Parameters;
use crate::store::{Order, Page, PageKey};

/// The most items on a page.
pub const MOST_ITEMS: u64 = 200;

const DEFAULT_ITEMS: u64 = 50;

/// A filter by the name.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NamedParameters {
    /// Those whose name contains this text, in upper or lower case.
    #[param(nullable = false, min_length = 1, max_length = 256)]
    pub name: Option<String>,
}

/// The parameters of every list, for the OpenAPI document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50, nullable = false)]
    pub limit: Option<u64>,
    /// `next_cursor` of the previous page.
    #[param(nullable = false, max_length = 1024)]
    pub cursor: Option<String>,
}

/// Reads the requested page of a list of this kind, newest first.
pub fn page(query: &mut Parameters, kind: IdKind) -> Page {
    let limit = query.integer("limit", 1, MOST_ITEMS).unwrap_or(DEFAULT_ITEMS);
    let after = query.text("cursor").and_then(|cursor| {
        let key = read_cursor(&cursor, kind);
        if key.is_none() {
            let action = "Give next_cursor of the previous page unchanged, or leave it out for the first page";
            query.fault("cursor", FaultCode::UnknownValue, "this is not a cursor of this list", action);
        }
        key
    });
    // At most MOST_ITEMS.
    Page { limit: limit as u32, order: Order::NewestFirst, after }
}

/// Returns the cursor of the page that starts after a row.
pub fn cursor(key: &PageKey) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{}", key.kind.prefix(), key.sequence))
}

fn read_cursor(cursor: &str, kind: IdKind) -> Option<PageKey> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let digits = text.strip_prefix(kind.prefix()).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(PageKey { kind, sequence: digits.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        let key = PageKey { kind: IdKind::Job, sequence: 7 };
        let text = cursor(&key);
        assert_eq!(read_cursor(&text, IdKind::Job), Some(key));
        assert_eq!(read_cursor(&text, IdKind::Model), None);
        assert_eq!(read_cursor("%", IdKind::Job), None);
        assert_eq!(read_cursor("AAAA", IdKind::Job), None);
        // The format of cursors before rows had sequence numbers.
        let old = URL_SAFE_NO_PAD.encode("1767225600000001 job_01931e5c-9d2f-7c1a-b0c4-000000000003");
        assert_eq!(read_cursor(&old, IdKind::Job), None);
    }
}
