//! Writes configurations: mostly what people write, now and then what nobody would.
//!
//! Pure. Invariant: the same generator state, the same case. Not here: the values (`words`), real files (`corpus`),
//! damage (`mutate`).

use crate::case::Case;
use crate::mutate::encoded;
use crate::rng::Rng;
use crate::words::{self, Type};

/// How wild a file is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mood {
    /// Good values, plain lines.
    Calm,
    /// Odd values and odd lines that should be accepted.
    Odd,
    /// Now and then something bad.
    Wild,
}

pub(crate) struct Writer<'r> {
    pub(crate) rng: &'r mut Rng,
    pub(crate) mood: Mood,
    pub(crate) text: String,
}

const NAMES: &[&str] = &["a", "b", "web", "db", "x1", "worker"];
const ODD_NAMES: &[&str] = &[
    " a", "A", "a.b", "ä", "a_b", "web ", "\u{a0}b", "a%b", "", "a]", "it's", "%(here)s", "a\u{c}b", "a\tb",
];
const BAD_NAMES: &[&str] = &["a b", "a:b", "a/b", " a b "];

/// One case.
pub(crate) fn case(rng: &mut Rng) -> Case {
    let mood = match rng.below(10) {
        0..=2 => Mood::Calm,
        3..=6 => Mood::Odd,
        _ => Mood::Wild,
    };
    let mut files = Vec::new();
    let mut main = Writer { rng, mood, text: String::new() };
    main.file(true);
    if main.rng.percent(30) {
        main.include(&mut files);
    }
    let text = main.text;
    let mut case = Case::new(encoded(rng, mood, &text));
    for name in files {
        let mut part = Writer { rng, mood, text: String::new() };
        part.file(false);
        let text = part.text;
        case.files.insert(name, encoded(rng, mood, &text));
    }
    case.is_absolute = rng.percent(30);
    case.is_printed = rng.percent(40);
    case
}

