//! `%(here)s`: the directory of the file as it was named, made absolute, links not followed.

use crate::face::face;
use crate::support::skipped;
use harness::{Setup, http, wait_until};

const CONFIG: &str = "[unix_http_server]\nfile=@sock@\n\
    [supervisord]\nnodaemon=true\nsilent=true\nuser=root\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
    identifier=<%(here)s>\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

/// Started in `@dir@/cwd` with `-c name`; `here` is the identifier.
fn here(name: &str) -> String {
    let files =
        face("").file("cwd/real/c.conf", CONFIG).file("cwd/plain.conf", CONFIG).file("real/c.conf", CONFIG);
    let cwd = files.dir().path().join("cwd");
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, cwd.join(at)).expect("it is ours");
    link("real/c.conf", "link.conf");
    link("../real", "linked");
    let conf = std::fs::read_to_string(cwd.join("plain.conf")).expect("just written");
    std::fs::write(cwd.join("supervisord.conf"), conf).expect("it is ours");
    let program = files.dir().join("supervisord");
    let words: &[&str] = if name.is_empty() { &[] } else { &["-c", name] };
    let daemon = Setup::new(&[&[program.as_str()], words].concat()).cwd(&cwd.display().to_string()).start();
    let ask =
        || http::rpc(&files.dir().join("s.sock"), "supervisor.getIdentification", &[]).unwrap_or_default();
    let mut answer = String::new();
    wait_until("it answers", || {
        answer = ask();
        answer.contains("&gt;")
    });
    daemon.finish();
    let (_, text) = answer.split_once("&lt;").expect("an identifier");
    let (text, _) = text.split_once("&gt;").expect("its end");
    text.replace(&files.dir().path().display().to_string(), "@dir@")
}

macro_rules! places {
    ($($name:ident: $conf:expr => $want:expr;)*) => {
        $(#[test]
        fn $name() {
            if !skipped() {
                assert_eq!(here($conf), $want);
            }
        })*
    };
}

places! {
    of_a_bare_name: "plain.conf" => "@dir@/cwd";
    of_a_relative_path: "real/c.conf" => "@dir@/cwd/real";
    of_a_path_with_dots: "./real/../real//c.conf" => "@dir@/cwd/real";
    of_a_linked_file: "link.conf" => "@dir@/cwd";
    of_a_linked_directory: "linked/c.conf" => "@dir@/cwd/linked";
    of_a_path_above: "../real/c.conf" => "@dir@/real";
    of_a_file_that_was_found: "" => "@dir@/cwd";
}
