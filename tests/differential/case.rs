//! One configuration: a main file and those beside it, on the disk where both parsers find them.
//!
//! Does I/O: writes below a directory of its own. Invariant: nothing of the case before it is left.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// The main file's name.
pub(crate) const MAIN: &str = "main.conf";
/// Stands in a text for the directory that the files lie in.
const ROOT: &[u8] = b"@root@";

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Case {
    /// By their path below the directory; [`MAIN`] is among them.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The main file is named from the root of the file system, not from the working directory.
    pub(crate) is_absolute: bool,
    /// What `check --print ini` makes of it is compared too.
    pub(crate) is_printed: bool,
}

impl Case {
    pub(crate) fn new(main: Vec<u8>) -> Case {
        Case { files: BTreeMap::from([(MAIN.to_owned(), main)]), is_absolute: false, is_printed: false }
    }

    /// Puts the files below `root` and takes away all others.
    pub(crate) fn write(&self, root: &Path) -> io::Result<()> {
        match std::fs::remove_dir_all(root) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        std::fs::create_dir_all(root.join("log"))?;
        let shown = root.to_string_lossy().into_owned();
        for (name, bytes) in &self.files {
            let path = root.join(name);
            if let Some(above) = path.parent() {
                std::fs::create_dir_all(above)?;
            }
            std::fs::write(path, replaced(bytes, shown.as_bytes()))?;
        }
        Ok(())
    }

    /// The case as a person wants to read it.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        for (name, bytes) in &self.files {
            let how = if self.is_absolute { " (named by its whole path)" } else { "" };
            let note = if name == MAIN { how } else { "" };
            let _ = writeln!(out, "--- {name}{note}"); // writing to a String cannot fail
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                match std::str::from_utf8(line) {
                    Ok(text) => out
                        .push_str(&text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")),
                    Err(_) => out.push_str(&format!("bytes {}", line.escape_ascii())),
                }
                out.push('\n');
            }
        }
        out
    }
}

fn replaced(bytes: &[u8], root: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(ROOT.len()).position(|w| w == ROOT) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(root);
        rest = &rest[at + ROOT.len()..];
    }
    out.extend_from_slice(rest);
    out
}
