//! Finds the server when the command line does not name it: environment, the usual sockets, a configuration's own words.
//!
//! Does I/O: reads one file, looks at sockets. Invariant: a socket in a public directory counts only when it belongs
//! to us or to root. COMPAT: `[supervisorctl] serverurl` comes before the servers of the same file.
//! Not here: the whole configuration language (`config`); this reads the few keys a client needs and no includes.

use crate::control::default_socket_paths;
use crate::ctl::CtlArgs;
use crate::ctl::address::ServerAddress;
use crate::ctl::client::{PATIENCE, connect};
use nix::unistd::{AccessFlags, access, geteuid};
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Looks a variable up; `cli` reads the real environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where `run` looks for ours, then, COMPAT, where supervisorctl looks after the directories around itself.
const SEARCH: [&str; 7] = [
    "mainstay.toml",
    "/etc/mainstay.toml",
    "/etc/mainstay/mainstay.toml",
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
];

/// What was found beside the command line.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Found {
    /// The control servers to try, best first.
    pub servers: Vec<ServerAddress>,
    /// Why a socket that is there is none of them.
    pub barred: Option<String>,
    /// Name and password of `[supervisorctl]`, for a server that the command line names.
    pub credentials: (Option<String>, Option<String>),
    pub prompt: Option<String>,
    pub history_file: Option<PathBuf>,
}

/// Looks for everything that the command line does not say.
///
/// # Errors
/// When the file that was named cannot be read.
pub fn find(args: &CtlArgs, env: Lookup<'_>) -> Result<Found, String> {
    let file = configuration(args.configuration.as_deref())?;
    let mut found = Found::default();
    if let Some((path, text)) = &file {
        let read = Reader::new(text, path, env);
        let own = |key| read.value("supervisorctl", key);
        found.credentials = (own("username"), own("password"));
        found.prompt = own("prompt");
        found.history_file = own("history_file").map(|path| match path.strip_prefix("~/") {
            Some(rest) => PathBuf::from(env("HOME").unwrap_or_default()).join(rest),
            None => PathBuf::from(path),
        });
    }
    if args.serverurl.is_none() {
        (found.servers, found.barred) = servers(args, file.as_ref(), env);
    }
    Ok(found)
}

/// The control servers to try, best first; and why a socket is none of them.
fn servers(
    args: &CtlArgs,
    file: Option<&(PathBuf, String)>,
    env: Lookup<'_>,
) -> (Vec<ServerAddress>, Option<String>) {
    let of_file = file.map(|(path, text)| from_text(text, path, env)).unwrap_or_default();
    if args.configuration.is_some() && !of_file.is_empty() {
        return (of_file, None);
    }
    let mut found = if args.configuration.is_some() { Vec::new() } else { from_environment(env) };
    // A file that names no server runs with a private socket.
    let (living, barred) = living_sockets();
    found.extend(living);
    found.extend(of_file);
    (found, barred)
}

/// The read-only listeners to try, then the control servers: whoever answers probes.
///
/// # Errors
/// When the file that was named cannot be read.
pub fn probe_addresses(file: Option<&Path>, env: Lookup<'_>) -> Result<Vec<ServerAddress>, String> {
    let listeners = |text: &str| -> Vec<ServerAddress> {
        text.split([',', ' ']).filter_map(ServerAddress::of_listener).collect()
    };
    let mut found = env("MAINSTAY_HTTP__LISTEN").map(|text| listeners(&text)).unwrap_or_default();
    if let Some((path, text)) = configuration(file)? {
        let read = Reader::new(&text, &path, env);
        let keys = [("http", "listen"), ("mainstay", "http_listen")];
        found.extend(keys.iter().filter_map(|(s, k)| read.value(s, k)).flat_map(|text| listeners(&text)));
    }
    let args = CtlArgs { configuration: file.map(Path::to_path_buf), ..CtlArgs::default() };
    found.extend(find(&args, env)?.servers);
    Ok(found)
}

/// The file that was named, or the first of the search path.
fn configuration(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, String> {
    if let Some(path) = named {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => format!("could not find config file {shown}"),
            _ => format!("could not read config file {shown}"),
        })?;
        return Ok(Some((path.to_path_buf(), text)));
    }
    let readable = |path: PathBuf| fs::read_to_string(&path).ok().map(|text| (path, text));
    // In a container the daemon is PID 1, and its command line says which file it runs on.
    let of_pid1 = fs::read("/proc/1/cmdline").ok().and_then(|words| named_in(&words));
    Ok(of_pid1.and_then(readable).or_else(|| SEARCH.iter().find_map(|path| readable(PathBuf::from(path)))))
}

/// The `-c FILE` of a command line of ours, as /proc has it: words that end in zero bytes. Only absolute paths mean
/// the same to us as to the daemon.
#[must_use]
pub fn named_in(words: &[u8]) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(words);
    let mut words = text.split('\0');
    let face = words.next()?.rsplit('/').next()?.to_owned();
    if !matches!(face.as_str(), "mainstay" | "supervisord") {
        return None;
    }
    while let Some(word) = words.next().filter(|w| *w != "--") {
        let file = match word {
            "-c" | "--configuration" => words.next()?,
            _ => match word.strip_prefix("--configuration=") {
                Some(file) => file,
                None => continue,
            },
        };
        return Some(PathBuf::from(file)).filter(|f| f.is_absolute());
    }
    None
}

