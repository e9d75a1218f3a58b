//! autorestart × exitcodes × how it ended. One daemon runs the matrix; each row is a test of its own.

use crate::support::{Batch, Sup, batch, part, skipped, start};
use harness::wait_for;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// How often it was started, its state, and its first log line after the spawn.
type Seen = (bool, String, String);

fn run_all(rows: &[(&str, &str, &str, bool, &str)]) -> BTreeMap<String, Seen> {
    let config: String = rows
        .iter()
        .map(|(name, settings, end, _, _)| {
            format!(
                "[program:{name}]\ncommand=@puppet@ stamp @dir@/{name}.st after 150 {end}\nstartsecs=0\n\
                 stdout_logfile=NONE\nstderr_logfile=NONE\n{settings}\n"
            )
        })
        .collect();
    let sup = start(&config);
    let starts = |sup: &Sup, name: &str| sup.stamps(&format!("{name}.st")).len();
    // Whoever is to stay down has ended before the others came up three times: it has had its chance.
    wait_for("the restarting ones came up three times", Duration::from_secs(20), || {
        rows.iter().all(|(name, _, _, again, _)| {
            if *again { starts(&sup, name) >= 3 } else { sup.log().contains(&format!("exited: {name} ")) }
        })
    });
    let seen = rows
        .iter()
        .map(|(name, ..)| {
            let state = if starts(&sup, name) > 1 { String::new() } else { sup.status(name).0 };
            let line = sup.events_of(name).into_iter().find(|l| l.contains("exited: ")).unwrap_or_default();
            ((*name).to_string(), (starts(&sup, name) > 1, state, line))
        })
        .collect();
    sup.finish();
    seen
}

macro_rules! rows {
    ($($name:ident: $settings:expr, $end:expr => $again:expr, $line:expr;)*) => {
        const ROWS: &[(&str, &str, &str, bool, &str)] = &[$((stringify!($name), $settings, $end, $again, $line)),*];
        static SEEN: LazyLock<Batch<BTreeMap<String, Seen>>> = LazyLock::new(|| batch(|| run_all(ROWS)));
        $(#[test]
        fn $name() {
            if skipped() {
                return;
            }
            let (again, state, line) = part(&SEEN, stringify!($name));
            assert_eq!(*again, $again, "restarted");
            assert_eq!(*line, format!("{}", $line.replace("@", stringify!($name))));
            assert_eq!(state, if $again { "" } else { "EXITED" });
        })*
    };
}

rows! {
    never_after_0: "autorestart=false", "exit 0" => false, "INFO exited: @ (exit status 0; expected)";
    never_after_3: "autorestart=false", "exit 3" => false, "WARN exited: @ (exit status 3; not expected)";
    never_after_a_signal: "autorestart=no", "crash KILL" => false, "WARN exited: @ (terminated by SIGKILL; not expected)";
    always_after_0: "autorestart=true", "exit 0" => true, "INFO exited: @ (exit status 0; expected)";
    always_after_3: "autorestart=true\nexitcodes=3", "exit 3" => true, "INFO exited: @ (exit status 3; expected)";
    always_after_a_signal: "autorestart=on", "crash TERM" => true, "WARN exited: @ (terminated by SIGTERM; not expected)";
    unexpected_is_the_default: "", "exit 2" => true, "WARN exited: @ (exit status 2; not expected)";
    code_0_alone_is_expected_by_default: "autorestart=unexpected", "exit 0" => false, "INFO exited: @ (exit status 0; expected)";
    an_expected_code_stays_down: "exitcodes=0,3", "exit 3" => false, "INFO exited: @ (exit status 3; expected)";
    code_0_may_be_unexpected: "exitcodes=3", "exit 0" => true, "WARN exited: @ (exit status 0; not expected)";
    no_code_may_be_expected: "exitcodes=", "exit 0" => true, "WARN exited: @ (exit status 0; not expected)";
    a_signal_is_never_expected: "autorestart=Unexpected\nexitcodes=0,9,137", "crash KILL" => true,
        "WARN exited: @ (terminated by SIGKILL; not expected)";
    code_255_is_a_code: "exitcodes=255", "exit 255" => false, "INFO exited: @ (exit status 255; expected)";
}
