//! What configurations are made of: real files to begin with, and the words of each language.

use mainstay::config::raw::SectionKind;
use mainstay::config::settings::{self, Setting, Type};
use std::path::Path;

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder with that ending, by name; none where there is no such folder.
fn files(folder: &Path, ending: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    let mut paths: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == ending)).collect();
    paths.sort();
    paths.iter().filter_map(|p| std::fs::read(p).ok()).collect()
}

/// Supervisor's files: ours, and the corpus where it lies beside the checkout.
pub(super) fn ini() -> Vec<Vec<u8>> {
    let mut seeds = files(&checkout().join("samples"), "conf");
    seeds.extend(files(&checkout().join("../shared/corpus"), "conf"));
    seeds.extend(INI.map(|text| text.as_bytes().to_vec()));
    seeds.extend(settings::all().filter_map(|s| part(s, "=", ini_heading)));
    seeds
}

const INI: [&str; 4] = [
    "[supervisord]\nenvironment=A=\"1\",B='2'\n[program:web]\ncommand=web %(ENV_HOME)s %(process_num)02d ; comment\n\
     numprocs=3\nprocess_name=%(program_name)s_%(process_num)02d\nstopsignal=QUIT\n[group:g]\nprograms=web\n",
    "[unix_http_server]\nfile=/run/s.sock\nchmod=0700\nchown=app:www\n[inet_http_server]\nport=:9001\nusername=u\n\
     password={SHA}aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\n[supervisord]\n[program:a]\ncommand=a\n",
    "[supervisord]\n[include]\nfiles = conf.d/*.conf /e/conf.d/b.conf\n[program:x]\ncommand=\n  x\n  --y\n\n  --z\n",
    "[DEFAULT]\nuser=app\n[supervisord]\n[eventlistener:e]\ncommand=e\nevents=TICK_5,PROCESS_STATE\n\
     [fcgi-program:f]\ncommand=f\nsocket=unix:///run/f.sock\nsocket_owner=app:www\n[mainstay]\nhttp_listen=:9100\n",
];

/// Our own files, and the same with their examples uncommented.
pub(super) fn toml() -> Vec<Vec<u8>> {
    let mut seeds = files(&checkout().join("samples"), "toml");
    let bare: Vec<_> = seeds.iter().map(|s| uncommented(&String::from_utf8_lossy(s)).into_bytes()).collect();
    seeds.extend(bare);
    seeds.extend(TOML.map(|text| text.as_bytes().to_vec()));
    seeds.extend(settings::all().filter_map(|s| part(s, " = ", toml_heading)));
    seeds
}

const TOML: [&str; 3] = [
    "[program]\nweb = \"nginx -g 'daemon off;'\"\n[program.b]\ncommand = [\"a\", \"b c\", \"${HOME:-/x}\"]\nstartsecs = 0.5\n",
    "supervisor = { loglevel = \"debug\", environment = { A = \"${B:-${C:-d}}\" } }\n[group.g]\nprograms = [\"p\"]\n\
     [program.p]\ncommand = '''x'''\nexitcodes = [0, 2]\nautorestart = \"unexpected\"\nstdout_logfile_maxbytes = \"1MB\"\n",
    "[control]\nunix = \"/run/x.sock\"\nmode = \"0700\"\ntcp = \"127.0.0.1:9001\"\nusername = \"u\"\npassword = \"p\"\n\
     [http]\nlisten = [\":9100\", \"[::1]:9101\"]\n[eventlistener.e]\ncommand = \"e\"\nevents = [\"TICK_5\"]\n",
];

/// A section with this one setting, and what it needs beside.
fn part(
    setting: &Setting,
    delimiter: &str,
    heading: fn(SectionKind, &str) -> Option<String>,
) -> Option<Vec<u8>> {
    let kind = *setting.kinds.first()?;
    let heading = heading(kind, setting.key)?;
    let value = good_value(setting.ty);
    let is_bare = delimiter == "=" || value.parse::<i64>().is_ok() || ["true", "false"].contains(&value);
    let value = if is_bare { value.to_owned() } else { format!("{value:?}") };
    Some(format!("{heading}{}{delimiter}{value}\n", setting.key).into_bytes())
}