/// `MAINSTAY_CONTROL__…`: the same variables that configure the daemon.
#[must_use]
pub fn from_environment(env: Lookup<'_>) -> Vec<ServerAddress> {
    let unix = env("MAINSTAY_CONTROL__UNIX").map(ServerAddress::unix);
    let tcp = env("MAINSTAY_CONTROL__TCP").and_then(|listen| ServerAddress::of_listener(&listen));
    let mut found: Vec<_> = unix.into_iter().chain(tcp).collect();
    for address in &mut found {
        address.username = env("MAINSTAY_CONTROL__USERNAME");
        address.password = env("MAINSTAY_CONTROL__PASSWORD");
    }
    found
}

/// The default sockets that are ours or root's and take a connection; and why the first of the others cannot be used.
fn living_sockets() -> (Vec<ServerAddress>, Option<String>) {
    let (mut living, mut barred) = (Vec::new(), None);
    for path in default_socket_paths() {
        match is_usable(path) {
            Ok(true) => living.push(ServerAddress::unix(path)),
            Ok(false) => {}
            Err(why) => barred = barred.or(Some(why)),
        }
    }
    (living, barred)
}

/// Whether a server listens there; an error where there is a socket that may not be used.
fn is_usable(path: &str) -> Result<bool, String> {
    let Ok(about) = fs::symlink_metadata(path) else { return Ok(false) };
    let owner = about.uid();
    let denied = || format!("cannot connect to {path}: Permission denied");
    if owner == geteuid().as_raw() || owner == 0 {
        return match connect(&ServerAddress::unix(path), PATIENCE) {
            Err(e) if e.kind() == ErrorKind::PermissionDenied => Err(denied()),
            connected => Ok(connected.is_ok()),
        };
    }
    match access(path, AccessFlags::W_OK) {
        _ if !about.file_type().is_socket() => Ok(false),
        Ok(()) => Err(format!("cannot trust {path}: user {owner} owns it, who is neither you nor root")),
        Err(_) => Err(denied()),
    }
}

/// The control servers a configuration file names, INI or TOML.
#[must_use]
pub fn from_text(text: &str, path: &Path, env: Lookup<'_>) -> Vec<ServerAddress> {
    let read = Reader::new(text, path, env);
    let with_password = |mut address: ServerAddress, section: &str| {
        address.username = read.value(section, "username");
        // A digest is of no use to a client.
        address.password = read.value(section, "password").filter(|p| !p.starts_with("{SHA}"));
        address
    };
    if let Some(address) =
        read.value("supervisorctl", "serverurl").and_then(|u| ServerAddress::parse(&u).ok())
    {
        return vec![with_password(address, "supervisorctl")];
    }
    let unix = [("unix_http_server", "file"), ("control", "unix")];
    let tcp = [("inet_http_server", "port"), ("control", "tcp")];
    let unix =
        unix.iter().filter_map(|(s, k)| Some(with_password(ServerAddress::unix(read.value(s, k)?), s)));
    let tcp = tcp
        .iter()
        .filter_map(|(s, k)| Some(with_password(ServerAddress::of_listener(&read.value(s, k)?)?, s)));
    unix.chain(tcp).collect()
}

/// A file's values, expanded.
struct Reader<'a> {
    sections: Sections,
    here: String,
    env: Lookup<'a>,
}