impl Writer<'_> {
    fn file(&mut self, is_main: bool) {
        if self.mood == Mood::Wild && self.rng.percent(3) {
            let line =
                self.rng.pick(&["x=y", "junk", "  ", "# c", " ; c", "\u{c}", "\u{85}", "[", "]", "[]"]);
            self.line(line);
        }
        if self.rng.percent(5) {
            self.defaults();
        }
        let has_main_section = if is_main { !self.rng.percent(2) } else { self.rng.percent(10) };
        if has_main_section {
            self.header("supervisord");
            let n = self.rng.below(5);
            self.options(words::SUPERVISORD, n, 20);
        }
        let n = if is_main { 1 + self.rng.below(4) } else { self.rng.below(3) };
        for _ in 0..n {
            self.section();
        }
    }

    pub(crate) fn section(&mut self) {
        match self.rng.below(20) {
            0..=9 => self.program("program"),
            10..=11 => self.listener(),
            12..=13 => self.fastcgi(),
            14..=15 => self.group(),
            16 => self.inet_server(),
            17 => self.unix_server(),
            18 => self.plugin(),
            _ => {
                let title = self.rng.pick(&[
                    "supervisorctl",
                    "supervisord",
                    "Program:a",
                    "unknown",
                    "ctlplugin:x",
                    "program",
                    "eventlistener",
                    "group",
                    "include2",
                    "SUPERVISORD",
                    "program:",
                    "fcgi-program:",
                    "eventlistener:",
                    "group:",
                    "default",
                ]);
                self.header(title);
                self.options(words::PROGRAM, 2, 30);
                if title == "program:" || title == "fcgi-program:" {
                    self.line("command=x");
                }
            }
        }
    }

    fn defaults(&mut self) {
        self.header("DEFAULT");
        let tables = [words::PROGRAM, words::SUPERVISORD, words::LISTENER, words::FCGI];
        let table = tables[self.rng.below(tables.len())];
        let n = 1 + self.rng.below(2);
        self.options(table, n, 40);
        if self.rng.percent(20) {
            let line = self.rng.pick(&[
                "command=%(here)s/default",
                "files=*.ini",
                "username=u",
                "programs=a",
                "port=9",
                "file=/tmp/f",
                "here=x",
            ]);
            self.line(line);
        }
    }

    fn program(&mut self, kind: &str) {
        let name = self.name();
        self.header(&format!("{kind}:{name}"));
        if !(self.mood == Mood::Wild && self.rng.percent(2)) {
            self.option("command", Type::Command);
        }
        let copies = self.rng.percent(15);
        if copies {
            let n = if self.mood == Mood::Calm {
                "2"
            } else {
                self.rng.pick(&["0", "1", "2", "3", "-1", "%(ENV_N)s", "+2", "\u{662}"])
            };
            self.line(&format!("numprocs={n}"));
            if !self.rng.percent(20) {
                self.line("process_name=%(program_name)s_%(process_num)02d");
            }
        }
        let n = self.rng.below(6);
        self.options(words::PROGRAM, n, 3);
    }

    fn listener(&mut self) {
        self.program("eventlistener");
        if !(self.mood == Mood::Wild && self.rng.percent(5)) {
            self.option("events", Type::Events);
        }
        if self.rng.percent(30) {
            self.options(words::LISTENER, 1, 5);
        }
    }

    fn fastcgi(&mut self) {
        self.program("fcgi-program");
        if !(self.mood == Mood::Wild && self.rng.percent(5)) {
            self.option("socket", Type::Socket);
        }
        if self.rng.percent(40) {
            let n = 1 + self.rng.below(2);
            self.options(words::FCGI, n, 5);
        }
    }

    fn group(&mut self) {
        let (member, other) = (self.name(), self.name());
        let name = self.name();
        if self.rng.percent(80) {
            let kind = if self.rng.percent(80) { "program" } else { "fcgi-program" };
            self.header(&format!("{kind}:{member}"));
            self.option("command", Type::Command);
        }
        self.header(&format!("group:{name}"));
        if !self.rng.percent(4) {
            let listed = match self.rng.below(12) {
                0 => format!("{member},{other}"),
                1 if self.mood != Mood::Calm => format!(" {member} , {member}"),
                2 if self.mood != Mood::Calm => String::new(),
                3 if self.mood == Mood::Wild => format!("{member},"),
                4 if self.mood == Mood::Wild => "%(ENV_NAME)s,%(program_name)s".to_owned(),
                5 if self.mood == Mood::Odd => "%(ENV_NAME)s".to_owned(),
                _ => member,
            };
            self.assign("programs", &listed);
        }
        if self.rng.percent(40) {
            self.option("priority", Type::Int);
        }
    }

    fn inet_server(&mut self) {
        let title = self.rng.pick(&[
            "inet_http_server",
            "inet_http_server",
            "inet_http_server:x",
            "inet_http_server2",
            "inet_http_server:",
        ]);
        self.header(title);
        if !(self.mood == Mood::Wild && self.rng.percent(4)) {
            self.option("port", Type::Addr);
        }
        self.passwords();
    }

    fn unix_server(&mut self) {
        let title = self.rng.pick(&[
            "unix_http_server",
            "unix_http_server",
            "unix_http_server:y",
            "unix_http_serverz:a:b",
        ]);
        self.header(title);
        if !(self.mood == Mood::Wild && self.rng.percent(4)) {
            let file = self.rng.pick(&[
                "/tmp/s.sock",
                "%(here)s/s.sock",
                "s.sock",
                "~/s.sock",
                "/no/such/s.sock",
                "",
                "%(ENV_NAME)s",
                "/tmp/a b",
                "%(ENV_NBSP)s",
            ]);
            self.assign("file", file);
        }
        if self.rng.percent(40) {
            self.options(words::UNIX_SERVER, 1, 0);
        }
        self.passwords();
    }

    fn passwords(&mut self) {
        let both = if self.mood == Mood::Wild { 90 } else { 100 };
        if self.rng.percent(30) {
            let value = self.rng.pick(&["u", "", "%(ENV_NAME)s", "a b", "ü", "x%%"]);
            self.assign("username", value);
            if self.rng.percent(both) {
                let value = self.rng.pick(&[
                    "p",
                    "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d",
                    "",
                    "p;p#p",
                    "\"q\"",
                    "%(here)s",
                ]);
                self.assign("password", value);
            }
        }
    }

    fn plugin(&mut self) {
        let title = self.rng.pick(&["rpcinterface:supervisor", "rpcinterface:x", "rpcinterface:"]);
        self.header(title);
        if !(self.mood == Mood::Wild && self.rng.percent(5)) {
            self.option("supervisor.rpcinterface_factory", Type::Factory);
        }
        if self.rng.percent(20) {
            let line = self.rng.pick(&["extra=1", "other=%(ENV_NAME)s", "retries=%(here)s", "x=%"]);
            self.line(line);
        }
    }

    /// Names files that lie beside the main one; says which.
    fn include(&mut self, files: &mut Vec<String>) {
        const PLACES: &[&str] = &[
            "conf.d/a.conf",
            "conf.d/b.conf",
            "conf.d/c.ini",
            "x.ini",
            "sub/deep/d.conf",
            "conf.d/.hidden.conf",
            "conf.d/[x].conf",
        ];
        for _ in 0..=self.rng.below(3) {
            let place = (*self.rng.pick(PLACES)).to_owned();
            files.push(place);
        }
        self.header("include");
        if self.mood == Mood::Wild && self.rng.percent(5) {
            self.line(";files = nothing");
            return;
        }
        let patterns = self.rng.pick(&[
            "conf.d/*.conf",
            "conf.d/*",
            "%(here)s/conf.d/*.conf",
            "*.ini conf.d/*.conf",
            "conf.d/*.ini\n  conf.d/*.conf",
            "@root@/conf.d/*.conf",
            "**/*.conf",
            "conf.d/%(ENV_GLOB)s",
            "conf.d/[ab].conf x.ini",
            "conf.d/[!a].conf",
            "conf.d/?.conf",
            "sub/*/d.conf",
            "nothing/*.conf",
            "conf.d/./a.conf conf.d/../x.ini",
            "conf.d/a.conf conf.d/a.conf",
            "conf.d",
            "",
            "~/x.conf",
            "conf.d/[[]x[]].conf",
            "conf.d/%(host_node_name)s*",
            "*/*.conf",
            "**",
            "conf.d/*.conf\u{2003}x.ini",
            "%(ENV_NOPE)s",
            "*.i%%",
            "conf.d/[a-c].*",
            "conf.d//*.conf",
            "sub/**/d.conf",
        ]);
        self.assign("files", patterns);
    }

    fn name(&mut self) -> String {
        if self.mood >= Mood::Odd && self.rng.percent(6) {
            return (*self.rng.pick(ODD_NAMES)).to_owned();
        }
        if self.mood == Mood::Wild && self.rng.percent(3) {
            return (*self.rng.pick(BAD_NAMES)).to_owned();
        }
        (*self.rng.pick(NAMES)).to_owned()
    }

    /// Some options of a table, and with some chance one that nobody knows.
    pub(crate) fn options(&mut self, table: &[(&str, Type)], n: usize, unknown: usize) {
        for _ in 0..n {
            let (key, ty) = table[self.rng.below(table.len())];
            self.option(key, ty);
        }
        if self.rng.percent(unknown / 4) {
            let line = self.rng.pick(&[
                "autorestrat=true",
                "x=y",
                "nodeamon=true",
                "[x]y=z",
                "a b c=1",
                "\u{e9}=1",
                "bogus=%",
                "stdout_logfile=%%",
            ]);
            self.line(line);
        }
    }

    fn option(&mut self, key: &str, ty: Type) {
        let values = words::values(ty);
        let chance = self.rng.below(100);
        let from = match self.mood {
            Mood::Wild if chance < 12 => values.bad,
            Mood::Odd | Mood::Wild if chance < 60 => values.odd,
            _ => values.good,
        };
        let from = if from.is_empty() { values.good } else { from };
        let mut value = (*self.rng.pick(from)).to_owned();
        if self.mood == Mood::Wild && self.rng.percent(3) {
            value = self.damaged(&value);
        }
        self.assign(key, &value);
    }

    fn damaged(&mut self, value: &str) -> String {
        let mut chars: Vec<char> = value.chars().collect();
        let at = self.rng.below(chars.len() + 1);
        let c = *self.rng.pick(&[
            &' ',
            &'\t',
            &'%',
            &'"',
            &'\'',
            &'=',
            &':',
            &';',
            &'#',
            &',',
            &'[',
            &']',
            &'\\',
            &'(',
            &')',
            &'\u{b}',
            &'\u{c}',
            &'\u{1c}',
            &'\u{1f}',
            &'\u{85}',
            &'\u{a0}',
            &'\u{2028}',
            &'\u{3000}',
            &'\u{1}',
            &'é',
            &'0',
            &'\u{0}',
            &'\u{200b}',
            &'İ',
            &'_',
            &'-',
            &'~',
            &'/',
        ]);
        if at < chars.len() && self.rng.percent(40) {
            chars.remove(at);
        } else {
            chars.insert(at, c);
        }
        chars.into_iter().collect()
    }

    fn assign(&mut self, key: &str, value: &str) {
        let odd = self.mood >= Mood::Odd;
        let key = if odd && self.rng.percent(5) { key.to_uppercase() } else { key.to_owned() };
        let between = if odd && self.rng.percent(20) {
            self.rng.pick(&[" = ", ":", " : ", "\t=\t", "\u{a0}=\u{2003}", "=\u{c}", " =", "= ", "=="])
        } else {
            "="
        };
        let comment = if odd && self.rng.percent(6) {
            self.rng.pick(&[
                " ; c", " # c", "\t;c", ";no", "#no", " ;#", "  ", "\u{a0};c", " ;x #y", "#x ;y", ";x #y ;z",
                " ;;", "\u{1c}#c",
            ])
        } else {
            ""
        };
        self.line(&format!("{key}{between}{value}{comment}"));
    }

    fn header(&mut self, title: &str) {
        let odd = self.mood >= Mood::Odd;
        if odd && self.rng.percent(10) {
            let noise = self.rng.pick(&["", "# comment", "; comment", "   ", "\t", "\u{c}"]);
            self.line(noise);
        }
        let after = if odd && self.rng.percent(4) {
            self.rng.pick(&[" ; c", " x", "]", " # [y]", "\t", "=1"])
        } else {
            ""
        };
        let before = if self.mood == Mood::Wild && self.rng.percent(2) { " " } else { "" };
        self.line(&format!("{before}[{title}]{after}"));
    }

    fn line(&mut self, line: &str) {
        if self.mood >= Mood::Odd && self.rng.percent(2) {
            let noise = self.rng.pick(&[
                "",
                "  ",
                "# c",
                "; c",
                "  # c",
                "\t;c",
                " continued",
                "  ; x",
                "\u{a0}",
                "\u{85}",
                "\tmore ; c",
                "\u{1f}",
            ]);
            self.text.push_str(noise);
            self.text.push('\n');
        }
        if self.mood == Mood::Wild && self.rng.percent(1) {
            let noise = self.rng.pick(&[
                "junk",
                "=",
                ":",
                "= x",
                "[",
                "[]",
                "]",
                "\u{0}",
                "  indented=1",
                "key",
                "\u{feff}x=1",
            ]);
            self.text.push_str(noise);
            self.text.push('\n');
        }
        self.text.push_str(line);
        self.text.push('\n');
    }
}
