//! The README keeps its word: its tour runs as it stands, and its table has every setting with its default. What docs/clients.md shows is
//! part of the clients that run.

use std::path::Path;
use std::process::Command;

use crate::server::Server;
use cutpoint::config::{ENVIRONMENT_PREFIX, Settings};

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The shell blocks between two headings, as one script.
fn script(from: &str, to: &str) -> String {
    let text = readme();
    let (_, section) = text.split_once(from).unwrap();
    let (section, _) = section.split_once(to).unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    blocks.collect()
}

#[test]
fn the_tour_runs_when_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("c.db");
    let server = Server::start(&database, &[]);
    // A curl that fails on statuses of 400 and above would stop at the example of a faulty request.
    let script = script("## Tour", "### On the command line")
        .replace("BASE=http://127.0.0.1:8080", "")
        .replace("cargo run --release --", env!("CARGO_BIN_EXE_cutpoint"));
    assert!(script.matches("curl ").count() >= 10, "{script}");
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("BASE", server.base())
        .env("CUTPOINT_DATABASE_URL", format!("sqlite://{}", database.display()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the tour needs bash");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}\n{shown}", String::from_utf8_lossy(&output.stderr));
    for wanted in [
        "\"status\":\"succeeded\"",
        "\"lower_bound_s\":",
        "\"items\":[{",
        "event:finished",
        "\"reasons\":[",
        "\"kind\":\"request\"",
        "\"sink_node\":",
        "\"upgrades\":[{",
        "\"moved_layers\":[{",
        "\"violations\":[{",
        "\"pointer\":\"/model/layers\"",
        "\"pointer\":\"/cluster/nodes/0/memory_bytes\"",
        "127.0.0.1 is loopback",
        "\"secret\":\"whsec_",
        "\"items\":[]",
        "\"type\":\"/problems/unauthenticated\"",
    ] {
        assert!(shown.replace(": ", ":").contains(wanted), "{wanted} is missing in:\n{shown}");
    }
    // Two tries with one key are one job.
    let ids: Vec<&str> = shown.split("\"id\":\"job_").skip(1).map(|rest| &rest[..36]).collect();
    assert!(ids.windows(2).any(|pair| pair[0] == pair[1]), "{ids:?}");
}

/// What stands in for the tools of a site: a cluster of three boards, and ssh to them.
fn site(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).unwrap();
        if name.starts_with("bin/") {
            let status = Command::new("chmod").arg("+x").arg(folder.join(name)).status().unwrap();
            assert!(status.success());
        }
    };
    std::fs::create_dir(folder.join("bin")).unwrap();
    std::os::unix::fs::symlink(root.join("tools"), folder.join("tools")).unwrap();
    std::fs::copy(root.join("tests/data/model.onnx"), folder.join("model.onnx")).unwrap();
    write("hosts.txt", "a 10.9.0.1\nb 10.9.0.2\nc 10.9.0.3\n".to_owned());
    let node = |(index, name): (usize, &str)| {
        serde_json::json!({
            "metadata": {"name": name, "annotations": {"cutpoint/flops-per-s": "4e9"}},
            "status": {
                "allocatable": {"memory": "64Mi"},
                "addresses": [{"type": "InternalIP", "address": format!("10.9.0.{}", index + 1)}],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        })
    };
    let items: Vec<_> = ["a", "b", "c"].into_iter().enumerate().map(node).collect();
    write("nodes.json", serde_json::json!({"items": items}).to_string());
    write("bin/kubectl", format!("#!/bin/sh\nexec cat {}\n", folder.join("nodes.json").display()));
    write("bin/cargo", "#!/bin/sh\ntest \"$*\" = \"install --path .\"\n".to_owned());
    write("bin/cutpoint", format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_cutpoint")));
    // ssh -o … -o … HOST COMMAND
    let ssh = root.join("crates/import/tests/data/fake_ssh.sh");
    let log = folder.join("log");
    write("bin/ssh", format!("#!/bin/sh\nshift 4\nexec sh {} {} \"$@\"\n", ssh.display(), log.display()));
}

#[test]
fn an_own_model_on_an_own_site_takes_five_commands() {
    let folder = tempfile::tempdir().unwrap();
    site(folder.path());
    let section = script("## Your model, on your site", "The service imports");
    let commands: Vec<&str> = section.lines().collect();
    assert_eq!(commands.len(), 5, "{section}");
    let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &section])
        .env("PATH", path)
        .current_dir(folder.path())
        .output()
        .expect("the commands need bash");
    let (shown, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}\n{shown}");
    assert!(shown.contains("dense3") || shown.contains("scores"), "{shown}");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(folder.path().join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("model.json")["layers"].as_array().unwrap().len(), 12);
    assert_eq!(read("cluster.json")["links"].as_array().unwrap().len(), 6);
}

#[test]
fn the_table_has_every_setting_with_its_default() {
    let text = readme();
    for setting in Settings::TABLE {
        let (name, default) = (setting.name, (setting.default)());
        let variable = format!("{ENVIRONMENT_PREFIX}{}", name.to_uppercase());
        let row = format!("| `{name}` | `{variable}` | `--{}` |", name.replace('_', "-"));
        let (_, rest) = text.split_once(&row).unwrap_or_else(|| panic!("{row}"));
        let shown = rest.split('|').next().unwrap().trim().trim_matches('`');
        assert_eq!(shown, default, "{row}");
    }
}

/// The lines of a text without what stands before and behind them.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

#[test]
fn the_clients_that_are_shown_are_those_that_run() {
    let read = |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let text = read("docs/clients.md");
    let clients = [("python", "python/plan.py"), ("ts", "typescript/plan.ts"), ("rust", "rust/src/main.rs")];
    for (language, file) in clients {
        let program = read(&format!("tests/clients/{file}"));
        let program = lines(&program);
        let opening = format!("```{language}\n");
        let blocks: Vec<&str> = text.split(&opening).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
        assert!(blocks.len() >= 3, "{language}");
        for block in blocks {
            let block = lines(block);
            assert!(program.windows(block.len()).any(|part| part == block), "{file} has no {block:#?}");
        }
    }
}
