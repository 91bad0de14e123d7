//! `tools/all_pairs_iperf3.py` with a stand-in for ssh: every pair once, one after another, and only what is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cutpoint_import::InputFile;
use cutpoint_import::inventory::{InventoryInput, inventory};

use crate::data::NODES;

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new(hosts: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(site.path("hosts.txt"), hosts).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn measure(&self) -> Output {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ssh = format!("{} {}", crate_folder.join("tests/data/fake_ssh.sh").display(), self.path("log").display());
        let mut command = Command::new("python3");
        command.arg(crate_folder.join("../../tools/all_pairs_iperf3.py")).arg("--hosts").arg(self.path("hosts.txt"));
        command.arg("--output").arg(self.path("measured")).args(["--seconds", "1", "--wait", "0.05", "--ssh", &ssh]);
        command.output().unwrap()
    }

    /// Returns what hosts were told since the last time.
    fn log(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        std::fs::write(self.path("log"), "").unwrap();
        log.lines().map(str::to_owned).collect()
    }

    fn results(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.path("measured")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = entries.collect();
        files.sort();
        let read =
            |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap());
        files.into_iter().map(read).collect()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn pairs_are_measured_one_at_a_time_and_resumed() {
    let site = Site::new("# the lab\na 10.9.0.1\nb\t10.9.0.2\n\nc 10.9.0.3 # far\n");
    let first = site.measure();
    assert!(first.status.success(), "{}", errors(&first));
    assert!(errors(&first).contains("9 tests, 0 of them done before; about 36 s left"), "{}", errors(&first));
    assert!(errors(&first).contains("[3/9] a <-> b: 50.0 Mbit/s and 40.0 Mbit/s; about "), "{}", errors(&first));
    let log = site.log();
    let clients: Vec<&str> = log.iter().map(String::as_str).filter(|line| !line.starts_with("server")).collect();
    assert_eq!(clients.len(), 18, "{clients:?}");
    for test in clients.chunks(2) {
        assert!(test[0].starts_with("begin") && test[1].starts_with("end"), "two tests at once: {clients:?}");
    }
    assert_eq!(log.iter().filter(|line| line.starts_with("server")).count(), 9);
    assert!(clients[0].contains("a 10.9.0.2 iperf3 --client 10.9.0.2 --port 5201 --json --time 1"), "{clients:?}");

    // What it wrote is an inventory without a pair that nobody measured.
    let results = site.results();
    let files = results.iter().map(|(name, content)| InputFile { name, content });
    let nodes = vec![InputFile { name: "lab.json", content: NODES.as_bytes() }];
    let input = InventoryInput { name: "lab", nodes, iperf3: files.collect(), ..InventoryInput::default() };
    let links = inventory(&input).unwrap().document["links"].as_array().unwrap().len();
    assert_eq!(links, 6);

    std::fs::remove_file(site.path("measured/b--c--reverse.json")).unwrap();
    std::fs::write(site.path("measured/a--b--both.json"), "{\"error\": \"busy\"}").unwrap();
    std::fs::write(site.path("measured/a--c--forward.json"), "{\"start\"").unwrap();
    let second = site.measure();
    assert!(errors(&second).contains("9 tests, 6 of them done before"), "{}", errors(&second));
    let again: Vec<String> = site.log().into_iter().filter(|line| line.starts_with("begin")).collect();
    assert_eq!(again.len(), 3, "{again:?}");
    let third = site.measure();
    assert!(third.status.success() && site.log().is_empty(), "{}", errors(&third));
}

#[test]
fn a_host_that_is_down_leaves_the_others_measured() {
    let site = Site::new("a 10.9.0.1\nb 10.9.0.2\nc 10.9.0.3\n");
    std::fs::write(site.path("log.down"), "c").unwrap();
    let first = site.measure();
    assert_eq!(first.status.code(), Some(1), "{}", errors(&first));
    assert!(errors(&first).contains("FAILED. c runs no server: no route to host c"), "{}", errors(&first));
    assert!(errors(&first).contains("not measured: a -> c, c -> a, a <-> c, b -> c"), "{}", errors(&first));
    assert_eq!(site.results().len(), 3);
    std::fs::remove_file(site.path("log.down")).unwrap();
    let second = site.measure();
    assert!(second.status.success(), "{}", errors(&second));
    assert_eq!(site.results().len(), 9);
}

#[test]
fn all_faults_of_the_hosts_are_said_at_once() {
    let site = Site::new("a\na\n-oProxyCommand=x y\np q r\n");
    let refused = site.measure();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(errors(&refused).lines().count(), 3, "{}", errors(&refused));
    assert!(!site.path("measured").exists());
}
