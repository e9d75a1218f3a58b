//! Not root, no comforts: every combination of what a careful cluster takes away (requirement R54 of the field).
//!
//! Users 0, 1000 and 1000650000 with group 0 (OpenShift) × a root that is read-only × no capabilities and no new
//! privileges × no `/tmp` × no `/run` × no `/proc`: 96 containers, several at a time. Docker's seccomp profile is on. In each,
//! two programs run; a third one asks, inside, as the same user: health, metrics, `ctl`, by themselves and with nothing
//! told of where. It kills one program and sees it come back, restarts the other. Then `docker stop`, code 0, and a
//! writable root is as it was.
//!
//! How each axis is made. User, root, capabilities and new privileges: by Docker's options. `/tmp` and `/run`: the image
//! has neither; where they are there, they are a tmpfs for everybody. `/proc`: no runtime starts a container without it
//! (runc needs it itself), so in those rows a launcher begins as root with CAP_SYS_ADMIN added, takes `/proc` away, drops
//! that capability (or all, with the bounding set), becomes the user, and executes us: still as PID 1. Docker's
//! seccomp profile allows mounting to who has CAP_SYS_ADMIN; that difference remains.

use crate::docker::{Attached, attach, missing};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

pub(crate) const TOML: &str = "[http]\nlisten = \":9100\"\n\
    [program.web]\ncommand = [\"/puppet\", \"ids\", \"rights\", \"hold\"]\nstartsecs = 0\nbackoff_initial = 0.05\nbackoff_jitter = 0\n\
    [program.worker]\ncommand = [\"/puppet\", \"on\", \"TERM\", \"0\", \"hold\"]\nstartsecs = 0\n\
    [program.ask]\ncommand = [\"/busybox\", \"sh\", \"/conf/ask.sh\"]\nstartsecs = 0\nautorestart = false\n\
    depends_on = [\"web\", \"worker\"]\n";

/// Uses nothing but the two binaries; `/proc` may be missing.
pub(crate) const ASK: &str = r#"
for path in /proc/self /tmp /run; do
  if test -e $path; then echo "there is $path"; else echo "there is no $path"; fi
done
if (: >/written) 2>/dev/null; then echo "the root can be written"; /busybox rm /written; else echo "the root cannot be written"; fi
fail() { echo "asked in vain: $*"; exit 1; }
for what in live ready startup; do
  /mainstay health $what || fail health $what
  /busybox wget -qO- http://127.0.0.1:9100/${what}z >&2 || fail page $what
done
/busybox wget -qO- http://127.0.0.1:9100/metrics | /busybox grep -q '^mainstay_program_up{.*web.* 1' || fail metrics
test "$(/mainstay ctl status web worker | /busybox grep -c RUNNING)" = 2 || fail status
old=$(/mainstay ctl pid web)
/mainstay ctl signal KILL web || fail signal
n=0
while new=$(/mainstay ctl pid web); test "$new" = "$old" -o "$new" = 0; do
  n=$((n + 1)); test $n -lt 400 || fail web does not come back
  /busybox usleep 20000
done
old=$(/mainstay ctl pid worker)
/mainstay ctl restart worker || fail restart
test "$(/mainstay ctl pid worker)" != "$old" || fail the same worker
/mainstay health ready || fail ready again
echo asked and answered
"#;

/// BOUND: containers at the same time.
const AT_ONCE: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Row {
    uid: u32,
    gid: u32,
    read_only: bool,
    no_rights: bool,
    tmp: bool,
    run: bool,
    proc: bool,
}

fn rows(uid: u32, gid: u32) -> Vec<Row> {
    let bit = |n: u32, at: u32| n >> at & 1 == 0;
    let row = |n| Row {
        uid,
        gid,
        read_only: bit(n, 0),
        no_rights: bit(n, 1),
        tmp: bit(n, 2),
        run: bit(n, 3),
        proc: bit(n, 4),
    };
    (0..32).map(row).collect()
}

