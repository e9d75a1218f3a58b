//! The image of this run, and containers that remove themselves.

use harness::{Cmd, Done, bins, holds_within, root::Root};
use std::sync::LazyLock;
use std::time::Duration;

const LABEL: &str = "mainstay-test";

/// What every configuration of these tests runs: one that holds, one that ends.
pub(crate) const INI: &str = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/tmp/d.pid\nchildlogdir=/tmp\n\
    [unix_http_server]\nfile=/tmp/s.sock\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
    [mainstay]\nhttp_listen=127.0.0.1:9100\n\
    [program:web]\ncommand=/puppet say web-is-up ids hold\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
    [program:worker]\ncommand=/puppet say-err worker-is-up hold\nstartsecs=0\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=2\n\
    stderr_logfile=/dev/stderr\nstderr_logfile_maxbytes=0\nstdout_logfile=NONE\n";

pub(crate) const TOML: &str = "[http]\nlisten = \"127.0.0.1:9100\"\n\
    [program.web]\ncommand = [\"/puppet\", \"say\", \"web-is-up\", \"ids\", \"hold\"]\nstartsecs = 0\n\
    [program.worker]\ncommand = \"/puppet say-err worker-is-up hold\"\nstartsecs = 0\n";

/// Health that can be made to fail: the second program ends when a file appears.
const FRAGILE: &str = "[http]\nlisten = \"127.0.0.1:9100\"\n\
    [program.web]\ncommand = [\"/puppet\", \"hold\"]\nstartsecs = 0\n\
    [program.fragile]\ncommand = [\"/puppet\", \"wait-file\", \"/tmp/break\", \"exit\", \"3\"]\nstartsecs = 0\nautorestart = false\n";

struct Image {
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
    // Not in the root, where we would find them by ourselves.
    root.write("conf/supervisord.conf", INI);
    root.write("conf/mainstay.toml", TOML);
    root.write("conf/fragile.toml", FRAGILE);
    root.write("tmp/.keep", "");
    harness::temp::set_mode(&std::path::Path::new(&root.path()).join("tmp"), 0o777);
    let name = format!("mainstay-test-{}", std::process::id());
    let with_health = format!("{name}:health");
    let files = [
        (name.clone(), "FROM scratch\nCOPY . /\nENTRYPOINT [\"/mainstay\"]\n".to_string()),
        (
            with_health.clone(),
            format!(
                "FROM {name}\nENV MAINSTAY_HTTP__LISTEN=127.0.0.1:9100\n\
                 HEALTHCHECK --interval=1s --timeout=5s --retries=1 CMD [\"/mainstay\", \"health\"]\n"
            ),
        ),
    ];
    for (tag, text) in files {
        root.write("Dockerfile", &text);
        let label = format!("{LABEL}={}", std::process::id());
        Cmd::new(&["docker", "build", "-q", "-t", &tag, "--label", &label, &root.path()])
            .limit(Duration::from_secs(120))
            .run()
            .expect(0);
    }
    Image { name, with_health }
}

/// Removes this run's containers and images; runs when the process ends.
extern "C" fn remove_everything() {
    let filter = format!("label={LABEL}={}", std::process::id());
    let containers = Cmd::new(&["docker", "ps", "-aq", "--filter", &filter]).run().stdout;
    for id in containers.split_whitespace() {
        Cmd::new(&["docker", "rm", "-f", id]).run();
    }
    let name = format!("mainstay-test-{}", std::process::id());
    Cmd::new(&["docker", "rmi", "-f", &format!("{name}:health"), &name]).run();
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
    let label = format!("{LABEL}={}", std::process::id());
    let fixed = ["docker", "run", "-d", "--network", "none", "--label", &label];
    let done =
        Cmd::new(&[&fixed[..], options, &[image], words].concat()).limit(Duration::from_secs(60)).run();
    done.expect(0);
    Container(done.stdout.trim().to_string())
}

impl Container {
    fn docker(&self, words: &[&str]) -> Done {
        Cmd::new(&[&["docker"], words].concat()).limit(Duration::from_secs(60)).run()
    }

    /// `docker exec`.
    pub(crate) fn exec(&self, words: &[&str]) -> Done {
        self.docker(&[&["exec", &self.0], words].concat())
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

    fn inspect(&self, what: &str) -> String {
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
