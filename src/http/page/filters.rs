//! Filters of lists: what a visitor chose, as a form and as a query of the API.

use maud::{Markup, html};
use url::form_urlencoded;

use super::text::encoded;

/// A filter of a list: the parameter of the API, its label, and what can be chosen.
pub(super) enum Filter {
    Choice(&'static str, &'static str, &'static [&'static str]),
    /// With an example of what is entered.
    Text(&'static str, &'static str, &'static str),
}

impl Filter {
    fn parameter(&self) -> &'static str {
        match self {
            Self::Choice(name, ..) | Self::Text(name, ..) => name,
        }
    }
}

/// What a visitor chose.
pub(super) struct Filtered<'f> {
    filters: &'f [Filter],
    chosen: Vec<(&'static str, String)>,
    cursor: Option<String>,
}

/// Reads the query of a list. Other parameters are left out.
pub(super) fn filtered<'f>(query: Option<&str>, filters: &'f [Filter]) -> Filtered<'f> {
    let mut filtered = Filtered { filters, chosen: Vec::new(), cursor: None };
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if value.is_empty() {
            continue;
        }
        if name == "cursor" {
            filtered.cursor = Some(value.into_owned());
        } else if let Some(filter) = filters.iter().find(|filter| filter.parameter() == name) {
            filtered.chosen.push((filter.parameter(), value.into_owned()));
        }
    }
    filtered
}

impl Filtered<'_> {
    /// Returns the choice as a query without a page.
    pub(super) fn text(&self) -> String {
        let pairs = self.chosen.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Returns the query of the API for the chosen page.
    pub(super) fn of_api(&self, limit: &str) -> String {
        let mut query = format!("limit={limit}");
        let cursor = self.cursor.as_ref().map(|cursor| format!("cursor={}", encoded(cursor)));
        for part in [Some(self.text()).filter(|text| !text.is_empty()), cursor].into_iter().flatten() {
            query.push('&');
            query.push_str(&part);
        }
        query
    }

    /// Writes the form that filters the list.
    pub(super) fn form(&self, path: &str) -> Markup {
        let value = |parameter: &str| {
            self.chosen.iter().find(|(name, _)| *name == parameter).map_or("", |(_, value)| value.as_str())
        };
        html! {
            form.filters method="get" action=(path) {
                @for filter in self.filters {
                    @let parameter = filter.parameter();
                    @match filter {
                        Filter::Choice(_, label, choices) => {
                            div.field {
                                label for={ "filter-" (parameter) } { (label) }
                                select id={ "filter-" (parameter) } name=(parameter) {
                                    option value="" { "all" }
                                    @for choice in *choices { option value=(choice) selected[value(parameter) == *choice] { (choice) } }
                                }
                            }
                        }
                        Filter::Text(_, label, example) => {
                            div.field {
                                label for={ "filter-" (parameter) } { (label) }
                                input id={ "filter-" (parameter) } name=(parameter) value=(value(parameter)) placeholder=(example) spellcheck="false";
                            }
                        }
                    }
                }
                button { "Filter" }
                @if !self.chosen.is_empty() { a.button.quiet href=(path) { "All" } }
            }
        }
    }
}
