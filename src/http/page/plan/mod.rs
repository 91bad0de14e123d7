//! `/ui/plan`: a form that plans, or checks without planning. What is wrong is shown at its field.

mod fields;
mod read;

use axum::Router;
use axum::extract::{Multipart, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use serde_json::Value;
use url::form_urlencoded;

use super::Page;
use super::home::planned;
use super::layout::View;
use super::parts::{items, name, str_of};
use super::text::sentence;
use super::visitor::{Standing, Visitor};
use crate::http::problem::{Problem, ProblemType};
use fields::{FIELDS, MORE, field};
use read::Entered;

pub(super) use read::{MOST_TEXT, import_model, read_whole};

pub(super) fn routes() -> Router<Page> {
    Router::new().route("/ui/plan", get(show).post(submit))
}

/// Groups of fields that are folded until one is needed, and what they are about.
const FOLDED: [(&str, &str); 3] = [
    (MORE, "What must be where, and which placements are there."),
    ("Cost model", "How memory, transfers and compute are counted."),
    ("Search", "How long to search, and how."),
];

async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let mut entered = Entered::default();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        entered.texts.insert(name.into_owned(), value.into_owned());
    }
    form(&visitor, &entered, &Outcome::None).await
}

/// What is shown above the form.
enum Outcome {
    None,
    /// The API refused the request.
    Refused(Problem),
    /// The answer of a check.
    Checked(Value),
}

async fn submit(visitor: Visitor, parts: Multipart) -> Result<Response, Problem> {
    if matches!(visitor.standing, Standing::Stranger) {
        // Before anything of the form is read.
        return Err(Problem::new(ProblemType::Unauthenticated, "the form needs a key"));
    }
    let entered = read::entered(&visitor, parts).await?;
    let is_check = entered.texts.get("action").is_some_and(|action| action == "check");
    let request = entered.request();
    let answered = if is_check {
        visitor.post("/v1/jobs/validate", &request).await.map(Outcome::Checked)
    } else {
        match planned(&visitor, &request).await {
            Ok(response) => return Ok(response),
            Err(problem) => Err(problem),
        }
    };
    match answered {
        Ok(outcome) => form(&visitor, &entered, &outcome).await,
        Err(problem) if is_of_form(&problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            Ok((status, form(&visitor, &entered, &Outcome::Refused(problem)).await?).into_response())
        }
        Err(problem) => Err(problem),
    }
}

fn is_of_form(problem: &Problem) -> bool {
    use ProblemType::{BodyTooLarge, InvalidRequest, MalformedBody, NotFound, TooManyRequests, Unavailable};
    matches!(
        problem.problem_type,
        InvalidRequest | MalformedBody | NotFound | Unavailable | TooManyRequests | BodyTooLarge
    )
}

impl Outcome {
    /// Returns the faults as pointer, detail and action.
    fn faults(&self) -> Vec<(&str, String)> {
        match self {
            Self::None => Vec::new(),
            Self::Refused(problem) => {
                let text = |detail: &str, action: &str| format!("{} {}", sentence(detail), sentence(action));
                let faults = problem.errors.iter();
                faults.map(|fault| (fault.pointer.as_ref(), text(&fault.detail, &fault.action))).collect()
            }
            Self::Checked(answer) => {
                let text = |fault: &Value| {
                    format!("{} {}", sentence(str_of(fault, "detail")), sentence(str_of(fault, "action")))
                };
                items(answer, "errors").iter().map(|fault| (str_of(fault, "pointer"), text(fault))).collect()
            }
        }
    }
}

