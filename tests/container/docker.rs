//! The image of this run, and containers that remove themselves.

use harness::{Cmd, Daemon, Done, Setup, TempDir, bins, holds_within, root::Root};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const LABEL: &str = "mainstay-test";

struct Image {
    /// Without a single directory of the usual ones.
    bare: String,
    /// With a `/tmp` for everybody.
    name: String,
    with_health: String,
}

/// Is Docker missing? Says so, or fails when it is required.
pub(crate) fn missing() -> bool {
    static MISSING: LazyLock<bool> = LazyLock::new(|| {
        let cli = bins::which("docker").is_some();
        !cli || Cmd::new(&["docker", "version", "--format", "{{.Server.Version}}"]).run().code() != 0
    });
    assert!(!(*MISSING && harness::flag("REQUIRE_DOCKER")), "Docker is required and does not answer");
    if *MISSING {
        println!("skipped: no Docker here");
    }
    *MISSING
}

fn image() -> &'static Image {
    static IMAGE: LazyLock<Image> = LazyLock::new(build);
    &IMAGE
}

fn build() -> Image {
    harness::at_exit(remove_everything);
    let root = Root::new();
    if let Some(busybox) = bins::which("busybox") {
        root.install(&busybox, "busybox");
    }
    // In a folder of their own and not in the root, where we would find them by ourselves.
    for (name, text) in crate::files::ALL {
        root.write(&format!("conf/{name}"), text);
    }
    root.write("conf/matrix.toml", crate::matrix::TOML);
    root.write("conf/ask.sh", crate::matrix::ASK);
    let name = format!("mainstay-test-{}", std::process::id());
    let (bare, with_health) = (format!("{name}:bare"), format!("{name}:health"));
    tag(&root, &bare, "FROM scratch\nCOPY . /\nENTRYPOINT [\"/mainstay\"]\n");
    root.write("more/tmp/.keep", "");
    harness::temp::set_mode(&std::path::Path::new(&root.path()).join("more/tmp"), 0o777);
    tag(&root, &name, &format!("FROM {bare}\nCOPY more /\n"));
    tag(
        &root,
        &with_health,
        &format!(
            "FROM {name}\nENV MAINSTAY_HTTP__LISTEN=127.0.0.1:9100\n\
             HEALTHCHECK --interval=1s --timeout=5s --retries=1 CMD [\"/mainstay\", \"health\"]\n"
        ),
    );
    Image { bare, name, with_health }
}

fn tag(root: &Root, tag: &str, text: &str) {
    root.write("Dockerfile", text);
    Cmd::new(&["docker", "build", "-q", "-t", tag, "--label", &label(), &root.path()])
        .limit(Duration::from_secs(120))
        .run()
        .expect(0);
}

/// What all containers and images of this run carry.
fn label() -> String {
    format!("{LABEL}={}", std::process::id())
}

/// Removes this run's containers and images; runs when the process ends.
extern "C" fn remove_everything() {
    let filter = format!("label={}", label());
    let containers = Cmd::new(&["docker", "ps", "-aq", "--filter", &filter]).run().stdout;
    for id in containers.split_whitespace() {
        Cmd::new(&["docker", "rm", "-f", id]).run();
    }
    let name = format!("mainstay-test-{}", std::process::id());
    Cmd::new(&["docker", "rmi", "-f", &format!("{name}:health"), &name, &format!("{name}:bare")]).run();
}

/// A container of this run. Removed when it is dropped.
pub(crate) struct Container(String);

/// Starts the image with options of `docker run`, and arguments for the entry point.
pub(crate) fn start(options: &[&str], words: &[&str]) -> Container {
    create(&image().name, options, words)
}

/// The same with a HEALTHCHECK.
pub(crate) fn start_with_health(options: &[&str], words: &[&str]) -> Container {
    create(&image().with_health, options, words)
}

/// `docker run -it`, with a terminal of its own at our end.
pub(crate) fn interactive(words: &[&str]) -> harness::Pty {
    let label = format!("{LABEL}={}", std::process::id());
    let fixed = ["docker", "run", "--rm", "-it", "--network", "none", "--label", &label, &image().name];
    harness::Pty::start(&[&fixed[..], words].concat(), None)
}

fn create(image: &str, options: &[&str], words: &[&str]) -> Container {
    let label = label();
    let mut fixed = vec!["docker", "run", "-d", "--label", &label];
    if !options.contains(&"-p") {
        fixed.extend(["--network", "none"]);
    }
    let done =
        Cmd::new(&[&fixed[..], options, &[image], words].concat()).limit(Duration::from_secs(60)).run();
    done.expect(0);
    Container(done.stdout.trim().to_string())
}

/// A container of the bare image whose output we read as it comes: no `docker logs`, again and again.
pub(crate) struct Attached {
    pub(crate) run: Daemon,
    name: String,
    /// Where `go` stands once somebody may read.
    unread: Option<TempDir>,
}

/// Starts it; `words` replace the entry point.
pub(crate) fn attach(options: &[&str], words: &[&str]) -> Attached {
    attach_behind(&[], options, words)
}

/// Its stdout is a pipe that nobody reads before `Attached::read_on`.
pub(crate) fn attach_unread(options: &[&str], words: &[&str]) -> Attached {
    let dir = TempDir::new();
    let script = r#"puppet=$0 go=$1; shift; "$@" | { "$puppet" wait-file "$go"; exec cat; }"#;
    let before = ["sh", "-c", script, &harness::puppet(), &dir.join("go")];
    let mut attached = attach_behind(&before, options, words);
    attached.unread = Some(dir);
    attached
}

