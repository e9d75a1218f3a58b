//! k8s/deployment.yaml as kubelet would run it, without a cluster: its configuration, its security context, its mounts, its
//! probes by number of port, its preStop hook, TERM, and the message of the end.
//!
//! What stands in the file is read from the file. The programs are ours: an image is not part of it.

use crate::docker::{Container, missing, start};
use harness::{TempDir, http, wait_until};

fn deployment() -> String {
    let path = harness::bins::workspace().join("k8s/deployment.yaml");
    std::fs::read_to_string(path).expect("the manifest")
}

/// The text below a key that ends in `|`, without its indentation.
fn block(yaml: &str, key: &str) -> String {
    let mut lines = yaml.lines().skip_while(|l| l.trim() != format!("{key}: |"));
    let indent = lines.next().map_or(0, |l| l.len() - l.trim_start().len() + 2);
    let inside = lines.take_while(|l| l.is_empty() || l.starts_with(&" ".repeat(indent)));
    inside.map(|l| format!("{}\n", l.get(indent..).unwrap_or_default())).collect()
}

/// The words of the first `command: ["…", "…"]` after `mark`.
fn command(yaml: &str, mark: &str) -> Vec<String> {
    let rest = yaml.split_once(mark).unwrap_or_else(|| panic!("no {mark}")).1;
    let list = rest.split_once("command: [").and_then(|(_, r)| r.split_once(']')).expect("a command").0;
    list.split(',').map(|w| w.trim().trim_matches('"').to_string()).collect()
}

/// What kubelet would mount, and programs that do what their names say.
fn mounts() -> TempDir {
    let dir = TempDir::new();
    dir.write("config/mainstay.toml", &block(&deployment(), "mainstay.toml"));
    dir.write("secrets/db-password", "s3cret\n");
    dir.write("words", "");
    dir.write("app/www/index.html", "hello\n");
    for (name, script) in [
        ("migrate", "echo \"migrated with $DB_PASSWORD\""),
        ("web", "echo \"web has $DB_PASSWORD\"; exec /busybox httpd -f -p 8080 -h /app/www"),
        ("worker", "echo \"worker: $*, ${DB_PASSWORD-no secret}\"; exec /puppet on TERM 0 hold"),
    ] {
        dir.write(&format!("app/{name}"), &format!("#!/busybox sh\n{script}\n"));
        harness::temp::set_mode(&dir.path().join("app").join(name), 0o755);
    }
    harness::temp::set_mode(&dir.path().join("words"), 0o666);
    dir
}

fn pod(dir: &TempDir) -> Container {
    let places = [
        ("config", "/etc/mainstay:ro"),
        ("secrets", "/etc/app-secrets:ro"),
        ("app", "/app:ro"),
        ("words", "/dev/termination-log"),
    ];
    let volumes = places.map(|(from, to)| format!("{}:{to}", dir.join(from)));
    let mut options = vec!["--read-only", "--user", "10001:10001", "--cap-drop", "ALL", "--memory", "256m"];
    options.extend(["--security-opt", "no-new-privileges", "--tmpfs", "/run:mode=1777,size=1m"]);
    options.extend(["-e", "QUEUE=default"]);
    for port in ["127.0.0.1::8080", "127.0.0.1::9100", "127.0.0.1::9101"] {
        options.extend(["-p", port]);
    }
    options.extend(volumes.iter().flat_map(|v| ["-v", v.as_str()]));
    let words = command(&deployment(), "kind: Deployment");
    assert_eq!(words[0], "/mainstay", "the image's entry point here");
    start(&options, &words[1..].iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_deployment_starts_is_probed_drains_and_stops() {
    if missing() {
        return;
    }
    let dir = mounts();
    let container = pod(&dir);
    let outside = |port| container.port(port).lines().next().unwrap_or_default().to_string();
    let (web, metrics, health) = (outside(8080), outside(9100), outside(9101));
    let page = |address: &str, path: &str| http::get(address, path).map_or(0, |answer| answer.status);
    for path in ["/startupz", "/readyz", "/livez"] {
        wait_until(path, || page(&health, path) == 200);
    }
    wait_until("the program answers", || page(&web, "/") == 200);
    let said = container.said();
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("no `{text}` in {said}"));
    assert!(at("migrated with s3cret") < at("web has s3cret"), "{said}");
    assert!(said.contains("worker: --queue default, no secret"), "each has its own secrets: {said}");
    assert_eq!(page(&metrics, "/metrics"), 200);

    let hook = command(&deployment(), "preStop:");
    std::thread::scope(|scope| {
        let drained = scope.spawn(|| container.exec(&hook.iter().map(String::as_str).collect::<Vec<_>>()));
        wait_until("it is not ready", || page(&health, "/readyz") == 503);
        assert_eq!((page(&web, "/"), page(&health, "/livez")), (200, 200), "nothing is stopped");
        assert!(!drained.is_finished(), "the hook waits");
        drained.join().expect("docker exec answers").expect(0);
    });
    let (code, took) = container.stop();
    assert_eq!(code, 0);
    // TERM after the hook does not wait for drain_delay again.
    assert!(took < std::time::Duration::from_secs(4), "{took:?}");
    assert_eq!(dir.read("words"), "stopped by SIGTERM (exit code 0)\n");
}