async fn form(visitor: &Visitor, entered: &Entered, outcome: &Outcome) -> Result<Response, Problem> {
    let models = visitor.get("/v1/models?limit=200").await?;
    let clusters = visitor.get("/v1/clusters?limit=200").await?;
    let faults = outcome.faults();
    let at = |pointer: &str| -> Vec<&str> {
        let is_below = |fault: &str| fault == pointer || fault.starts_with(&format!("{pointer}/"));
        faults.iter().filter(|(fault, _)| is_below(fault)).map(|(_, text)| text.as_str()).collect()
    };
    let of_model = [at("/model"), at("/model_id")].concat();
    let of_cluster = [at("/cluster"), at("/cluster_id"), at("/cluster_revision")].concat();
    let group = |title: &str| FIELDS.iter().filter(move |field| field.group == title).collect::<Vec<_>>();
    let value = |name: &str| entered.texts.get(name).map_or("", String::as_str);
    let body = html! {
        h1 { "Plan" }
        (told(outcome, &faults))
        form.stack method="post" enctype="multipart/form-data" action="/ui/plan" data-keep-files {
            fieldset {
                legend { "What to place where" }
                // It stands before the files, which are read while they arrive.
                details.before open[!value("dim").is_empty()] {
                    summary.muted { "An ONNX file that leaves dimensions open" }
                    div.field.narrowed {
                        label for="dim" { "Open dimensions of its inputs" }
                        input #dim name="dim" value=(value("dim")) spellcheck="false" aria-describedby="dim-help";
                        p.help #dim-help { "As name=number, with commas between. batch is 1 by default." }
                    }
                }
                div.grid {
                    (input(&models, ("model", "Model"), value("model_id"), &of_model, "a profile (JSON) or an ONNX file, whose weights are skipped"))
                    (input(&clusters, ("cluster", "Cluster"), value("cluster_id"), &of_cluster, "an inventory (JSON)"))
                }
            }
            @for title in ["Objective", "Constraints"] {
                fieldset {
                    legend { (title) }
                    div.grid { @for it in group(title) { (field(it, value(it.name), &at(&it.pointer()))) } }
                }
            }
            @for (title, what) in FOLDED {
                // What was entered, or is wrong, is seen.
                details.folded open[!group(title).iter().all(|it| value(it.name).is_empty() && at(&it.pointer()).is_empty())] {
                    summary { span.title { (title) } " " span.muted { (what) } }
                    div.grid { @for it in group(title) { (field(it, value(it.name), &at(&it.pointer()))) } }
                }
            }
            ul.buttons {
                li { button.primary name="action" value="plan" { "Plan" } }
                li { button name="action" value="check" { "Check without planning" } }
            }
        }
    };
    Ok(View::new("Plan", body).page(visitor))
}

fn told(outcome: &Outcome, faults: &[(&str, String)]) -> Markup {
    html! {
        @match outcome {
            Outcome::None => {}
            Outcome::Refused(problem) if faults.is_empty() => {
                div.faults role="alert" { p { (name(&sentence(&problem.detail))) } }
            }
            Outcome::Checked(answer) if answer["valid"] == true => {
                @if items(answer, "reasons").is_empty() {
                    p.note.good role="status" { "The request is in order, and no quick proof speaks against a placement." }
                } @else {
                    div.faults role="alert" {
                        p { "The request is in order, but there is no placement:" }
                        ul { @for reason in items(answer, "reasons") { li { (name(&sentence(str_of(reason, "detail")))) } } }
                    }
                }
            }
            Outcome::Refused(_) | Outcome::Checked(_) => {
                div.faults role="alert" {
                    p { "This is not in order:" }
                    ul { @for (pointer, text) in faults { li { (place(pointer)) " " (name(text)) } } }
                }
            }
        }
    }
}

/// Names the place of a fault, and leads to its field where it has one.
fn place(pointer: &str) -> Markup {
    let is_below = |of: &str| pointer == of || pointer.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'));
    let inputs = [("/model", "Model"), ("/model_id", "Model"), ("/cluster", "Cluster"), ("/cluster_id", "Cluster")];
    let field = FIELDS.iter().find(|field| is_below(&field.pointer()));
    html! {
        @if let Some(field) = field {
            a href={ "#" (field.id()) } { (field.label) } ": "
        } @else if let Some((input, label)) = inputs.iter().find(|(input, _)| is_below(input)) {
            a href={ "#" (input.trim_start_matches('/').trim_end_matches("_id")) "_id" } { (label) }
            @if pointer != *input { ", " code { (name(pointer)) } } ": "
        } @else if !pointer.is_empty() {
            code { (name(pointer)) } ": "
        }
    }
}

/// A choice of a stored resource, or a file.
fn input(listed: &Value, (kind, label): (&str, &str), chosen: &str, faults: &[&str], what: &str) -> Markup {
    let invalid = (!faults.is_empty()).then_some("true");
    html! {
        div.field {
            label for={ (kind) "_id" } { (label) }
            select id={ (kind) "_id" } name={ (kind) "_id" } aria-invalid=[invalid] {
                option value="" { "from the file below" }
                @for item in items(listed, "items") {
                    @let id = str_of(item, "id");
                    option value=(id) selected[id == chosen] { (str_of(item, "name")) }
                }
            }
            label.help for={ (kind) "_file" } { "or " (what) }
            input id={ (kind) "_file" } type="file" name={ (kind) "_file" };
            @for fault in faults { p.fault { (name(fault)) } }
        }
    }
}
