//! Finds what `numprocs` copies of a program have in common, so that they can be written as one section again.
//!
//! Pure. Invariant: a folded section gives back exactly the processes it was made of; where that cannot be shown, each
//! process becomes a section of its own.

use crate::config::expand::{Names, expand_known};
use crate::config::model::{Group, LogTarget, Program};
use crate::types::sort_by;

/// One section: a program whose texts may hold `%(process_num)d`.
pub(super) struct Copies {
    /// Name of the section.
    pub(super) title: String,
    pub(super) program: Program,
    pub(super) numprocs: i64,
    pub(super) first: i64,
}

/// The processes of a group, by the section that each comes from.
pub(super) fn members(group: &Group) -> Vec<Vec<&Program>> {
    let mut members: Vec<Vec<&Program>> = Vec::new();
    for program in &group.programs {
        match members.iter_mut().find(|m| m.first().is_some_and(|first| first.program == program.program)) {
            Some(copies) => copies.push(program),
            None => members.push(vec![program]),
        }
    }
    members
}

/// The sections that describe the processes of one original section.
pub(super) fn fold(processes: &[&Program]) -> Vec<Copies> {
    if let [one] = processes {
        return vec![Copies { title: one.program.clone(), program: (*one).clone(), numprocs: 1, first: 0 }];
    }
    FORMATS.iter().find_map(|format| fold_by(processes, format)).map_or_else(
        || {
            let single =
                |p: &&Program| Copies { title: p.name.clone(), program: (*p).clone(), numprocs: 1, first: 0 };
            processes.iter().map(single).collect()
        },
        |folded| vec![folded],
    )
}

/// How people write the number.
const FORMATS: &[&str] = &["%(process_num)d", "%(process_num)02d", "%(process_num)03d", "%(process_num)04d"];

fn fold_by(processes: &[&Program], format: &str) -> Option<Copies> {
    let names: Vec<&str> = processes.iter().map(|p| p.name.as_str()).collect();
    candidates(names[0]).into_iter().find_map(|(start, end)| {
        let (prefix, suffix) = (&names[0][..start], &names[0][end..]);
        let number = |name: &str| name.strip_prefix(prefix)?.strip_suffix(suffix)?.parse::<i64>().ok();
        let mut numbered: Vec<(i64, &Program)> =
            processes.iter().map(|p| Some((number(&p.name)?, *p))).collect::<Option<_>>()?;
        sort_by(&mut numbered, &|a, b| a.0.cmp(&b.0));
        let first = numbered[0].0;
        let is_dense = numbered.iter().zip(first..).all(|((n, _), want)| *n == want);
        let program = is_dense.then(|| template(&numbered, &format!("{prefix}{format}{suffix}")))??;
        let numprocs = i64::try_from(numbered.len()).ok()?;
        Some(Copies { title: program.program.clone(), program, numprocs, first })
    })
}

/// The runs of digits in a name.
fn candidates(name: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, c) in name.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        match runs.last_mut() {
            Some((_, end)) if *end == at => *end = at + c.len_utf8(),
            _ => runs.push((at, at + c.len_utf8())),
        }
    }
    runs
}

/// A program that gives all of `numbered` when its texts are expanded.
fn template(numbered: &[(i64, &Program)], name: &str) -> Option<Program> {
    let mut made = numbered[0].1.clone();
    made.name = name.to_owned();
    let text = |get: &dyn Fn(&Program) -> Option<String>| {
        let texts: Vec<(i64, String)> =
            numbered.iter().map(|(n, p)| Some((*n, get(p)?))).collect::<Option<_>>()?;
        text_template(&texts)
    };
    made.command = text(&|p| Some(p.command.clone()))?;
    if made.directory.is_some() {
        made.directory = Some(text(&|p| Some(p.directory.as_ref()?.to_string_lossy().into_owned()))?.into());
    }
    for at in 0..made.environment.len() {
        made.environment[at].1 = text(&|p| Some(p.environment.get(at)?.1.clone()))?;
    }
    if let LogTarget::File(path) = &mut made.stdout.target {
        *path = text(&|p| file_of(&p.stdout.target))?.into();
    }
    if let LogTarget::File(path) = &mut made.stderr.target {
        *path = text(&|p| file_of(&p.stderr.target))?.into();
    }
    numbered.iter().all(|(n, p)| rendered(&made, *n, p) == **p).then_some(made)
}

fn file_of(target: &LogTarget) -> Option<String> {
    if let LogTarget::File(path) = target { Some(path.to_string_lossy().into_owned()) } else { None }
}

/// The text itself where all are the same, else the first with its number put in place of each run that is it.
fn text_template(texts: &[(i64, String)]) -> Option<String> {
    let (number, first) = texts.first()?;
    if texts.iter().all(|(_, t)| t == first) {
        return Some(first.clone());
    }
    FORMATS.iter().find_map(|format| {
        let shown = expand_known(format, &names(*number));
        let mut made = String::new();
        let mut from = 0;
        for (start, end) in candidates(first) {
            made.push_str(&first[from..start]);
            // `900%(process_num)d` is one run of digits: only its end is the number.
            match first[start..end].strip_suffix(shown.as_str()) {
                Some(head) => {
                    made.push_str(head);
                    made.push_str(format);
                }
                None => made.push_str(&first[start..end]),
            }
            from = end;
        }
        made.push_str(&first[from..]);
        texts.iter().all(|(n, t)| expand_known(&made, &names(*n)) == *t).then_some(made)
    })
}

fn names(number: i64) -> Names {
    let mut names = Names::default();
    names.set_int("process_num", number);
    names
}

/// The process of that number, as far as it depends on texts; the words of the command are the original's.
fn rendered(made: &Program, number: i64, original: &Program) -> Program {
    let names = names(number);
    let put = |text: &str| expand_known(text, &names);
    let mut program = made.clone();
    program.name = put(&made.name);
    program.command = put(&made.command);
    program.argv.clone_from(&original.argv);
    program.directory = made.directory.as_ref().map(|d| put(&d.to_string_lossy()).into());
    program.environment.iter_mut().for_each(|(_, value)| *value = put(value));
    for plan in [&mut program.stdout, &mut program.stderr] {
        if let LogTarget::File(path) = &mut plan.target {
            *path = put(&path.to_string_lossy()).into();
        }
    }
    program
}
