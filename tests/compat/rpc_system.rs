//! `system.*`: which methods there are, their signatures, and several calls in one.

use crate::rpc_logs::{answers, calls};
use crate::support::{Sup, ours, skipped, start};

/// Every method of Supervisor 4.3.0 with its signature, result first.
const SIGNATURES: [(&str, &str); 41] = [
    ("supervisor.addProcessGroup", "boolean string"),
    ("supervisor.clearAllProcessLogs", "array"),
    ("supervisor.clearLog", "boolean"),
    ("supervisor.clearProcessLog", "boolean string"),
    ("supervisor.clearProcessLogs", "boolean string"),
    ("supervisor.getAPIVersion", "string"),
    ("supervisor.getAllConfigInfo", "array"),
    ("supervisor.getAllProcessInfo", "array"),
    ("supervisor.getIdentification", "string"),
    ("supervisor.getPID", "int"),
    ("supervisor.getProcessInfo", "struct string"),
    ("supervisor.getState", "struct"),
    ("supervisor.getSupervisorVersion", "string"),
    ("supervisor.getVersion", "string"),
    ("supervisor.readLog", "string int int"),
    ("supervisor.readMainLog", "string int int"),
    ("supervisor.readProcessLog", "string string int int"),
    ("supervisor.readProcessStderrLog", "string string int int"),
    ("supervisor.readProcessStdoutLog", "string string int int"),
    ("supervisor.reloadConfig", "array"),
    ("supervisor.removeProcessGroup", "boolean string"),
    ("supervisor.restart", "boolean"),
    ("supervisor.sendProcessStdin", "boolean string string"),
    ("supervisor.sendRemoteCommEvent", "boolean string string"),
    ("supervisor.shutdown", "boolean"),
    ("supervisor.signalAllProcesses", "array string"),
    ("supervisor.signalProcess", "boolean string string"),
    ("supervisor.signalProcessGroup", "array string string"),
    ("supervisor.startAllProcesses", "array boolean"),
    ("supervisor.startProcess", "boolean string boolean"),
    ("supervisor.startProcessGroup", "array string boolean"),
    ("supervisor.stopAllProcesses", "array boolean"),
    ("supervisor.stopProcess", "boolean string boolean"),
    ("supervisor.stopProcessGroup", "array string boolean"),
    ("supervisor.tailProcessLog", "array string int int"),
    ("supervisor.tailProcessStderrLog", "array string int int"),
    ("supervisor.tailProcessStdoutLog", "array string int int"),
    ("system.listMethods", "array"),
    ("system.methodHelp", "string string"),
    ("system.methodSignature", "array string"),
    ("system.multicall", "array array"),
];

/// Ours beside them.
const OURS: [(&str, &str); 6] = [
    ("mainstay.drain", "boolean boolean"),
    ("mainstay.explain", "struct string"),
    ("mainstay.getProcessTable", "array"),
    ("mainstay.plan", "struct array"),
    ("mainstay.undrain", "boolean"),
    ("mainstay.update", "struct array"),
];

fn one() -> Sup {
    let sup = start(
        "[program:a]\ncommand=@puppet@ print 0123456789 hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n",
    );
    sup.wait_file("a.log", "0123456789");
    sup
}

#[test]
fn every_method_is_listed_with_its_signature() {
    if skipped() {
        return;
    }
    let sup = one();
    let said = calls(&sup, &["' '.join(p.system.listMethods())"]);
    let listed: Vec<&str> = said[0].trim_matches('\'').split(' ').collect();
    // Theirs, and from us exactly the namespace that is ours.
    let own = OURS.iter().filter(|_| ours());
    let there: Vec<_> = own.chain(SIGNATURES.iter()).collect();
    let want: Vec<&str> = there.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, want);
    let questions: Vec<String> =
        there.iter().map(|(name, _)| format!("' '.join(p.system.methodSignature('{name}'))")).collect();
    let said = calls(&sup, &questions.iter().map(String::as_str).collect::<Vec<_>>());
    for ((name, signature), said) in there.iter().zip(said) {
        assert_eq!(said, format!("'{signature}'"), "{name}");
    }
    sup.finish();
}