fn attach_behind(before: &[&str], options: &[&str], words: &[&str]) -> Attached {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("mainstay-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let label = label();
    let fixed = ["docker", "run", "--network", "none", "--log-driver", "none", "--label", &label];
    let entry = ["--name", &name, "--entrypoint", words[0], &image().bare];
    let run = Setup::new(&[before, &fixed[..], options, &entry, &words[1..]].concat()).start();
    Attached { run, name, unread: None }
}

impl Attached {
    /// Somebody reads its stdout from now on.
    pub(crate) fn read_on(&self) {
        self.unread.iter().for_each(|dir| drop(dir.write("go", "")));
    }

    /// `docker stop`; `docker run` then ends with the container's code.
    pub(crate) fn stop(&self) -> i32 {
        Cmd::new(&["docker", "stop", "-t", "10", &self.name]).run().expect(0);
        self.run.wait_exit()
    }

    /// `docker exec`.
    pub(crate) fn exec(&self, words: &[&str]) -> Done {
        Cmd::new(&[&["docker", "exec", &self.name], words].concat()).limit(Duration::from_secs(60)).run()
    }

    /// What is not as in the image: `A /new`, `C /changed`.
    pub(crate) fn changes(&self) -> String {
        Cmd::new(&["docker", "diff", &self.name]).run().expect(0).stdout.clone()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // Docker waits for its reader before it removes anything.
        self.read_on();
        Cmd::new(&["docker", "rm", "-f", &self.name]).run();
    }
}

impl Container {
    fn docker(&self, words: &[&str]) -> Done {
        Cmd::new(&[&["docker"], words].concat()).limit(Duration::from_secs(60)).run()
    }

    /// `docker exec`.
    pub(crate) fn exec(&self, words: &[&str]) -> Done {
        self.docker(&[&["exec", &self.0], words].concat())
    }

    /// `docker exec` that goes on, and whose output is read as it comes.
    pub(crate) fn session(&self, words: &[&str]) -> Daemon {
        Setup::new(&[&["docker", "exec", &self.0], words].concat()).start()
    }

    /// Both streams of `docker logs`.
    pub(crate) fn logs(&self) -> Done {
        self.docker(&["logs", &self.0])
    }

    pub(crate) fn said(&self) -> String {
        let done = self.logs();
        done.stdout + &done.stderr
    }

    #[track_caller]
    pub(crate) fn wait_said(&self, text: &str) {
        let ok = holds_within(Duration::from_secs(20), || self.said().contains(text));
        assert!(ok, "`{text}` was not said, but:\n{}", self.said());
    }

    /// A field of `docker inspect`.
    pub(crate) fn inspect(&self, what: &str) -> String {
        self.docker(&["inspect", "--format", what, &self.0]).stdout.trim().to_string()
    }

    pub(crate) fn running(&self) -> bool {
        self.inspect("{{.State.Running}}") == "true"
    }

    /// Waits for its end; the exit code.
    #[track_caller]
    pub(crate) fn wait(&self) -> i32 {
        let done = self.docker(&["wait", &self.0]);
        done.stdout.trim().parse().unwrap_or_else(|_| panic!("docker wait: {done:?}"))
    }

    /// `docker stop`: the exit code and how long it took.
    pub(crate) fn stop(&self) -> (i32, Duration) {
        let done = self.docker(&["stop", "-t", "10", &self.0]);
        done.expect(0);
        (self.inspect("{{.State.ExitCode}}").parse().unwrap_or(-1), done.took)
    }

    /// Where a port is published, a line for each address.
    pub(crate) fn port(&self, port: u16) -> String {
        self.docker(&["port", &self.0, &port.to_string()]).stdout
    }

    pub(crate) fn kill(&self, signal: &str) {
        self.docker(&["kill", "-s", signal, &self.0]).expect(0);
    }

    /// `docker start` after an end.
    pub(crate) fn again(&self) {
        self.docker(&["start", &self.0]).expect(0);
    }

    /// `starting`, `healthy`, `unhealthy`.
    #[track_caller]
    pub(crate) fn wait_health(&self, status: &str) {
        let ok = holds_within(Duration::from_secs(30), || self.inspect("{{.State.Health.Status}}") == status);
        assert!(ok, "not {status}: {}\n{}", self.inspect("{{json .State.Health}}"), self.said());
    }

    /// Waits until `mainstay health ready` is content inside.
    #[track_caller]
    pub(crate) fn wait_ready(&self) {
        let mut last = None;
        let ok = holds_within(Duration::from_secs(20), || {
            let done = self.exec(&["/mainstay", "health", "ready", "--url", "http://127.0.0.1:9100"]);
            let code = done.code();
            last = Some(done);
            code == 0
        });
        assert!(ok, "not ready: {last:?}\n{}", self.said());
    }

    /// Dead and unreaped processes inside, as busybox's ps shows them.
    pub(crate) fn zombies(&self) -> usize {
        let table = self.exec(&["/busybox", "ps", "-o", "stat,comm"]).stdout;
        table.lines().filter(|l| l.trim_start().starts_with('Z')).count()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- docker logs\n{}\n---", self.said());
        }
        self.docker(&["rm", "-f", &self.0]);
    }
}
