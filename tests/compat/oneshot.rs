//! What a program is started with: words, environment, directory, ids, expansions. One daemon runs all the programs of
//! this table; each row is a test of its own.

use crate::support::{Batch, batch, ours, part, skipped, start_with};
use harness::wait_until;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Runs each row's program once and gives back what it wrote to its log.
fn run_all(rows: &[(&str, &str, &str)]) -> BTreeMap<String, String> {
    let mut config = String::new();
    for (name, body, _) in rows {
        config.push_str(&format!(
            "[program:{name}]\nautorestart=false\nstartsecs=0\nredirect_stderr=true\n\
             stdout_logfile=@dir@/%(program_name)s.out\n{body}\n\n"
        ));
    }
    let sup = start_with(
        "environment=GLOBAL=\"from supervisord\",BOTH=\"supervisord\",SUPERVISOR_GROUP_NAME=\"overridden\"\n",
        &config,
    );
    wait_until("every program has ended", || {
        let log = sup.log();
        rows.iter().all(|(name, _, _)| log.contains(&format!("exited: {name} ")))
    });
    let host = nix_hostname();
    let outputs = rows
        .iter()
        .map(|(name, _, _)| {
            let text = sup.file(&format!("{name}.out")).replace(&sup.0.fill("@dir@"), "@dir@");
            (name.to_string(), text.replace(&host, "@host@"))
        })
        .collect();
    sup.finish();
    outputs
}

fn nix_hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|h| h.trim().to_string()).unwrap_or_default()
}

macro_rules! rows {
    ($($name:ident: $body:expr => $want:expr;)*) => {
        const ROWS: &[(&str, &str, &str)] = &[$((stringify!($name), $body, $want)),*];
        static OUTPUTS: LazyLock<Batch<BTreeMap<String, String>>> = LazyLock::new(|| batch(|| run_all(ROWS)));
        $(#[test]
        fn $name() {
            if !skipped() {
                assert_eq!(part(&OUTPUTS, stringify!($name)), $want);
            }
        })*
    };
}

rows! {
    // command
    words_are_split_at_blanks: "command=@puppet@ args a  b\tc" => "[\"a\", \"b\", \"c\"]\n";
    double_quotes_hold_words_together: "command=@puppet@ args \"a b\" c" => "[\"a b\", \"c\"]\n";
    single_quotes_hold_words_together: "command=@puppet@ args 'a \"b\"' c" => "[\"a \\\"b\\\"\", \"c\"]\n";
    quotes_inside_a_word_join: "command=@puppet@ args a\"b c\"d'e f'" => "[\"ab cde f\"]\n";
    a_backslash_escapes_outside_quotes: "command=@puppet@ args a\\ b \\\\" => "[\"a b\", \"\\\\\"]\n";
    a_backslash_in_double_quotes_escapes_few: "command=@puppet@ args \"a\\\"b\" \"a\\nb\"" => "[\"a\\\"b\", \"a\\\\nb\"]\n";
    a_backslash_in_single_quotes_is_itself: "command=@puppet@ args 'a\\b'" => "[\"a\\\\b\"]\n";
    empty_quotes_are_empty_words: "command=@puppet@ args \"\" ''" => "[\"\", \"\"]\n";
    no_shell_expands_anything: "command=@puppet@ args $HOME ~ *.x `a` a|b >c &" =>
        "[\"$HOME\", \"~\", \"*.x\", \"`a`\", \"a|b\", \">c\", \"&\"]\n";
    a_command_goes_on_in_indented_lines: "command=@puppet@ args a\n   b\n   ; not me\n   c" => "[\"a\", \"b\", \"c\"]\n";
    a_doubled_percent_is_one: "command=@puppet@ args 100%%" => "[\"100%\"]\n";
    an_inline_comment_starts_with_blank_semicolon: "command=@puppet@ args a ; b" => "[\"a\"]\n";
    an_inline_comment_starts_with_blank_hash: "command=@puppet@ args a # b" => "[\"a\"]\n";
    comment_characters_without_a_blank_are_text: "command=@puppet@ args a;b c#d" => "[\"a;b\", \"c#d\"]\n";
    the_first_delimiter_ends_the_key: "command: @puppet@ args a=b:c" => "[\"a=b:c\"]\n";
    option_names_are_case_insensitive: "COMMAND=@puppet@ args x" => "[\"x\"]\n";
    the_last_of_equal_keys_counts: "command=@puppet@ args a\ncommand=@puppet@ args b" => "[\"b\"]\n";
    text_beyond_ascii_passes: "command=@puppet@ args \u{e9}\u{4e2d}" => "[\"\u{e9}\u{4e2d}\"]\n";
    a_bare_name_is_found_on_the_path: "command=printf found" => "found";

    // environment
    the_environment_of_supervisord_reaches_programs: "command=@puppet@ env-of GLOBAL" => "from supervisord\n";
    a_program_overrides_the_global_environment:
        "command=@puppet@ env-of BOTH\nenvironment=BOTH=\"program\"" => "program\n";
    the_daemons_own_environment_is_inherited: "command=@puppet@ env-of PATH\nenvironment=PATH=\"/x\"" => "/x\n";
    supervisor_enabled_is_1: "command=@puppet@ env-of SUPERVISOR_ENABLED" => "1\n";
    supervisor_process_name: "command=@puppet@ env-of SUPERVISOR_PROCESS_NAME" => "supervisor_process_name\n";
    the_global_environment_overrides_supervisors_names: "command=@puppet@ env-of SUPERVISOR_GROUP_NAME" => "overridden\n";
    supervisor_server_url_is_the_unix_server: "command=@puppet@ env-of SUPERVISOR_SERVER_URL" => "unix://@dir@/s.sock\n";
    serverurl_overrides_the_server_url: "command=@puppet@ env-of SUPERVISOR_SERVER_URL\nserverurl=http://h:1" => "http://h:1\n";
    environment_values_may_be_quoted:
        "command=@puppet@ env-of A env-of B env-of C\nenvironment=A=\"a,b\",B='c=d',C=e" => "a,b\nc=d\ne\n";
    environment_allows_blanks_and_a_trailing_comma:
        "command=@puppet@ env-of A env-of B\nenvironment=A = \"a\" , B=\"b\"," => "a\nb\n";
    environment_goes_on_in_indented_lines:
        "command=@puppet@ env-of A env-of B\nenvironment=A=x,\n  B=y" => "x\ny\n";
    an_empty_value_in_quotes_is_empty: "command=@puppet@ env-of A\nenvironment=A=\"\"" => "\n";
    environment_bare_values_hold_path_characters: "command=@puppet@ env-of A\nenvironment=A=/x/y.z-1:2(3)+4" => "/x/y.z-1:2(3)+4\n";
    a_dollar_cuts_a_bare_value: "command=@puppet@ env-of A\nenvironment=A=$HOME" => "$\n";

    // expansions
    program_name_and_here_expand: "command=@puppet@ args %(program_name)s %(here)s" =>
        "[\"program_name_and_here_expand\", \"@dir@\"]\n";
    group_name_is_the_programs_name_alone: "command=@puppet@ args %(group_name)s" =>
        "[\"group_name_is_the_programs_name_alone\"]\n";
    host_node_name_expands: "command=@puppet@ args %(host_node_name)s" => "[\"@host@\"]\n";
    process_num_takes_a_width: "command=@puppet@ args %(process_num)02d %(process_num)d\nnumprocs_start=7" => "[\"07\", \"7\"]\n";
    numprocs_expands: "command=@puppet@ args %(numprocs)d" => "[\"1\"]\n";
    the_environment_expands: "command=@puppet@ args %(ENV_GLOBAL)s" => "[\"from\", \"supervisord\"]\n";
    a_programs_own_environment_expands_in_its_command:
        "command=@puppet@ args %(ENV_OWN)s\nenvironment=OWN=\"mine\"" => "[\"mine\"]\n";
    the_environment_setting_itself_expands:
        "command=@puppet@ env-of A\nenvironment=A=\"%(program_name)s-%(process_num)d\"" =>
        "the_environment_setting_itself_expands-0\n";
    a_string_conversion_may_have_a_width: "command=@puppet@ args '%(numprocs)5s|'" => "[\"    1|\"]\n";

    // where and as whom
    directory_is_the_working_directory: "command=@puppet@ cwd\ndirectory=/usr" => "/usr\n";
    directory_expands: "command=@puppet@ cwd\ndirectory=%(here)s/child" => "@dir@/child\n";
    without_a_directory_the_daemons_own_is_kept: "command=@puppet@ cwd" => "@dir@\n";
    a_missing_directory_is_said_in_the_programs_log: "command=@puppet@ cwd\ndirectory=/no/such" => MISSING_DIRECTORY;
    umask_is_octal: "command=@puppet@ umask\numask=027" => "umask 027\n";
    umask_may_have_one_digit: "command=@puppet@ umask\numask=7" => "umask 007\n";
}

