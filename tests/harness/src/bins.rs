//! Where the binaries are: ours, the puppet, the peers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary under test: `MAINSTAY_BIN`, else the one cargo built beside the test.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn mainstay() -> String {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let named = ["MAINSTAY_BIN", "CARGO_BIN_EXE_mainstay"].into_iter().find_map(crate::env);
        let path = named.map_or_else(|| build_dir().join("mainstay"), PathBuf::from);
        absolute(&path)
    })
    .clone()
}

/// The puppet, static so that it runs in an empty root: `PUPPET_BIN`, else built once into a target folder of its own.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn puppet() -> String {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| match crate::env("PUPPET_BIN") {
        Some(path) => absolute(Path::new(&path)),
        None => build_puppet(),
    })
    .clone()
}

/// A program of the virtual environment that holds the real Supervisor.
#[must_use]
pub fn venv(program: &str) -> Option<String> {
    let root = crate::env("SUPERVISOR_VENV").map_or_else(|| workspace().join(".venv"), PathBuf::from);
    let path = root.join("bin").join(program);
    path.exists().then(|| path.display().to_string())
}

/// The first of the directories of `PATH` that holds `name`.
#[must_use]
pub fn which(name: &str) -> Option<String> {
    let path = crate::env("PATH")?;
    path.split(':').map(|d| Path::new(d).join(name)).find(|p| p.is_file()).map(|p| p.display().to_string())
}

/// The folder of the product's Cargo.toml.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// `target/debug`: two above `target/debug/deps/it-HASH`.
fn build_dir() -> PathBuf {
    let exe = std::env::current_exe().expect("the test has a path");
    exe.ancestors().nth(2).unwrap_or(Path::new(".")).to_path_buf()
}

fn absolute(path: &Path) -> String {
    let full = std::fs::canonicalize(path)
        .unwrap_or_else(|e| panic!("cannot find the program {}: {e}\nhint: make build", path.display()));
    full.display().to_string()
}

fn build_puppet() -> String {
    let cargo = crate::env("CARGO").unwrap_or_else(|| "cargo".into());
    let target_dir = build_dir().join("../puppet");
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "-p", "harness", "--bin", "puppet", "--target", &triple])
        .arg("--target-dir")
        .arg(&target_dir)
        .current_dir(workspace())
        // The triple keeps these flags away from build scripts and procedural macros.
        .env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status();
    assert!(status.is_ok_and(|s| s.success()), "cannot build the puppet");
    absolute(&target_dir.join(triple).join("release/puppet"))
}
