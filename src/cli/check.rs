//! `mainstay check`: says what is wrong with a configuration, shows what it means, converts it.
//!
//! Does I/O: reads the configuration, prints. Invariants: findings go to stderr and the configuration to stdout; exit 0
//! or 2; nothing is started, created or changed; no password and no value of the environment is shown unasked.
//! Not here: finding anything (`config`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::cli::world::RealWorld;
use crate::config::model::Config;
use crate::config::print::{to_env, to_ini, to_json, to_toml};
use crate::config::world::World;
use crate::config::{Loaded, Search, Sources, load};
use crate::spawn::file_variables;
use crate::types::LogLevel;

/// Check a configuration; show or convert it
#[derive(Args, Clone, Debug, Default)]
pub struct CheckArgs {
    /// Configuration file; the first is the main one, further ones are put on top of it
    #[arg(short = 'c', long = "configuration", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print the effective configuration
    #[arg(long, value_enum, value_name = "FORM")]
    pub print: Option<Form>,
    /// Print passwords and values of environment variables too
    #[arg(long)]
    pub show_secrets: bool,
}

/// How a configuration is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Form {
    /// Loads to the same configuration
    Toml,
    /// Loads to the same configuration, here and in Supervisor, which passes over what it does not have
    Ini,
    /// With Supervisor's names, for comparing
    Json,
    /// Variables, a line for each, as `docker run --env-file` takes them
    Env,
}

/// Exit status for a configuration that cannot be used, and for one that cannot be shown.
const UNUSABLE: u8 = 2;

/// Checks and prints; the exit status.
#[must_use]
pub fn run(args: &CheckArgs, env: Vec<(String, String)>) -> u8 {
    let world = RealWorld::new(&env);
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    // A reader that has gone away (`check | head`) is no reason to speak of the configuration.
    check(args, env, &world, &mut out, &mut err).unwrap_or(0)
}

/// The same against any machine and any output.
fn check(
    args: &CheckArgs,
    env: Vec<(String, String)>,
    world: &dyn World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let mut files = args.files.iter().cloned();
    let sources = Sources {
        file: files.next(),
        extra_files: files.collect(),
        search: Search::Mainstay { argv0: String::new() },
        env,
        ..Sources::default()
    };
    let loaded = match load(&sources, world) {
        Ok(loaded) => loaded,
        Err(found) => {
            err.write_all(found.render().as_bytes())?;
            return Ok(UNUSABLE);
        }
    };
    for (_, text) in loaded.notes.iter().filter(|(level, _)| *level >= LogLevel::Warn) {
        writeln!(err, "warning: {text}")?;
    }
    err.write_all(loaded.warnings.render().as_bytes())?;
    match args.print {
        None => writeln!(out, "{}", summary(&loaded))?,
        Some(Form::Toml) => out.write_all(to_toml(&loaded.config, args.show_secrets).as_bytes())?,
        Some(Form::Env) => out.write_all(to_env(&loaded.config, args.show_secrets).as_bytes())?,
        Some(Form::Ini) => out.write_all(to_ini(&loaded.config, args.show_secrets).as_bytes())?,
        Some(Form::Json) => writeln!(out, "{:#}", json(&loaded.config, args.show_secrets, world))?,
    }
    out.flush()?;
    Ok(0)
}

/// With secrets, what stands in the files of variables is shown too, as it is now and as we may read it.
fn json(config: &Config, show_secrets: bool, world: &dyn World) -> Value {
    let mut all = to_json(config, show_secrets);
    if !show_secrets {
        return all;
    }
    let groups = all.get_mut("groups").and_then(Value::as_array_mut).into_iter().flatten();
    let shown = groups.filter_map(|g| g.get_mut("processes")?.as_array_mut()).flatten();
    for (shown, program) in shown.zip(config.processes()).filter(|(_, p)| p.native.env.is_some()) {
        let Some(own) = shown.get_mut("mainstay").and_then(Value::as_object_mut) else { continue };
        match file_variables(program, Path::new(&world.cwd())) {
            Ok(found) => {
                let found = found.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
                own.insert("env_found".to_owned(), Value::Object(found))
            }
            Err(why) => own.insert("env_error".to_owned(), Value::String(why)),
        };
    }
    all
}