/// The exec of ours fails in words of its own; the reason is in the daemon's log too.
const MISSING_DIRECTORY: &str =
    "supervisor: couldn't chdir to /no/such: ENOENT\nsupervisor: child process was not spawned\n";

/// Runs one puppet and gives back its output.
fn one(words: &str, more: &str) -> String {
    let sup = start_with(
        "",
        &format!(
            "[program:s]\ncommand=@puppet@ {words}\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/s.out\n{more}"
        ),
    );
    sup.wait_log("exited: s ");
    let text = sup.file("s.out");
    sup.finish();
    text
}

#[test]
fn a_program_starts_with_an_empty_mask_and_three_descriptors_and_leads_its_group() {
    if skipped() {
        return;
    }
    let text = one("sigconf fds pgid env-of HOME ids", "user=nobody\n");
    let ignored = text
        .split_once("SigIgn: ")
        .and_then(|(_, t)| u64::from_str_radix(t.get(..16)?, 16).ok())
        .unwrap_or(0);
    // Trap 35 [D]: theirs lets every program ignore SIGPIPE and SIGXFSZ; ours gives what it was given itself.
    let bits = (1 << 12) | (1 << 24);
    assert_eq!(ignored & bits, if ours() { 0 } else { bits }, "{text}");
    assert!(text.contains("SigBlk: 0000000000000000\n"), "{text}");
    let fds: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("fd ")).collect();
    assert!(fds.len() == 3 && fds.iter().all(|f| f.contains("pipe:")), "{text}");
    assert!(text.contains("leader true\n"), "{text}");
    // Trap 39 [K]: the ids change, HOME does not.
    let home = harness::env("HOME").unwrap_or_else(|| "unset".into());
    assert!(text.ends_with(&format!("{home}\nuid 65534 65534 gid 65534 65534 groups [65534]\n")), "{text}");
}

#[test]
fn stdin_is_a_pipe_that_does_not_end() {
    if skipped() {
        return;
    }
    let sup = start_with("", "[program:c]\ncommand=cat\nstartsecs=1\n");
    sup.wait_log("success: c entered RUNNING state");
    assert_eq!(sup.status("c").0, "RUNNING");
    sup.finish();
}

#[test]
fn user_sets_uid_gid_and_groups_by_name_or_number() {
    if !skipped() {
        let nobody = "uid 65534 65534 gid 65534 65534 groups [65534]\n";
        assert_eq!(one("ids", "user=nobody\n"), nobody);
        assert_eq!(one("ids", "user=65534\n"), nobody);
    }
}
