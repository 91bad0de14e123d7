//! The real server binary on a free port, and a client for it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A server process; killed when it is dropped.
pub struct Server {
    child: Child,
    base: String,
    http: reqwest::Client,
}

impl Server {
    /// Starts `cutpoint serve` on this database and waits for the line that says its address.
    pub fn start(database: &Path, arguments: &[&str]) -> Self {
        Self::on(&format!("sqlite://{}", database.display()), arguments)
    }

    /// Starts it on the database of a URL.
    pub fn on(database_url: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--database-url"])
            .arg(database_url)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("cutpoint listens on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, base, http: reqwest::Client::new() }
    }

    /// Where it listens, as `http://address:port`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request; `wait_s` asks for the answer to wait for a job's end.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>, wait_s: u32) -> (StatusCode, String) {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if wait_s > 0 {
            request = request.header("Prefer", format!("wait={wait_s}"));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// The text at a path, which must be there.
    pub async fn get_text(&self, path: &str) -> String {
        let (status, text) = self.send(Method::GET, path, None, 0).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// The document at a path.
    pub async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.get_text(path).await).unwrap()
    }

    /// What the server makes of a document; it must accept it.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, text) = self.send(Method::POST, path, Some(body), 0).await;
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A job once `enough` holds of it; panics when that takes longer than `limit`.
    pub async fn job_when(&self, id: &str, limit: Duration, enough: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let job = self.get(&format!("/v1/jobs/{id}")).await;
            if enough(&job) {
                return job;
            }
            assert!(start.elapsed() < limit, "waited {limit:?} for {job}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the process without any warning, as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the process has ended.
    pub fn ended(mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < limit, "the server still runs after {limit:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails where it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a job has ended.
pub fn is_finished(job: &Value) -> bool {
    !matches!(job["status"].as_str(), Some("queued" | "running"))
}

/// An example file of the project.
pub fn example(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path);
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}