#[test]
fn every_method_has_its_help_and_others_have_none() {
    if skipped() {
        return;
    }
    let sup = one();
    answers(
        &sup,
        &[
            ("[m for m in p.system.listMethods() if len(p.system.methodHelp(m)) < 10]", "[]"),
            ("p.system.methodHelp('supervisor.nosuch')", "fault 4 SIGNATURE_UNSUPPORTED"),
            ("p.system.methodSignature('nosuch')", "fault 4 SIGNATURE_UNSUPPORTED"),
            ("p.system.methodHelp()", "fault 2 INCORRECT_PARAMETERS"),
            ("p.system.nosuch()", "fault 1 UNKNOWN_METHOD"),
            ("s._update('x')", "fault 1 UNKNOWN_METHOD"),
        ],
    );
    sup.finish();
}

#[test]
fn several_calls_are_carried_out_in_order() {
    if skipped() {
        return;
    }
    let sup = one();
    let call = |method: &str, params: &str| format!("{{'methodName': '{method}', 'params': {params}}}");
    let many = |calls: &[String]| format!("p.system.multicall([{}])", calls.join(", "));
    // Trap 61 [K]: bare values, and faults as structures.
    answers(
        &sup,
        &[
            (
                &many(&[
                    call("supervisor.readProcessStdoutLog", "['a', 0, 3]"),
                    call("supervisor.tailProcessLog", "['a', 0, 2]"),
                    call("supervisor.readProcessLog", "['nosuch', 0, 0]"),
                    call("supervisor.clearProcessLogs", "['a']"),
                    call("supervisor.readProcessStdoutLog", "['a', 0, 0]"),
                    call("supervisor.readProcessStderrLog", "['a', -1, 1]"),
                ]),
                "['012', ['89', 10, True], {'faultCode': 10, 'faultString': 'BAD_NAME: nosuch'}, True, '', \
                 {'faultCode': 3, 'faultString': 'BAD_ARGUMENTS'}]",
            ),
            ("p.system.multicall([])", "[]"),
            (
                "p.system.multicall([{'params': []}, {'methodName': 'system.multicall', 'params': [[]]}])",
                "[{'faultCode': 2, 'faultString': 'INCORRECT_PARAMETERS: No methodName'}, \
                 {'faultCode': 2, 'faultString': 'INCORRECT_PARAMETERS: Recursive system.multicall forbidden'}]",
            ),
            (
                "[[r['status'] for r in x] for x in p.system.multicall([{'methodName': 'supervisor.clearAllProcessLogs'}])]",
                "[[80]]",
            ),
            (
                "[len(x) for x in p.system.multicall([{'methodName': 'supervisor.getAllConfigInfo', 'params': []}])[0]]",
                "[29]",
            ),
        ],
    );
    sup.finish();
}

#[test]
fn the_new_methods_are_refused_while_stopping() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:slow]\ncommand=@puppet@ ignore TERM say ready hold\nstartsecs=0\nstopwaitsecs=60\n\
         stdout_logfile=@dir@/slow\n",
    );
    sup.wait_file("slow", "ready");
    sup.wait_log("success: slow");
    assert_eq!(calls(&sup, &["s.shutdown()"]), ["True"]);
    // Trap 46 [K].
    answers(
        &sup,
        &[
            ("s.readLog(0, 0)", "fault 6 SHUTDOWN_STATE"),
            ("s.clearLog()", "fault 6 SHUTDOWN_STATE"),
            ("s.readProcessStdoutLog('nosuch', 0, 0)", "fault 6 SHUTDOWN_STATE"),
            ("s.tailProcessStderrLog('slow', 0, 0)", "fault 6 SHUTDOWN_STATE"),
            ("s.clearProcessLogs('slow')", "fault 6 SHUTDOWN_STATE"),
            ("s.clearAllProcessLogs()", "fault 6 SHUTDOWN_STATE"),
            ("s.getAllConfigInfo()", "fault 6 SHUTDOWN_STATE"),
            ("len(p.system.listMethods()) > 30", "True"),
        ],
    );
    let pid: i32 = harness::proc::children(sup.0.pid())
        .into_iter()
        .map(|child| child.pid)
        .find(|pid| harness::proc::cmdline(*pid).iter().any(|word| word == "ready"))
        .expect("it holds out");
    harness::kill(pid, 9).expect("it lives");
    assert_eq!(sup.0.wait_exit(), 0);
}