fn ini_heading(kind: SectionKind, key: &str) -> Option<String> {
    Some(match kind {
        SectionKind::Supervisor => "[supervisord]\n".to_owned(),
        SectionKind::Program if key == "command" => "[program:plain]\n".to_owned(),
        SectionKind::Program => format!("[program:p_{key}]\ncommand=x\n"),
        SectionKind::Mainstay => "[mainstay]\n".to_owned(),
        _ => return None,
    })
}

fn toml_heading(kind: SectionKind, key: &str) -> Option<String> {
    (kind == SectionKind::Program && key != "command")
        .then(|| format!("[program.p_{key}]\ncommand = \"x\"\n"))
}

/// A value that the type reads.
fn good_value(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "true",
        Type::Int => "3",
        Type::Seconds => "2",
        Type::Size => "1MB",
        Type::Octal => "022",
        Type::ExitCodes => "0,2",
        Type::Signal => "QUIT",
        Type::Autorestart => "unexpected",
        Type::LogFile => "/var/log/x.log",
        Type::Path | Type::Directory => "/srv",
        Type::User => "app",
        Type::Owner => "app:www",
        Type::Address => "127.0.0.1:9001",
        Type::Level => "debug",
        Type::List => "web",
        Type::Pairs => "A=1,B=2",
        Type::Text => "text",
        Type::Command => "sh -c 'x y'",
        Type::Duration => "500ms",
        Type::Choice(words) => words.first().copied().unwrap_or(""),
        Type::Form(example) => example,
    }
}

/// `# key = value` without its mark; other comments stay.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let bare = line.trim_start_matches(['#', ';', ' ']);
        let is_code =
            bare.starts_with('[') || bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        if is_code { bare } else { line }
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Variables, one after another, each ended by a zero byte as in `env -0`.
pub(super) fn variables() -> Vec<Vec<u8>> {
    let mut texts: Vec<String> = files(&checkout().join("samples"), "env")
        .iter()
        .map(|s| String::from_utf8_lossy(s).replace("#MAINSTAY", "MAINSTAY"))
        .collect();
    texts.push(
        "MAINSTAY_PROGRAM__A=a b\nMAINSTAY_PROGRAM__A__NUMPROCS=2\nMAINSTAY_SUPERVISOR__LOGLEVEL=debug\n"
            .into(),
    );
    texts.push(
        "+\nMAINSTAY_PROGRAM__WEB__COMMAND=other\nMAINSTAY_SUPERVISOR__ENVIRONMENT__Key=v\nHOME=/x\n".into(),
    );
    let is_comment = |line: &&str| line.starts_with('#') || line.is_empty();
    let zeroed = |text: &String| {
        text.lines().filter(|l| !is_comment(l)).flat_map(|l| l.bytes().chain([0])).collect::<Vec<u8>>()
    };
    texts.iter().map(zeroed).collect()
}

/// The sections that have a name of their own.
const NAMED: [&str; 4] = ["program", "eventlistener", "group", "fcgi-program"];

pub(super) fn ini_words() -> Vec<String> {
    let mut words: Vec<String> = settings::all().map(|s| format!("\n{}=", s.key)).collect();
    words.extend(NAMED.iter().map(|kind| format!("\n[{kind}:x]\n")));
    let plain = [
        "supervisord",
        "supervisorctl",
        "include",
        "DEFAULT",
        "mainstay",
        "unix_http_server",
        "inet_http_server",
    ];
    words.extend(plain.iter().map(|title| format!("\n[{title}]\n")));
    words.extend(values());
    let ours = [
        "\u{1e}",
        " ;",
        "\n;",
        "\n#",
        "\n  ",
        "\n ; x\n  y",
        "%(here)s",
        "%(ENV_HOME)s",
        "%(ENV_NONE)s",
        "%(process_num)d",
        "%(process_num)05d",
        "%(program_name)s",
        "%(host_node_name)s",
        "%(group_name)s",
        "%(numprocs)d",
        "%(x)4096s",
        "%(process_num)#x",
        "%(process_num).3e",
        "%%(x)s",
        "\nfiles=conf.d/*.conf",
        "A=\"1\",B='x,y',C=%(ENV_HOME)s",
    ];
    words.extend(ours.map(str::to_owned));
    words
}