impl Row {
    fn start(self) -> Attached {
        let user = format!("{}:{}", self.uid, self.gid);
        let mut options = vec!["--pids-limit", "100", "--memory", "64m"];
        for (there, option) in [(self.tmp, "/tmp:mode=1777"), (self.run, "/run:mode=1777")] {
            if there {
                options.extend(["--tmpfs", option]);
            }
        }
        if self.read_only {
            options.push("--read-only");
        }
        if self.proc {
            options.extend(["--user", &user]);
            if self.no_rights {
                options.extend(["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
            }
            return attach(&options, &["/mainstay", "run", "-c", "/conf/matrix.toml"]);
        }
        without_proc(&options, self.uid, self.gid, self.no_rights, "/conf/matrix.toml")
    }

    fn check(self) {
        let container = self.start();
        container.run.wait_said("asked ");
        assert!(container.run.said().contains("asked and answered"));
        self.is_what_it_says(&container.run.stdout());
        assert_eq!(container.stop(), 0);
        if !self.read_only {
            let changes = container.changes();
            let ours: Vec<&str> = changes.lines().filter(|l| !MOUNT_POINTS.contains(l)).collect();
            assert_eq!(ours, [""; 0], "the root is not as it was");
        }
    }

    /// Was the row really made? Asked inside, by the programs.
    fn is_what_it_says(self, said: &str) {
        let ids = format!("uid {0} {0} gid {1} {1}", self.uid, self.gid);
        assert_eq!(said.matches(&ids).count(), 2, "{said}");
        let there =
            |yes, what| if yes { format!("there is {what}\n") } else { format!("there is no {what}\n") };
        assert!(said.contains(&there(self.proc, "/proc/self")), "{said}");
        assert!(said.contains(&there(self.tmp, "/tmp")), "{said}");
        assert!(said.contains(&there(self.run, "/run")), "{said}");
        // Who is not root cannot write to a writable root either.
        let writable = !self.read_only && self.uid == 0;
        assert_eq!(said.contains("the root can be written"), writable, "{said}");
        let none = said.contains("rights permitted 0 bounding 0 no-new-privs 1");
        assert_eq!(none, self.no_rights, "{said}");
        let root = said.contains("rights permitted 1");
        assert_eq!(root, self.uid == 0 && !self.no_rights, "{said}");
    }
}

/// Begins as root with `/proc`, takes it away, and becomes a user without rights, then mainstay.
pub(crate) fn without_proc(options: &[&str], uid: u32, gid: u32, no_rights: bool, file: &str) -> Attached {
    let (uid, gid) = (uid.to_string(), gid.to_string());
    let gone = if no_rights { "all" } else { SYS_ADMIN };
    let mut words =
        vec!["/puppet", "unmount", "/proc", "cap-bound", gone, "setids", &uid, &gid, "cap-drop", gone];
    if no_rights {
        words.push("no-new-privs");
    }
    words.extend(["exec", "/mainstay", "run", "-c", file]);
    attach(&[options, &["--cap-add", "SYS_ADMIN"]].concat(), &words)
}

const SYS_ADMIN: &str = "21";

/// What Docker itself makes for its mounts, where the image does not have it.
const MOUNT_POINTS: &[&str] = &["A /tmp", "A /run", "A /proc", "A /sys", "A /dev", "A /etc"];

/// Checks all rows; fails with a list of those that do not work.
fn all_of(rows: Vec<Row>) {
    if missing() {
        return;
    }
    let left = Mutex::new(rows);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = { left.lock().expect("no holder panics").pop() } {
                    if catch_unwind(AssertUnwindSafe(|| row.check())).is_err() {
                        failed.lock().expect("no holder panics").push(row);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no holder panics");
    assert!(failed.is_empty(), "{} of 32 do not work: {failed:#?}", failed.len());
}

#[test]
fn root_works_with_and_without_every_comfort() {
    all_of(rows(0, 0));
}

#[test]
fn a_user_works_with_and_without_every_comfort() {
    all_of(rows(1000, 1000));
}

#[test]
fn a_user_that_nobody_knows_works_with_and_without_every_comfort() {
    all_of(rows(1_000_650_000, 0));
}
