//! Converts the outcome of a search to the end of its job.

use cutpoint_planner::CheckFailure;
use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::placement::{PlacementDocument, Status, Termination};
use serde::Deserialize;
use serde_json::{Value, json};

use super::progress::{figures_of, gap};
use super::signal::Cause;
use crate::domain::figures::PlacementFigures;
use crate::store::leases::{Ending, Figures, Incumbent};
use crate::store::{JobError, JobErrorCode};

/// The outcome of a search.
pub(super) enum Outcome {
    /// The search returned a document.
    Document(Box<PlacementDocument>),
    /// The checker refused the placement.
    Refused(CheckFailure),
    /// The solver panicked, with this message.
    Panicked(String),
}

/// The context of an outcome.
pub(super) struct Search {
    pub(super) objective: Objective,
    /// Whether several pipelines were asked for.
    pub(super) several: bool,
    /// Why the search was told to end, if it was.
    pub(super) cause: Option<Cause>,
    /// The best placement of an interrupted run of the same job.
    pub(super) carried: Option<Incumbent>,
    /// The figures that heartbeats stored.
    pub(super) figures: Figures,
}

impl Search {
    /// Returns how the job ends.
    pub(super) fn ending(self, outcome: Outcome) -> (Figures, Ending) {
        let figures = self.figures;
        match outcome {
            Outcome::Panicked(words) => {
                let detail = format!("The solver panicked: {words}. This is a defect of Cutpoint; please report it.");
                (figures, failed(JobErrorCode::SolverPanicked, detail))
            }
            Outcome::Refused(failure) => (
                figures,
                failed(
                    JobErrorCode::CheckFailed,
                    format!("{failure}. This is a defect of Cutpoint; please report it."),
                ),
            ),
            Outcome::Document(document) => self.answer(*document),
        }
    }

    /// Returns how a job ends that was stopped before its search began.
    pub(super) fn ending_unsearched(self) -> (Figures, Ending) {
        let figures = self.figures;
        match self.carried {
            Some(carried) => carry_over(&carried, figures, Termination::Stopped, self.several),
            None => (figures, Ending::Cancelled),
        }
    }

    fn answer(self, document: PlacementDocument) -> (Figures, Ending) {
        let value = self.objective.value_of(&document);
        if let Some(carried) = &self.carried {
            if document.status == Status::Infeasible {
                let detail = "The search proved that there is no placement, but an earlier run had found one. This is \
                              a defect of Cutpoint; please report it.";
                return (self.figures, failed(JobErrorCode::CheckFailed, detail.to_owned()));
            }
            if document.status != Status::Optimal && value.is_none_or(|value| carried.objective < value) {
                return carry_over(carried, self.figures, document.termination, self.several);
            }
        }
        let figures = figures_of(&document);
        match document.status {
            Status::Unknown if self.cause == Some(Cause::Asked) => (figures, Ending::Cancelled),
            Status::Unknown => (figures, nothing_found(&document)),
            Status::Optimal | Status::Feasible | Status::Infeasible => {
                let placement_figures = Box::new(PlacementFigures::of(&document));
                (figures, Ending::Answered { figures: placement_figures, document: json_text(&document) })
            }
        }
    }
}

/// Returns the incumbent of an interrupted run as the answer, for a run that found nothing better.
fn carry_over(carried: &Incumbent, figures: Figures, termination: Termination, several: bool) -> (Figures, Ending) {
    let bound = figures.lower_bound_nodes.map(|nodes| nodes as f64).or(figures.lower_bound_s);
    let proven_gap = bound.map(|bound| gap(carried.objective, bound));
    let figures = Figures { gap: proven_gap.or(figures.gap), ..figures };
    let optimal = proven_gap == Some(0.0);
    let (status, termination) =
        if optimal { (Status::Optimal, Termination::Optimal) } else { (Status::Feasible, termination) };
    let mut document = match serde_json::from_str(&carried.document) {
        Ok(Value::Object(document)) => document,
        _ => {
            return (figures, unreadable_incumbent());
        }
    };
    // Of several pipelines, the bound of the period is that of their sum.
    let most_per_s = figures.lower_bound_s.filter(|&bound_s| several && bound_s > 0.0).map(|bound_s| 1.0 / bound_s);
    let mut set = |field: &str, value: Value| document.insert(field.to_owned(), value);
    set("status", json!(status));
    set("termination", json!(termination));
    for (field, value) in [
        ("lower_bound_s", figures.lower_bound_s.map(|bound| json!(bound))),
        ("lower_bound_nodes", figures.lower_bound_nodes.map(|bound| json!(bound))),
        ("throughput_upper_bound_per_s", most_per_s.map(|most| json!(most))),
        ("gap", figures.gap.map(|gap| json!(gap))),
    ] {
        if let Some(value) = value {
            set(field, value);
        }
    }
    let document = Value::Object(document);
    match PlacementDocument::deserialize(&document) {
        Ok(placement) => {
            let placement_figures = Box::new(PlacementFigures::of(&placement));
            (figures, Ending::Answered { figures: placement_figures, document: json_text(&document) })
        }
        Err(_) => (figures, unreadable_incumbent()),
    }
}

fn unreadable_incumbent() -> Ending {
    let detail = "The placement of an interrupted run is not readable. Post the job again.";
    failed(JobErrorCode::InputUnreadable, detail.to_owned())
}

fn nothing_found(document: &PlacementDocument) -> Ending {
    let code = match document.termination {
        Termination::Exhausted => JobErrorCode::NoPlacementFound,
        _ => JobErrorCode::NoPlacementInTime,
    };
    let detail = match document.termination {
        Termination::Exhausted if document.algorithm.searches() => {
            "The search found neither a placement nor a proof within the memory that it may take. Ask for less: fewer \
             constraints, fewer layers, fewer nodes."
                .to_owned()
        }
        Termination::Exhausted => {
            "The algorithm found no placement, which proves nothing. Ask for the algorithm auto.".to_owned()
        }
        _ => format!(
            "The search ended after {:.3} s before any placement or proof. Raise time_limit_s, or ask for a smaller \
             model or cluster.",
            document.solve_s
        ),
    };
    failed(code, detail)
}

fn failed(code: JobErrorCode, detail: String) -> Ending {
    Ending::Failed(JobError { code, detail })
}