pub(super) fn toml_words() -> Vec<String> {
    let mut words: Vec<String> = settings::all().map(|s| format!("\n{} = ", s.key)).collect();
    let kinds = [
        SectionKind::Supervisor,
        SectionKind::Program,
        SectionKind::Group,
        SectionKind::UnixHttp,
        SectionKind::InetHttp,
        SectionKind::Http,
        SectionKind::EventListener,
        SectionKind::Fcgi,
    ];
    let paths = kinds.iter().flat_map(|k| settings::all().filter_map(|s| s.toml_path(*k)));
    words.extend(paths.map(|path| format!("\n{path} = ")));
    words.extend(values().iter().map(|v| format!("{v:?}")));
    words.extend(values());
    let ours = [
        "\n[program.x]\n",
        "\n[[program]]\n",
        "\n[control]\n",
        "\n[http]\n",
        "\n[program.x.environment]\n",
        "{ a = 1 }",
        "[1, 2]",
        "[]",
        "{}",
        "[\"a\", 1]",
        "true",
        "1.5",
        "nan",
        "-inf",
        "1979-05-27T07:32:00Z",
        "0o755",
        "0xff",
        "\"\"\"",
        "'''",
        "\"${HOME}\"",
        "\"${NONE}\"",
        "\"${NONE:-x}\"",
        "\"${A:-${B:-${C}}}\"",
        "\"$${x}\"",
        "${",
        "\"\\u0000\"",
        "\"\\U0010ffff\"",
        "a.b.c = 1",
    ];
    words.extend(ours.map(str::to_owned));
    words
}

pub(super) fn variable_words() -> Vec<String> {
    let kinds = [
        SectionKind::Supervisor,
        SectionKind::Program,
        SectionKind::Group,
        SectionKind::UnixHttp,
        SectionKind::InetHttp,
        SectionKind::Http,
        SectionKind::EventListener,
        SectionKind::Fcgi,
    ];
    let names = kinds.iter().flat_map(|k| settings::all().filter_map(|s| s.env_name(*k)));
    let mut words: Vec<String> = names.map(|name| format!("\0{name}=")).collect();
    words.extend(values());
    let ours = [
        "\0",
        "=",
        "_",
        "__",
        "___",
        "\0MAINSTAY_",
        "\0MAINSTAY_PROGRAM__",
        "\0MAINSTAY_PROGRAM__WEB=",
        "__ENVIRONMENT__",
        "\0MAINSTAY_PORT=tcp://10.0.0.1:80",
        "\0MAINSTAY_SERVICE_HOST=",
        "+\0",
        "\0mainstay_program__x=",
        "NAME",
    ];
    words.extend(ours.map(str::to_owned));
    words
}

/// Values that some key takes: their kinds are mixed up on purpose.
fn values() -> Vec<String> {
    let texts = [
        "true",
        "false",
        "unexpected",
        "yes",
        "0",
        "1",
        "2",
        "7",
        "-1",
        "30",
        "1.5",
        "500ms",
        "1MB",
        "10KB",
        "5gb",
        "QUIT",
        "TERM",
        "SIGHUP",
        "0,2",
        "022",
        "0700",
        "1777",
        "app",
        "root",
        "0",
        "1000",
        "nobody",
        "app:www",
        "none",
        "auto",
        "syslog",
        "/dev/stdout",
        "/dev/fd/2",
        "/var/log/x.log",
        "/missing/x",
        "~/x",
        "info",
        "trace",
        "NONE",
        "127.0.0.1:9001",
        ":9001",
        "*:9001",
        "[::1]:9001",
        "localhost:1",
        "9001",
        "cat",
        "sh -c 'a \"b\" c'",
        "'open",
        "web",
        "web,worker",
        "TICK_5",
        "PROCESS_STATE",
        "EVENT",
        "supervisor.dispatchers:default_handler",
        "supervisor.rpcinterface:make_main_rpcinterface",
        "unix:///run/x.sock",
        "tcp://localhost:9000",
        "u",
        "{SHA}00",
        "100",
        "a b",
        "a:b",
        "a/b",
        "AUTO",
        "inherit",
    ];
    texts.map(str::to_owned).to_vec()
}
