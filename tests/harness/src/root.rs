//! An empty root directory that holds nothing but the binaries under test: what `FROM scratch` is.

use crate::run::Cmd;
use crate::temp::TempDir;
use std::path::Path;

/// A root with `/mainstay` and `/puppet`, and nothing else.
#[derive(Debug)]
pub struct Root(TempDir);

impl Root {
    /// # Panics
    /// When the files cannot be copied.
    #[must_use]
    pub fn new() -> Root {
        let root = Root(TempDir::new());
        root.install(&crate::mainstay(), "mainstay");
        root.install(&crate::puppet(), "puppet");
        root
    }

    #[must_use]
    pub fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Writes a file below the root.
    pub fn write(&self, name: &str, text: &str) {
        self.0.write(name, text);
    }

    #[must_use]
    pub fn read(&self, name: &str) -> String {
        self.0.read(name)
    }

    /// Copies a program; the libraries of one that is not static too (a debug build).
    pub fn install(&self, program: &str, name: &str) {
        copy(program, &self.0.join(name));
        for library in libraries(program) {
            let to = self.0.join(library.trim_start_matches('/'));
            let dir = Path::new(&to).parent().expect("a library has a directory");
            std::fs::create_dir_all(dir).expect("the root is writable");
            copy(&library, &to);
        }
    }
}

impl Default for Root {
    fn default() -> Root {
        Root::new()
    }
}

/// By a process of its own: a descriptor open for writing, inherited by another test's fork, would make the copy busy.
fn copy(from: &str, to: &str) {
    Cmd::new(&["cp", "-L", from, to]).run().expect(0);
}

fn libraries(program: &str) -> Vec<String> {
    let done = Cmd::new(&["ldd", program]).run();
    done.stdout
        .split_whitespace()
        .filter(|w| w.starts_with('/') && w.contains(".so"))
        .map(str::to_string)
        .collect()
}
