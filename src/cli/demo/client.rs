//! The demo's HTTP client. A refused request becomes an error with the server's message.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// A client of one service.
pub(super) struct Client {
    base: String,
    http: reqwest::Client,
}

impl Client {
    /// Creates a client of the service at `http://address:port`.
    pub(super) fn new(base: String) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        Ok(Self { base, http })
    }

    /// Returns the document at a path.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await;
        document(answer.with_context(|| format!("GET {path}"))?, path).await
    }

    /// Returns the document at a path, or `None` if the service answers 409: the document does not exist yet.
    pub(super) async fn get_if_there(&self, path: &str) -> anyhow::Result<Option<Value>> {
        let answer =
            self.http.get(format!("{}{path}", self.base)).send().await.with_context(|| format!("GET {path}"))?;
        if answer.status() == StatusCode::CONFLICT {
            return Ok(None);
        }
        document(answer, path).await.map(Some)
    }

    /// Posts a document and returns the answer.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.http.post(format!("{}{path}", self.base)).json(body).send().await;
        document(answer.with_context(|| format!("POST {path}"))?, path).await
    }
}

async fn document(answer: Response, path: &str) -> anyhow::Result<Value> {
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("the answer of {path} is incomplete"))?;
    if !status.is_success() {
        bail!("{path} was answered with {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("the answer of {path} is not JSON"))
}