impl<'a> Reader<'a> {
    fn new(text: &str, path: &Path, env: Lookup<'a>) -> Reader<'a> {
        let here = path.parent().map_or_else(String::new, |p| p.display().to_string());
        Reader { sections: read_sections(text), here, env }
    }

    fn value(&self, section: &str, key: &str) -> Option<String> {
        expand(self.sections.get(section)?.get(key)?, &self.here, self.env)
    }
}

type Sections = HashMap<String, HashMap<String, String>>;

/// Sections, keys and values; the last of a name counts, as in both languages' readers.
fn read_sections(text: &str) -> Sections {
    let mut sections = Sections::new();
    let mut current = String::new();
    for line in text.lines() {
        if line.starts_with(['#', ';']) || line.trim().is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
        {
            // COMPAT: `[unix_http_server:name]` is one too.
            let name = name
                .split_once(':')
                .filter(|(kind, _)| kind.ends_with("_http_server"))
                .map_or(name, |(k, _)| k);
            name.clone_into(&mut current);
        } else if let Some((key, value)) = line.split_once(['=', ':']) {
            let section = sections.entry(current.clone()).or_default();
            section.insert(key.trim().to_ascii_lowercase(), without_comment(value).to_owned());
        }
    }
    sections
}

/// The value without a comment after white space, and without TOML's quotes.
fn without_comment(value: &str) -> &str {
    let value = value.trim();
    if let Some(quoted) =
        value.strip_prefix('"').and_then(|rest| rest.split_once('"')).map(|(inside, _)| inside)
    {
        return quoted;
    }
    let cut = [" ;", " #", "\t;", "\t#"].iter().filter_map(|mark| value.find(mark)).min();
    value[..cut.unwrap_or(value.len())].trim_end()
}

/// `%(here)s` and `%(ENV_X)s`; `None` when a variable is not set.
fn expand(raw: &str, here: &str, env: Lookup<'_>) -> Option<String> {
    let mut out = String::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (name, after) = after.strip_prefix('(')?.split_once(")s")?;
        match name.strip_prefix("ENV_") {
            Some(variable) => out.push_str(&env(variable)?),
            None if name == "here" => out.push_str(here),
            None => return None,
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let env = |name: &str| (name == "PORT").then(|| "9009".to_owned());
        from_text(text, Path::new("/etc/app/x.conf"), &env).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_daemons_command_line_names_its_file() {
        let file = |line: &str| named_in(line.replace(' ', "\0").as_bytes()).map(|p| p.display().to_string());
        assert_eq!(file("/mainstay run -c /app/a.conf").as_deref(), Some("/app/a.conf"));
        assert_eq!(file("supervisord -n --configuration=/a.conf").as_deref(), Some("/a.conf"));
        assert_eq!(file("/mainstay run -c a.conf"), None, "relative to a directory we do not know");
        assert_eq!(file("/mainstay run -- nginx -c /etc/nginx.conf"), None, "the program's own option");
        assert_eq!(file("/usr/bin/nginx -c /etc/nginx.conf"), None, "not ours");
    }

    #[test]
    fn the_clients_own_section_comes_first() {
        let text =
            "[unix_http_server]\nfile=/a.sock\n[supervisorctl]\nserverurl = unix://%(here)s/b.sock ; here\n";
        assert_eq!(found(text), ["unix:///etc/app/b.sock"]);
    }

    #[test]
    fn without_it_the_servers_are_tried_unix_first() {
        let text =
            "[inet_http_server]\nport=*:%(ENV_PORT)s\n[unix_http_server:x]\nfile: /a.sock\n[supervisorctl]\n";
        assert_eq!(found(text), ["unix:///a.sock", "http://127.0.0.1:9009"]);
        assert_eq!(found("[inet_http_server]\nport=%(ENV_NOSUCH)s"), [""; 0]);
        assert_eq!(found("; [unix_http_server]\n#file=/a\n"), [""; 0]);
    }

    #[test]
    fn a_toml_file_is_understood_as_far_as_needed() {
        let text = "[http]\nlisten = \"0.0.0.0:9100\"\n[control]\nunix = \"/run/x y.sock\" # here\ntcp = \"127.0.0.1:9001\"\n";
        assert_eq!(found(text), ["unix:///run/x y.sock", "http://127.0.0.1:9001"]);
    }

    #[test]
    fn passwords_come_with_their_section_and_digests_do_not() {
        let text = "[unix_http_server]\nfile=/a\nusername=u\npassword={SHA}abc\n[inet_http_server]\nport=1\nusername=v\npassword=p%%w\n";
        let found = from_text(text, Path::new("x"), &|_| None);
        assert_eq!((found[0].username.as_deref(), found[0].password.as_deref()), (Some("u"), None));
        assert_eq!((found[1].username.as_deref(), found[1].password.as_deref()), (Some("v"), Some("p%w")));
    }

    #[test]
    fn probes_ask_the_read_only_listener_of_the_file_first() {
        let path = std::env::temp_dir().join(format!("mainstay-discover-{}.conf", std::process::id()));
        let text = "[mainstay]\nhttp_listen = 127.0.0.1:9100, [::]:9101\n[unix_http_server]\nfile=/a.sock\n";
        fs::write(&path, text).expect("written");
        let env = |name: &str| (name == "MAINSTAY_HTTP__LISTEN").then(|| ":9099".to_owned());
        let found = probe_addresses(Some(&path), &env).expect("read");
        let _ = fs::remove_file(&path);
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        let want = ["http://127.0.0.1:9099", "http://127.0.0.1:9100", "http://[::1]:9101", "unix:///a.sock"];
        assert_eq!(shown, want);
    }

    #[test]
    fn a_named_file_that_is_not_there_is_an_error() {
        let args = CtlArgs { configuration: Some("/nonexistent/x.conf".into()), ..CtlArgs::default() };
        let error = find(&args, &|_| None).expect_err("no file");
        assert_eq!(error, "could not find config file /nonexistent/x.conf");
    }

    #[test]
    fn the_environment_names_the_daemons_own_sockets() {
        let env = |name: &str| match name {
            "MAINSTAY_CONTROL__UNIX" => Some("/x.sock".to_owned()),
            "MAINSTAY_CONTROL__TCP" => Some(":9001".to_owned()),
            "MAINSTAY_CONTROL__USERNAME" => Some("u".to_owned()),
            _ => None,
        };
        let found = from_environment(&env);
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["unix:///x.sock", "http://127.0.0.1:9001"]);
        assert_eq!(found[0].username.as_deref(), Some("u"));
    }
}
