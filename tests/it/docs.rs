//! The pages keep their word: every difference to Supervisor that a page lists names a test, and the test is there.

use std::collections::BTreeSet;
use std::path::Path;

/// Names of all tests: functions, and rows of the tables that make functions.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["src", "tests"] {
        collect(&harness::bins::workspace().join(folder), &mut names);
    }
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the checkout").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            names.extend(text.lines().filter_map(name_in).map(str::to_string));
        }
    }
}

/// `fn NAME(`, or `NAME: …` as a row of a table.
fn name_in(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (name, rest) = match line.strip_prefix("fn ") {
        Some(rest) => rest.split_once('(')?,
        None => line.split_once(':')?,
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_word) && !rest.starts_with(':')).then_some(name)
}

/// The last cell of every row below a head whose last cell is `Test`, with the row.
fn cells(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|').and_then(|l| l.trim_end().strip_suffix('|')) else {
            inside = false;
            continue;
        };
        let last = row.rsplit('|').next().unwrap_or_default().trim();
        if last == "Test" {
            inside = true;
        } else if inside && !last.starts_with("--") {
            found.push((line.to_string(), last.to_string()));
        }
    }
    found
}

#[test]
fn every_difference_to_supervisor_names_a_test_that_is_there() {
    let mut rows = Vec::new();
    let pages = [
        ("supervisord-compat.md", 40),
        ("web.md", 10),
        ("explain.md", 6),
        ("doctor.md", 15),
        ("checks.md", 10),
        ("notify.md", 6),
        ("health.md", 3),
        ("dependencies.md", 4),
        ("shutdown.md", 6),
        ("restarts.md", 3),
        ("hooks.md", 6),
        ("schedule.md", 8),
        ("kubernetes.md", 6),
        ("non-root.md", 8),
        ("init.md", 20),
    ];
    for (page, least) in pages {
        let path = harness::bins::workspace().join("docs").join(page);
        let found = cells(&std::fs::read_to_string(path).expect("the page"));
        assert!(found.len() >= least, "{page} has lost its tables: {} rows", found.len());
        rows.extend(found);
    }
    let tests = tests();
    let mut wrong = Vec::new();
    for (row, cell) in rows {
        let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("names no test: {row}"));
        }
        wrong
            .extend(named.iter().filter(|n| !tests.contains(**n)).map(|n| format!("there is no test `{n}`")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_of_tests_are_found_in_functions_and_tables() {
    assert_eq!(name_in("    fn a_case() {"), Some("a_case"));
    assert_eq!(name_in("    a_row: \"x\" => \"y\";"), Some("a_row"));
    assert_eq!(name_in("use a::b;"), None);
    assert_eq!(name_in("// a remark: like this"), None);
    let page = "| A | Test |\n| --- | --- |\n| x | `t` |\n\n| B |\n| - |\n| y |\n";
    assert_eq!(cells(page), [("| x | `t` |".to_string(), "`t`".to_string())]);
}

/// Pages whose first block is meant to be wrong.
const WRONG_ON_PURPOSE: &[&str] = &["doctor.md"];

#[test]
fn every_toml_block_that_is_shown_is_a_good_configuration() {
    let root = harness::bins::workspace();
    let mut pages = vec![root.join("README.md")];
    pages.extend(
        std::fs::read_dir(root.join("docs")).expect("it is there").map(|e| e.expect("readable").path()),
    );
    let mut n_blocks = 0;
    for page in pages.iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        if WRONG_ON_PURPOSE.iter().any(|wrong| page.ends_with(wrong)) {
            continue;
        }
        let text = std::fs::read_to_string(page).expect("a page");
        for block in text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            // A piece of a file, without the programs that it names.
            if !block.contains("[program.") {
                continue;
            }
            let dir = harness::TempDir::new();
            // What a sample reads or writes has no place of its own here.
            let block = block.replace("/var/lib/app", "/tmp").replace("/run/secrets", "/tmp");
            dir.write("sample.toml", &block);
            let done = harness::Cmd::new(&[harness::mainstay().as_str(), "check", "-c"])
                .arg(dir.join("sample.toml"))
                .run();
            assert_eq!(done.code(), 0, "{}:\n{}{}", page.display(), done.stdout, done.stderr);
            n_blocks += 1;
        }
    }
    assert!(n_blocks > 10, "hardly any sample was found: {n_blocks}");
}
