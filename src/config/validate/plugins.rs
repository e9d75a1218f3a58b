//! Supervisor's plug-ins that people have in their files, and what does the same here.
//!
//! Pure data. Not here: the built-in ones (`settings::PLUGINS`), where a plug-in is refused (`known`, `special`).

/// A word of the Python name, and the way without it. The first that fits counts.
const INSTEAD: &[(&str, &str)] = &[
    ("wildcards", "`mainstay ctl start 'GROUP:*'` takes whole groups; remove the section"),
    (
        "serialrestart",
        "`mainstay ctl restart NAME` for one after the other does the same; remove the section",
    ),
    ("twiddler", "change the file and `mainstay ctl update` adds and removes programs; remove the section"),
    ("cache", "keep values in a store made for it, a file or redis; remove the section"),
    (
        "quick",
        "`startProcess` with wait=false, or `mainstay ctl start`, does not wait either; remove the section",
    ),
    ("rubber", "set `numprocs` and `mainstay ctl update`; remove the section"),
    (
        "logging",
        "`stdout_syslog = true` sends lines to syslog, /dev/stdout to the container's log; remove it",
    ),
    ("checks", "write an [eventlistener:x], as superlance's httpok is one; remove the section"),
    ("stdout", "`result_handler = supervisor_stdout:event_handler` is built in; or log to /dev/stdout"),
    ("supvisors", "several machines are Kubernetes' business; remove the section"),
    (
        "rpcinterface",
        "the standard one is `supervisor.rpcinterface:make_main_rpcinterface`; remove this section",
    ),
    ("dispatchers", "the standard one is `supervisor.dispatchers:default_handler`; remove `result_handler`"),
];

/// What to do where this plug-in is named.
pub(crate) fn instead_of(spec: &str) -> &'static str {
    let fits = |(word, _): &&(&str, &str)| spec.contains(word);
    INSTEAD.iter().find(fits).map_or(
        "Python cannot be loaded here; remove it, and do its work in an [eventlistener:x] or over XML-RPC",
        |(_, hint)| hint,
    )
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{findings, load_ini};

    #[test]
    fn a_plug_in_that_is_refused_names_what_to_use_instead() {
        let cases = [
            (
                "[rpcinterface:t]\nsupervisor.rpcinterface_factory=supervisor_twiddler.rpcinterface:make",
                "`mainstay ctl update`",
            ),
            ("[rpcinterface:x]\nsupervisor.rpcinterface_factory=my.own:make", "in an [eventlistener:x]"),
            (
                "[rpcinterface:x]\nsupervisor.rpcinterface_factory=supervisor_stdout:event_handler",
                "`result_handler = ",
            ),
            (
                "[ctlplugin:w]\nsupervisor.ctl_factory=supervisorwildcards.controllerplugin:make",
                "whole groups",
            ),
            (
                "[eventlistener:e]\ncommand=x\nevents=EVENT\nresult_handler=my.own:handler",
                "Python cannot be loaded",
            ),
        ];
        for (section, hint) in cases {
            let found = findings(load_ini(section));
            assert!(
                found.iter().any(|d| d.hint.as_deref().is_some_and(|h| h.contains(hint))),
                "{section}: {found:?}"
            );
        }
        let accepted = "[rpcinterface:other]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
                        [eventlistener:e]\ncommand=x\nevents=EVENT\nresult_handler=supervisor_stdout:event_handler\n";
        assert!(load_ini(accepted).is_ok());
    }
}
