//! Real files as seeds, where a corpus lies beside the checkout or in `$CORPUS`; else there are none.

use std::path::{Path, PathBuf};

/// The texts of all files, in a fixed order.
pub(crate) fn read() -> Vec<Vec<u8>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let dir = std::env::var_os("CORPUS").map_or(beside, PathBuf::from);
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let mut paths: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "conf")).collect();
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}
