//! Which known Python script a command runs, called by its name or as a module.
//!
//! Pure. Not here: what stands in for it (`plan`).

/// The name of the module: `supervisor_stdout` also for `/usr/bin/supervisor_stdout` and `python3 -m supervisor_stdout`.
pub(super) fn script(argv: &[String]) -> Option<&'static str> {
    const KNOWN: [&str; 2] = ["supervisor_stdout", "supervisord_dependent_startup"];
    let base = |word: &String| word.rsplit('/').next().unwrap_or_default().replace('-', "_");
    let mut words = argv.iter().filter(|w| !w.starts_with('-') || *w == "-m").map(base);
    let mut name = words.next()?;
    if name == "env" {
        name = words.next()?;
    }
    if name.starts_with("python") {
        name = words.next().and_then(|w| if w == "_m" { words.next() } else { Some(w) })?;
    }
    let name = name.trim_end_matches(".py");
    KNOWN.into_iter().find(|k| *k == name)
}

#[cfg(test)]
mod tests {
    use super::script;

    #[test]
    fn a_script_is_known_by_its_name_and_as_a_module() {
        let of = |command: &str| script(&command.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for command in
            ["supervisor_stdout", "/usr/local/bin/supervisor_stdout x", "python3 -u -m supervisor_stdout"]
        {
            assert_eq!(of(command), Some("supervisor_stdout"), "{command}");
        }
        for command in [
            "supervisord-dependent-startup -c /c",
            "python3.11 -m supervisord_dependent_startup --log-level debug",
        ] {
            assert_eq!(of(command), Some("supervisord_dependent_startup"), "{command}");
        }
        for command in [
            "python3 -m http.server supervisor_stdout",
            "python3",
            "",
            "cat supervisor_stdout",
            "my-supervisor_stdout",
        ] {
            assert_eq!(of(command), None, "{command}");
        }
    }
}
