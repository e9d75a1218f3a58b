//! The effective configuration as variables that load to the same configuration: a line `NAME=value` for each setting,
//! as `docker run --env-file` takes them. Values are literal, nothing is quoted.
//!
//! Pure. What has no variable is said in a comment that begins with `# left out`: names of programs that are not lower
//! case, values of several lines. Invariant: what TOML says and no comment names has a variable. Not here: which settings
//! are printed, and as what (`toml`, which this reads).

use super::to_toml;
use crate::config::from_toml;
use crate::config::model::Config;
use crate::config::raw::{RawSection, RawValue};
use crate::config::settings;
use std::fmt::Write as _;

/// The whole configuration; with hidden secrets it is only for reading.
#[must_use]
pub fn to_env(config: &Config, show_secrets: bool) -> String {
    let toml = to_toml(config, show_secrets);
    let comments = toml.lines().filter(|line| line.starts_with("# left out"));
    let mut out: String =
        comments.flat_map(|line| [line.replace("TOML has", "variables have"), "\n".into()]).collect();
    // It is our own text: there is nothing to find in it.
    let (raw, _) = from_toml::read("", &toml, &|_| None);
    let mut lines: Vec<String> = Vec::new();
    for section in &raw.sections {
        let before = lines.len();
        match variables(section) {
            // Both servers have one password.
            Ok(named) => {
                for line in named {
                    if !lines.contains(&line) {
                        lines.push(line);
                    }
                }
            }
            Err(why) => {
                let _ = writeln!(out, "# left out, because {why}: [{}]", section.title); // a String takes everything
            }
        }
        if lines.len() > before {
            lines.push(String::new());
        }
    }
    lines.pop();
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// The lines of one section, or why it cannot be said.
fn variables(section: &RawSection) -> Result<Vec<String>, &'static str> {
    let name = section.name.to_uppercase();
    let is_name =
        is_word(&section.name) && section.name == name.to_lowercase() && !section.name.starts_with('_');
    if !(section.name.is_empty() || is_name) {
        return Err("names of variables are lower-cased, and have letters, digits and single underscores");
    }
    let mut lines = Vec::new();
    for entry in &section.entries {
        let setting = settings::find(section.kind, &entry.key).and_then(|s| s.env_name(section.kind));
        let variable = setting.ok_or("it has no variable")?.replace("__NAME__", &format!("__{name}__"));
        if let RawValue::Table(pairs) = &entry.value {
            for (key, value) in pairs {
                if !is_word(key) {
                    return Err("a name in `environment` cannot be part of a variable's");
                }
                lines.push(format!("{variable}__{key}={}", one_line(value)?));
            }
        } else {
            lines.push(format!("{variable}={}", one_line(&entry.value)?));
        }
    }
    Ok(lines)
}

/// Whether it is one level of a variable's name, or several of which none is empty.
fn is_word(name: &str) -> bool {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_plain && !name.is_empty() && !name.contains("__") && !name.ends_with('_')
}

fn one_line(value: &RawValue) -> Result<String, &'static str> {
    let text = match value {
        RawValue::Text(text) => text.clone(),
        RawValue::Int(n) => n.to_string(),
        RawValue::Float(n) => n.to_string(),
        RawValue::Bool(b) => b.to_string(),
        RawValue::List(items) => items.iter().map(one_line).collect::<Result<Vec<_>, _>>()?.join(","),
        RawValue::Table(_) => return Err("tables in tables have no variables"),
    };
    if text.contains(['\n', '\r', '\0']) { Err("a value has several lines") } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::to_env;
    use crate::config::testing::{FakeWorld, load_ini, load_toml};
    use crate::config::{Loaded, Sources, load};

    fn from_env(text: &str) -> Loaded {
        let pairs =
            text.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| !name.starts_with('#'));
        let env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        load(&Sources { env, ..Sources::default() }, &FakeWorld::with(&[]))
            .unwrap_or_else(|found| panic!("{}\n{text}", found.render()))
    }

    #[track_caller]
    fn survives(loaded: Loaded) -> String {
        let text = to_env(&loaded.config, true);
        let mut again = from_env(&text).config;
        again.dialect = loaded.config.dialect;
        again.path.clone_from(&loaded.config.path);
        for server in again.control.iter_mut() {
            server.section = String::new();
        }
        let mut config = loaded.config;
        for server in config.control.iter_mut() {
            server.section = String::new();
        }
        assert_eq!(again, config, "{text}");
        text
    }

    #[test]
    fn every_setting_survives_the_way() {
        let text = survives(
            load_toml(
                "[supervisor]\nloglevel = \"debug\"\nenvironment = { Tz = \"UTC\" }\n[http]\nlisten = [\"127.0.0.1:9100\", \":9101\"]\n\
                 [control]\nunix = \"/run/s\"\nmode = \"0770\"\nowner = \"app\"\ntcp = \"127.0.0.1:9001\"\nusername = \"u\"\npassword = \"p q\"\n\
                 [program.web_1]\ncommand = \"sh -c 'echo $${X} $Y %%'\"\nnumprocs = 3\nprocess_name = \"w%(process_num)02d\"\n\
                 exitcodes = [0, 2]\nstopwaitsecs = \"1500ms\"\nautorestart = false\numask = \"022\"\nstdout_logfile = \"/v/%%x\"\n\
                 stdout_logfile_maxbytes = \"1MB\"\nenvironment = { Http_Proxy = \"a=b,c\", Q = \" 'x' \\\"y\\\" \" }\n\
                 [program.b]\ncommand = \"b\"\n[group.g]\nprograms = [\"web_1\", \"b\"]\npriority = 7\n\
                 [fcgi.f]\ncommand = \"f\"\nsocket = \"unix:///run/f\"\nsocket_mode = \"0660\"\n\
                 [eventlistener.l]\ncommand = \"l\"\nevents = [\"TICK_5\", \"PROCESS_STATE\"]\nbuffer_size = 3\n",
            )
            .unwrap_or_else(|found| panic!("{}", found.render())),
        );
        assert!(!text.contains('#'), "{text}");
        assert!(text.contains("MAINSTAY_PROGRAM__WEB_1__ENVIRONMENT__Http_Proxy=a=b,c\n"), "{text}");
        assert_eq!(text.matches("MAINSTAY_CONTROL__PASSWORD=").count(), 1, "{text}");
    }

    #[test]
    fn what_variables_cannot_say_is_said() {
        let text = to_env(
            &load_ini(
                "[program:my-app]\ncommand=a\n[program:Web]\ncommand=b\n[program:ok]\ncommand=c\n[program:d__e]\ncommand=d\n",
            )
            .unwrap_or_else(|found| panic!("{}", found.render()))
            .config,
            true,
        );
        for name in ["my-app", "Web", "d__e"] {
            let said = text
                .lines()
                .any(|l| l.starts_with("# left out") && l.ends_with(&format!("[program.{name}]")));
            assert!(said, "{name}: {text}");
        }
        assert_eq!(from_env(&text).config.groups.len(), 1);
    }

    #[test]
    fn no_secret_is_shown_unasked() {
        let text = "[inet_http_server]\nport=127.0.0.1:1\nusername=u\npassword=hunter2\n[program:a]\ncommand=x\nenvironment=K=\"hunter2\"\n";
        let loaded = load_ini(text).unwrap_or_else(|found| panic!("{}", found.render()));
        let hidden = to_env(&loaded.config, false);
        assert!(!hidden.contains("hunter2") && hidden.contains("ENVIRONMENT__K=***"), "{hidden}");
        assert!(to_env(&loaded.config, true).contains("PASSWORD=hunter2"));
    }
}
