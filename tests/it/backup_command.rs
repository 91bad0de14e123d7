//! `cutpoint backup` as a user runs it, beside a service that is written to.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::server::{Server, example};
use serde_json::{Value, json};

fn backup(database: &Path, copy: &Path) -> Output {
    let url = format!("sqlite://{}", database.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    command.arg("backup").arg(copy).args(["--database-url", &url]).output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn model(number: usize) -> Value {
    let mut model = example("models/MobileNetV2.json");
    model["name"] = json!(format!("model {number}"));
    model
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_under_writes_holds_everything_that_was_answered_before() {
    let folder = tempfile::tempdir().unwrap();
    let (database, copy) = (folder.path().join("c.db"), folder.path().join("copy.db"));
    let server = Arc::new(Server::start(&database, &[]));
    let request = example("requests/resnet50-radio-5.json");
    let (_, job) = server.send(reqwest::Method::POST, "/v1/jobs", Some(&request), 50).await;
    let job: Value = serde_json::from_str(&job).unwrap();
    let mut before = Vec::new();
    for number in 0..5 {
        before.push(server.post("/v1/models", &model(number)).await["id"].as_str().unwrap().to_owned());
    }
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (server, done) = (server.clone(), done.clone());
        async move {
            let mut number = 1000;
            while !done.load(Ordering::SeqCst) {
                server.post("/v1/models", &model(number)).await;
                number += 1;
            }
        }
    });

    let output = tokio::task::spawn_blocking({
        let (database, copy) = (database.clone(), copy.clone());
        move || backup(&database, &copy)
    });
    let output = output.await.unwrap();
    done.store(true, Ordering::SeqCst);
    writer.await.unwrap();

    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let size = std::fs::metadata(&copy).unwrap().len();
    assert!(said.contains("copy.db: ") && said.contains(&format!("{size} bytes in ")), "{said}");
    let again = backup(&database, &copy);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8(again.stderr).unwrap().contains("not overwritten"));
    assert_eq!(std::fs::metadata(&copy).unwrap().len(), size);

    let restored = Server::start(&copy, &[]);
    for id in &before {
        assert_eq!(restored.get(&format!("/v1/models/{id}")).await["id"], json!(id));
    }
    let id = job["id"].as_str().unwrap();
    assert_eq!(restored.get(&format!("/v1/jobs/{id}")).await["status"], "succeeded");
    let placement = format!("/v1/placements/{}", job["placement_id"].as_str().unwrap());
    assert_eq!(restored.get_text(&placement).await, server.get_text(&placement).await);
}

#[tokio::test]
async fn a_backup_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, copy) = (folder.path().join("c.db"), folder.path().join("copy.db"));
    let failed = |database: &Path, copy: &Path, words: &str| {
        let output = backup(database, copy);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{complaint}");
        assert!(complaint.contains(words), "{complaint}");
    };
    failed(&database, &copy, "there is no database of Cutpoint");
    assert!(names(folder.path()).is_empty());

    let server = Server::start(&database, &[]);
    for number in 0..5 {
        server.post("/v1/models", &model(number)).await;
    }
    server.terminate();
    assert!(server.ended(std::time::Duration::from_secs(20)).success());
    failed(&database, &folder.path().join("no").join("such.db"), "No such file");
    assert_eq!(names(folder.path()), ["c.db", "c.db-lock"]);

    let mut bytes = std::fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xff);
    std::fs::write(&database, &bytes).unwrap();
    failed(&database, &copy, "no copy of");
    assert_eq!(names(folder.path()), ["c.db", "c.db-lock"]);

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "the milk").unwrap();
    failed(&text, &copy, "is not an SQLite database");
    assert_eq!(names(folder.path()), ["c.db", "c.db-lock", "notes.txt"]);
}
