//! `cutpoint key` as a user runs it, and the service that asks for what it made.

use std::path::Path;
use std::process::{Command, Output};

use crate::server::Server;
use reqwest::StatusCode;

fn key(database: &Path, arguments: &[&str]) -> Output {
    let url = format!("sqlite://{}", database.display());
    let (action, rest) = arguments.split_first().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    command.args(["key", action]).args(rest).args(["--database-url", &url]).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap().trim().to_owned()
}

async fn status(server: &Server, key: &str) -> StatusCode {
    let client = reqwest::Client::new();
    let request = client.get(format!("{}/v1/jobs", server.base())).bearer_auth(key);
    request.send().await.unwrap().status()
}

/// Asks until the service has noticed what changed beside it; it looks every second.
async fn until(server: &Server, key: &str, wanted: StatusCode) {
    for _ in 0..600 {
        if status(server, key).await == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("never {wanted}");
}

#[tokio::test]
async fn a_running_service_notices_keys_that_are_made_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("keys.db");
    let server = Server::start(&database, &[]);
    assert_eq!(status(&server, "").await, StatusCode::OK, "open until the first key");

    let made = key(&database, &["create", "--name", "roof planner", "--scope", "read", "--tenant", "roof"]);
    assert!(made.status.success(), "{made:?}");
    let secret = text(&made.stdout);
    assert!(secret.starts_with("cpk_") && !secret.contains(char::is_whitespace), "{secret}");
    assert!(!text(&made.stderr).contains(&secret[40..]));
    until(&server, "", StatusCode::UNAUTHORIZED).await;
    assert_eq!(status(&server, &secret).await, StatusCode::OK);

    let table = text(&key(&database, &["list"]).stdout);
    assert!(table.contains("roof planner") && table.contains("read") && !table.contains(&secret[40..]), "{table}");
    let listed = text(&key(&database, &["list", "--output", "jsonl"]).stdout);
    let line: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&line["tenant"], line.get("revoked_at")), (&serde_json::json!("roof"), None));

    let revoked = key(&database, &["revoke", line["id"].as_str().unwrap()]);
    assert!(revoked.status.success(), "{revoked:?}");
    until(&server, &secret, StatusCode::UNAUTHORIZED).await;
    assert_eq!(status(&server, "").await, StatusCode::UNAUTHORIZED, "closed for good");
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("keys.db");
    let no_list_of_nothing = key(&database, &["list"]);
    assert_eq!(no_list_of_nothing.status.code(), Some(1), "{no_list_of_nothing:?}");
    assert!(!database.exists() && text(&no_list_of_nothing.stderr).contains("cannot open the database"));
    assert!(key(&database, &["create", "--name", "first"]).status.success());
    let cases: [(&[&str], i32, &str); 5] = [
        (&["create", "--name", "x", "--tenant", "Roof!"], 2, "--tenant \"Roof!\": give 1 to 64"),
        (&["create", "--name", " "], 2, "--name: give 1 to 256"),
        (&["create", "--name", "x", "--scope", "root"], 2, "possible values: read, plan, admin"),
        (&["revoke", "job_1"], 2, "cutpoint key list"),
        (&["revoke", "key_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90"], 1, "there is no key key_01931e5c"),
    ];
    for (arguments, code, words) in cases {
        let refused = key(&database, arguments);
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(text(&refused.stderr).contains(words), "{refused:?}");
        assert!(refused.stdout.is_empty());
    }
}

#[test]
fn without_a_key_the_service_listens_on_loopback_alone_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("open.db").display());
    let mut serve = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    let refused = serve.args(["serve", "--listen", "0.0.0.0:0", "--database-url", &url]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let words = text(&refused.stderr);
    assert!(words.contains("cutpoint key create") && words.contains("--allow-anonymous"), "{words}");
    assert!(refused.stdout.is_empty());
}
