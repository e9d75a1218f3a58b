//! Where a finding points: one golden for each way in which a value can stand in a file.

use crate::config::testing::FakeWorld;
use crate::config::{Sources, load};

/// Everything that is said of these files; the first is the main one.
fn said(files: &[(&str, &str)]) -> String {
    let sources = Sources { file: Some(files[0].0.into()), ..Sources::default() };
    match load(&sources, &FakeWorld::with(files)) {
        Ok(loaded) => loaded.warnings.render(),
        Err(found) => found.render(),
    }
}

#[test]
fn a_mistake_on_a_line_that_goes_on_has_the_place_of_that_line() {
    let text = "[supervisord]\n[program:web]\ncommand = a\n\n  # note\n  b %(nope)s\n[group:g]\nprograms = web,\n\twbe\n";
    assert_eq!(
        said(&[("/e/s.conf", text)]),
        "error: cannot expand `command` of [program:web]: the name `nope` is not known here\n  --> /e/s.conf:6:5\n\
         6 |   b %(nope)s\n  |     ^^^^^^^ hint: for example `here`, `program_name`, `process_num`, `ENV_HOME`; write `%%` for a \
         literal `%`\n\
         error: cannot use [group:g]: there is no program `wbe`\n  --> /e/s.conf:9:2\n\
         9 |     wbe\n  |     ^^^ hint: did you mean `web`?\n"
    );
}

#[test]
fn a_mistake_in_an_included_file_has_the_place_in_that_file() {
    let files = [
        ("/e/s.conf", "[supervisord]\n[include]\nfiles = d/*.ini\n[program:a]\ncommand=x\n"),
        ("/e/d/a.ini", "\n[program:a]\nautostart: maybe ; later\n"),
        ("/e/d/b.ini", "[eventlistener:l]\r\ncommand=x\r\nevents=TICK_5,\r\n  TICK_6\r\n"),
    ];
    let said = said(&files);
    for want in [
        "error: cannot read `autostart` of [program:a]: not a valid boolean value: 'maybe'\n  --> /e/d/a.ini:3:1\n\
         3 | autostart: maybe ; later\n  | ^^^^^^^^^ hint: write true or false\n",
        "error: cannot use [eventlistener:l]: `TICK_6` is no event\n  --> /e/d/b.ini:4:3\n\
         4 |   TICK_6\n  |   ^^^^^^ hint: did you mean `TICK_5`?\n",
    ] {
        assert!(said.contains(want), "{said}");
    }
}

#[test]
fn a_mistake_in_an_include_pattern_has_its_own_place() {
    assert_eq!(
        said(&[("/e/s.conf", "[supervisord]\n[include]\nfiles = a.ini\n  %(ENV_DIR)s/*.ini\n")]),
        "error: cannot expand `files` of [include]: the environment variable `DIR` is not set\n  --> /e/s.conf:4:3\n\
         4 |   %(ENV_DIR)s/*.ini\n  |   ^^^^^^^^^^ hint: set `DIR` in the environment of the container\n"
    );
}

#[test]
fn a_mistake_in_an_inherited_value_has_the_place_of_the_default() {
    let text = "[DEFAULT]\nautostart=maybe\nautorestrat=no\n[supervisord]\n[program:a]\ncommand=x\n";
    assert_eq!(
        said(&[("/e/s.conf", text)]),
        "error: cannot read `autostart` of [program:a]: not a valid boolean value: 'maybe'\n  --> /e/s.conf:2:1\n\
         2 | autostart=maybe\n  | ^^^^^^^^^ hint: write true or false\n\
         warning: unknown setting `autorestrat` in [DEFAULT]\n  --> /e/s.conf:3:1\n\
         3 | autorestrat=no\n  | ^^^^^^^^^^^ hint: did you mean `autorestart`?\n"
    );
}

#[test]
fn a_line_that_is_no_setting_has_its_place_and_a_hint() {
    assert_eq!(
        said(&[("/e/s.conf", "[supervisord]\n  junk\n[program\n")]),
        "error: cannot read `/e/s.conf`: a line is neither `[section]` nor `key = value` (also line 3)\n  --> /e/s.conf:2:3\n\
         2 |   junk\n  |   ^^^^ hint: a value that goes on needs blanks in front of its next lines; a comment begins with `;` or `#`\n"
    );
    assert!(said(&[("/e/s.conf", "[supervisord\n")]).contains("hint: the `]` of the section is missing"));
    let text = "[supervisord]\n[program:a\ncommand=x\nprogram:b]\n";
    let said = said(&[("/e/s.conf", text)]);
    for sign in ["]", "["] {
        assert!(said.contains(&format!("hint: the `{sign}` of the section is missing")), "{said}");
    }
}

#[test]
fn the_keys_of_plug_ins_are_looked_at_too() {
    let text = "[supervisord]\n[ctlplugin:x]\nsupervisor.ctl_factry = a:b\n[rpcinterface:y]\n\
                supervisor.rpcinterface_factori = supervisor.rpcinterface:make_main_rpcinterface\n[program:a]\ncommand=x\n";
    let said = said(&[("/e/s.conf", text)]);
    for want in [
        "hint: did you mean `supervisor.ctl_factory`?",
        "warning: [ctlplugin:x] is ignored: Python plug-ins cannot be loaded\n  --> /e/s.conf:2:1",
        "error: cannot use [rpcinterface:y]: `supervisor.rpcinterface_factory` is missing",
        "hint: did you mean `supervisor.rpcinterface_factory`?",
    ] {
        assert!(said.contains(want), "{want} in {said}");
    }
}

#[test]
fn a_word_that_nobody_could_mean_is_not_compared() {
    let text = format!("[supervisord]\n{}=1\n[program:a]\ncommand=x\n", "autorestart".repeat(2000));
    assert!(!said(&[("/e/s.conf", &text)]).contains("did you mean"));
}

#[test]
fn a_section_without_a_name_is_shown() {
    assert_eq!(
        said(&[("/e/s.conf", "[supervisord]\n[program:]\ncommand=x\n")]),
        "error: cannot use `` as a process name of [program:]\n  --> /e/s.conf:2:1\n2 | [program:]\n  | ^^^^^^^^^^ hint: \
         names cannot be empty or contain blanks, `:` or `/`\n"
    );
}