/// `FILE: ok (N programs)`.
fn summary(loaded: &Loaded) -> String {
    let config = &loaded.config;
    let name = config.path.as_ref().map_or_else(|| "environment".to_owned(), |p| p.display().to_string());
    let programs = config.processes().count();
    let noun = if programs == 1 { "program" } else { "programs" };
    format!("{name}: ok ({programs} {noun})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::FakeWorld;

    fn run_check(text: &str, print: Option<Form>, show_secrets: bool) -> (u8, String, String) {
        let world = FakeWorld::with(&[("/e/s.conf", text)]);
        let args = CheckArgs { files: vec!["/e/s.conf".into()], print, show_secrets };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = check(&args, Vec::new(), &world, &mut out, &mut err).unwrap();
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    const SECRETS: &str = "[supervisord]\nenvironment=TOKEN=\"hunter2\"\n[inet_http_server]\nport=127.0.0.1:1\n\
                           username=u\npassword=hunter2\n[program:a]\ncommand=x\nenvironment=KEY=\"hunter2\"\n";

    #[test]
    fn a_good_file_is_said_to_be_good() {
        let (code, out, err) = run_check("[supervisord]\n[program:a]\ncommand=x\n", None, false);
        assert_eq!((code, out.as_str(), err.as_str()), (0, "/e/s.conf: ok (1 program)\n", ""));
    }

    #[test]
    fn every_finding_is_printed_and_the_status_is_2() {
        let text = "[supervisord]\nnodaemon=maybe\n[program:a]\nautostrat=true\n";
        let (code, out, err) = run_check(text, None, false);
        assert_eq!((code, out.as_str()), (2, ""));
        for words in [
            "/e/s.conf:2:1",
            "not a valid boolean value: 'maybe'",
            "`command` is missing",
            "did you mean `autostart`?",
        ] {
            assert!(err.contains(words), "{words} in {err}");
        }
    }

    #[test]
    fn warnings_do_not_change_the_status() {
        let (code, _, err) = run_check("[supervisord]\nnumproc=1\n", None, false);
        assert_eq!(code, 0);
        assert!(err.starts_with("warning: unknown setting `numproc`"), "{err}");
    }

    #[test]
    fn every_kind_of_file_has_its_status_and_can_be_shown_in_every_form() {
        let listener =
            "[supervisord]\n[eventlistener:l]\ncommand=x\nevents=TICK_5,PROCESS_STATE\nbuffer_size=7\n";
        let fastcgi = "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=unix:///run/f.sock\nsocket_mode=0660\n\
                       socket_owner=app\nnumprocs=2\nprocess_name=f%(process_num)d\n";
        let several = "[supervisord]\nnodaemon=true\n[program:a]\ncommand=x ; y\n[program:b]\ncommand=50%% \"z\"\nexitcodes=\n\
                       [group:g]\nprograms=b,a\n[unix_http_server]\nfile=/run/s\n[inet_http_server]\nport=*:1\n";
        for (text, words) in
            [("[supervisord]\n", ""), (listener, "TICK_5"), (fastcgi, "/run/f.sock"), (several, "50%")]
        {
            for form in [Form::Json, Form::Toml, Form::Ini] {
                let (code, out, err) = run_check(text, Some(form), true);
                assert_eq!(code, 0, "{err}");
                assert!(out.contains(words), "{words} in {out}");
                if form == Form::Ini {
                    let (code, again, err) = run_check(&out, Some(form), true);
                    assert_eq!((code, again), (0, out), "{err}");
                }
            }
        }
        for text in [
            "",
            "x=y\n",
            "[supervisord\n",
            "\u{feff}[supervisord]\n",
            "[supervisord]\njunk\n",
            "[supervisord]\n[program:a]\n",
        ] {
            for form in [None, Some(Form::Json), Some(Form::Toml), Some(Form::Ini)] {
                let (code, out, err) = run_check(text, form, false);
                assert_eq!((code, out.as_str()), (UNUSABLE, ""), "{text}");
                assert!(err.starts_with("error: "), "{err}");
            }
        }
    }

    #[test]
    fn secrets_are_only_shown_when_asked_for() {
        for form in [Form::Json, Form::Toml, Form::Ini] {
            let (code, hidden, err) = run_check(SECRETS, Some(form), false);
            assert_eq!(code, 0, "{err}");
            assert!(!hidden.contains("hunter2") && hidden.contains("***"), "{hidden}");
            let (_, shown, _) = run_check(SECRETS, Some(form), true);
            assert_eq!(shown.matches("hunter2").count(), if form == Form::Json { 4 } else { 3 }, "{shown}");
        }
    }
}
