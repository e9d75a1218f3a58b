//! A server that is a script, for the tests of the commands below.

mod actions;
mod json;
mod plan;
mod servers;
mod status;

use super::*;
use crate::gateway::rpc::value::Value;
use client::ClientError;
use std::cell::RefCell;
use std::io::ErrorKind;

/// A server that is a function, and remembers what it was asked.
struct Script<F> {
    answer: F,
    calls: RefCell<Vec<String>>,
    address: RefCell<ServerAddress>,
}

impl<F: Fn(&str, &[Value]) -> Result<Value, ClientError>> Api for Script<F> {
    fn call(&self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let shown: Vec<_> = params.iter().map(|p| p.as_str().unwrap_or("?").to_owned()).collect();
        self.calls.borrow_mut().push(format!("{method}({})", shown.join(",")));
        if method == "getVersion" {
            return (self.answer)(method, params).map(|_| Value::text("3.0"));
        }
        (self.answer)(method, params)
    }

    fn follow(&self, path: &str, out: &mut dyn Write) -> Result<follow::Ended, ClientError> {
        self.calls.borrow_mut().push(format!("GET {path}"));
        (self.answer)("follow", &[]).map(|text| {
            let _ = out.write_all(text.as_str().unwrap_or_default().as_bytes());
            follow::Ended::ByUser
        })
    }

    fn address(&self) -> ServerAddress {
        self.address.borrow().clone()
    }

    fn turn_to(&self, address: ServerAddress) {
        self.calls.borrow_mut().push(format!("turn to {address} as {:?}", address.username));
        self.address.replace(address);
    }
}

/// Runs a command line: exit code, output, calls.
fn run_line(
    line: &str,
    input: &str,
    answer: impl Fn(&str, &[Value]) -> Result<Value, ClientError>,
) -> (u8, String, Vec<String>) {
    let address = RefCell::new(ServerAddress::unix("/x.sock"));
    let script = Script { answer, calls: RefCell::new(Vec::new()), address };
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let interactive = words.first().is_some_and(|w| w == "-i");
    words.retain(|w| w != "-i");
    let args = CtlArgs { words, interactive, ..CtlArgs::default() };
    let mut out = Vec::new();
    let input = Input::new(io::Cursor::new(input.as_bytes().to_vec()));
    let (code, _) = with_server(&args, &script, Settings::default(), input, &mut out);
    (code, String::from_utf8(out).expect("text"), script.calls.into_inner())
}

fn told(line: &str, answer: impl Fn(&str, &[Value]) -> Result<Value, ClientError>) -> (u8, String) {
    let (code, out, _) = run_line(line, "", answer);
    (code, out)
}

fn fault(code: i64, text: &str) -> Result<Value, ClientError> {
    Err(ClientError::Fault { code, text: text.to_owned() })
}

fn structure(members: &[(&str, Value)]) -> Value {
    Value::Struct(members.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect())
}

fn process(group: &str, name: &str, state: (i64, &str), description: &str, pid: i64) -> Value {
    structure(&[
        ("group", Value::text(group)),
        ("name", Value::text(name)),
        ("state", Value::Int(state.0)),
        ("statename", Value::text(state.1)),
        ("description", Value::text(description)),
        ("pid", Value::Int(pid)),
    ])
}

fn three(method: &str, params: &[Value]) -> Result<Value, ClientError> {
    let all = [
        process("a", "a", (20, "RUNNING"), "pid 7, uptime 0:00:05", 7),
        process("multi", "multi_00", (10, "STARTING"), "", 8),
        process("multi", "multi_01", (200, "FATAL"), "Exited too quickly (process log may have details)", 0),
    ];
    match method {
        "getAllProcessInfo" => Ok(Value::Array(all.to_vec())),
        "getPID" => Ok(Value::Int(1)),
        "getProcessInfo" => match params[0].as_str() {
            Some("a") => Ok(all[0].clone()),
            Some("multi:multi_01") => Ok(all[2].clone()),
            _ => fault(10, "BAD_NAME"),
        },
        "getSupervisorVersion" => Ok(Value::text("4.3.0")),
        "mainstay.getProcessTable" | "mainstay.explain" => fault(1, "UNKNOWN_METHOD"),
        _ => Ok(Value::Bool(true)),
    }
}

fn status(group: &str, name: &str, code: i64, description: &str) -> Value {
    structure(&[
        ("group", Value::text(group)),
        ("name", Value::text(name)),
        ("status", Value::Int(code)),
        ("description", Value::text(description)),
    ])
}
