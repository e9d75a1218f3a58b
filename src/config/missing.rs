//! One finding for all variables that are not set, instead of one for each place that wants one.
//!
//! Pure. Invariants: every variable is named, with each place; the first finding keeps its place in the order and
//! Supervisor's words. Not here: finding that one is missing (`validate::reader`, `from_toml`).

use crate::config::diag::{Diagnostic, Diagnostics};

/// Puts all findings about variables that are not set into the first of them.
pub(crate) fn gather(found: &mut Diagnostics) {
    let missing: Vec<Diagnostic> = found.items.iter().filter(|d| d.missing.is_some()).cloned().collect();
    let [first, _, ..] = missing.as_slice() else { return };
    let mut names: Vec<&str> = Vec::new();
    for name in missing.iter().filter_map(|d| d.missing.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let listed: Vec<String> =
        names.iter().map(|name| format!("`{name}` ({})", places(&missing, name))).collect();
    let what = match names.len() {
        1 => "an environment variable is not set".to_owned(),
        n => format!("{n} environment variables are not set"),
    };
    let default = format!("`${{{}:-default}}`", names.first().copied().unwrap_or("VAR"));
    let all = Diagnostic {
        message: format!("{what}: {}", listed.join(", ")),
        hint: Some(format!(
            "set them in the environment of the container, or give a default where ours and TOML take one: {default}"
        )),
        ..first.clone()
    };
    let at = found.items.iter().position(|d| d.missing.is_some()).unwrap_or(0);
    found.items.retain(|d| d.missing.is_none());
    found.items.insert(at.min(found.items.len()), all);
}

/// `/etc/app.conf:3 [program:web] command` for each.
fn places(missing: &[Diagnostic], name: &str) -> String {
    let mut all: Vec<String> = Vec::new();
    for finding in missing.iter().filter(|d| d.missing.as_deref() == Some(name)) {
        let span = finding
            .span
            .as_ref()
            .map(|s| if s.line > 0 { format!("{}:{}", s.source, s.line) } else { s.source.clone() });
        let place = format!("{} {}", span.unwrap_or_default(), finding.setting).trim().to_owned();
        if !all.contains(&place) {
            all.push(place);
        }
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{findings, load_ini, load_text, load_toml};

    fn only(found: Vec<crate::config::diag::Diagnostic>) -> (String, Option<String>) {
        assert_eq!(found.len(), 1, "{found:?}");
        (found[0].message.clone(), found[0].supervisor.clone())
    }

    #[test]
    fn every_missing_variable_is_named_at_once_with_its_places() {
        let text = "[program:a]\ncommand=%(ENV_ONE)s %(ENV_TWO)s\nenvironment=A=\"%(ENV_THREE)s\"\n\
                    [program:b]\ncommand=%(ENV_ONE)s %(ENV_A)s\nenvironment=A=\"1\"\nreadiness_tcp=${FOUR}:1\nnice=${FIVE:-3}\n";
        let (message, supervisor) = only(findings(load_ini(text)));
        assert!(message.starts_with("4 environment variables are not set: "), "{message}");
        for want in [
            "`THREE` (/e/s.conf:4 [program:a] environment)",
            "`ONE` (/e/s.conf:3 [program:a] command, /e/s.conf:6 [program:b] command)",
            "`TWO` (/e/s.conf:3 [program:a] command)",
            "`FOUR` (/e/s.conf:8 [program:b] readiness_tcp)",
        ] {
            assert!(message.contains(want), "{want}: {message}");
        }
        // Supervisor only comes to the first.
        assert!(supervisor.is_some_and(|words| words.contains("ENV_THREE")));
    }

    #[test]
    fn in_toml_too_and_one_alone_is_said_as_ever() {
        let (message, _) =
            only(findings(load_toml("[program.a]\ncommand = '${X} ${Y}'\n[program.b]\ncommand = '${X}'\n")));
        assert_eq!(
            message,
            "2 environment variables are not set: `X` (/e/m.toml:2 [program.a] command, /e/m.toml:4 [program.b] command), \
             `Y` (/e/m.toml:2 [program.a] command)"
        );
        let (message, _) = only(findings(load_ini("[program:a]\ncommand=%(ENV_X)s\n")));
        assert!(message.starts_with("cannot expand `command` of [program:a]"), "{message}");
    }

    #[test]
    fn our_settings_take_defaults_in_ini() {
        let text = "[supervisord]\n[program:a]\ncommand=x\nreadiness_tcp=${HOST:-db}:${PORT:-5432}\nenv_file=/e/$${X}\nenabled=${NOBODY:-no}\n";
        let loaded = load_text("/e/s.conf", text, &[("HOST", "pg")]).expect("good");
        let program = loaded.config.processes().next().expect("one").clone();
        assert!(format!("{:?}", program.native.readiness).contains("pg:5432"));
        assert!(format!("{:?}", program.native.env).contains("/e/${X}"));
        assert_eq!(program.native.disabled.as_deref(), Some("${NOBODY:-no}"));
        let printed = crate::config::print::to_ini(&loaded.config, true);
        let again = load_text("/e/s.conf", &printed, &[]).unwrap_or_else(|f| panic!("{}", f.render()));
        assert_eq!(again.config.processes().next().map(|p| &p.native), Some(&program.native), "{printed}");
    }
}
