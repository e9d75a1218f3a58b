//! Groups: which programs belong together, and the order in which they start.
//!
//! COMPAT: `[group:x]` first, then programs of their own, event listeners, FastCGI programs; then all sorted by
//! (priority, name). Invariants: group names are unique, and so are process names within a group.
//! Not here: what is in a program (`program`).

use std::collections::BTreeMap;

use crate::config::diag::Diagnostic;
use crate::config::model::{
    Autorestart, Backoff, Dialect, Group, GroupKind, LogPlan, LogTarget, Native, Program, Stdin,
};
use crate::config::raw::{RawSection, SectionKind};
use crate::config::values::{self, command};
use crate::types::{Signal, sort_by};

use super::program::{Plan, check_name, read_processes};
use super::reader::{Passes, Reader, View};
use super::special::{fcgi_socket, read_listener, read_socket};

type Environment<'p> = &'p [(String, String)];

/// All groups in start order.
pub(crate) fn read_groups(
    r: &mut Reader<'_>,
    environment: Environment<'_>,
    main: Option<&[String]>,
) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut members: Vec<&RawSection> = Vec::new();
    for section in collect(r, SectionKind::Group) {
        groups.extend(read_group(r, section, environment, &mut members));
    }
    let is_free = |section: &&RawSection| !members.iter().any(|m| std::ptr::eq(*m, *section));
    for section in collect(r, SectionKind::Program).into_iter().filter(is_free) {
        groups.extend(read_own_group(r, section, environment, |_, _| Some(GroupKind::Program)));
    }
    for section in collect(r, SectionKind::EventListener) {
        groups.extend(read_own_group(r, section, environment, read_listener));
    }
    for section in collect(r, SectionKind::Fcgi).into_iter().filter(is_free) {
        groups.extend(read_own_group(r, section, environment, read_socket));
    }
    if let Some(argv) = main {
        groups.push(main_group(argv, environment));
    }
    sort_by(&mut groups, &|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    keep_first(r, groups)
}

fn collect<'a>(r: &Reader<'a>, kind: SectionKind) -> Vec<&'a RawSection> {
    r.sections(kind).collect()
}

fn read_group<'a>(
    r: &mut Reader<'a>,
    section: &'a RawSection,
    environment: Environment<'_>,
    members: &mut Vec<&'a RawSection>,
) -> Option<Group> {
    let view = View::of(section);
    let names = r.basic_names();
    let name = check_name(r, &view, &section.name).ok()?;
    let listed = r.optional(&view, "programs", &names, Passes::One, values::list);
    let priority = r.value(&view, "priority", &names, values::integer);
    let mut programs = Vec::new();
    // COMPAT: Supervisor's words name the member before the one that is missing.
    let mut said = view.title();
    for program in listed.ok()?.unwrap_or_default() {
        let Some(member) = find_member(r, &view, said, &program) else { continue };
        said = &member.title;
        members.push(member);
        let mut processes =
            read_processes(r, &Plan { section: member, group: &name, priority: None, environment });
        if member.kind == SectionKind::Fcgi {
            share_socket(r, &view, member, &mut processes);
        }
        programs.append(&mut processes);
    }
    Some(Group {
        programs: unique(r, &name, programs),
        name,
        priority: priority.ok()?,
        kind: GroupKind::Program,
    })
}

fn find_member<'a>(r: &mut Reader<'a>, view: &View<'a>, said: &str, program: &str) -> Option<&'a RawSection> {
    let find = |kind| r.sections(kind).find(|s| s.name == program);
    match (find(SectionKind::Program), find(SectionKind::Fcgi)) {
        (Some(section), None) | (None, Some(section)) => Some(section),
        (None, None) => {
            let words = format!("[{said}] names unknown program or fcgi-program {program}");
            let message = format!("cannot use {}: there is no program `{program}`", view.shown());
            let known = r
                .sections(SectionKind::Program)
                .chain(r.sections(SectionKind::Fcgi))
                .map(|s| s.name.as_str());
            let hint =
                crate::config::settings::nearest(program, known).map(|n| format!("did you mean `{n}`?"));
            r.refuse_part(view, ("programs", program), message, words, &hint.unwrap_or_default());
            None
        }
        (Some(_), Some(_)) => {
            let words = format!("[{said}] name {program} is ambiguous (exists as program and fcgi-program)");
            let message =
                format!("cannot use {}: `{program}` is a program and a FastCGI program", view.shown());
            r.refuse_part(view, ("programs", program), message, words, "rename one of them");
            None
        }
    }
}

/// A FastCGI program keeps its socket in a group; Supervisor forgets it without a word (trap 14).
/// COMPAT: nor does it look at the socket's settings there, so a mistake in them refuses nothing.
fn share_socket<'a>(r: &mut Reader<'a>, group: &View<'a>, member: &'a RawSection, programs: &mut [Program]) {
    let (kind, mistakes) = r.attempt(|r| read_socket(r, &View::of(member)));
    if let Some(mistake) = mistakes.first() {
        let shown = super::reader::shown(member);
        let text = format!("{shown} gets no socket in {}: {}", group.shown(), mistake.message);
        r.push(Diagnostic::warning(text).at(mistake.span.as_ref().or(Some(&member.span))));
        return;
    }
    let socket = kind.as_ref().and_then(|kind| fcgi_socket(r, &View::of(member), kind));
    programs.iter_mut().for_each(|p| p.socket.clone_from(&socket));
}

fn read_own_group<'a>(
    r: &mut Reader<'a>,
    section: &'a RawSection,
    environment: Environment<'_>,
    read_kind: fn(&mut Reader<'a>, &View<'a>) -> Option<GroupKind>,
) -> Option<Group> {
    let view = View::of(section);
    let names = r.basic_names();
    // COMPAT: a listener's name is only checked with its process, and only the name of that is trimmed.
    let name = match (section.kind, section.dialect) {
        (SectionKind::EventListener, Dialect::Ini) => section.name.clone(),
        _ => check_name(r, &view, &section.name).ok()?,
    };
    let priority = r.value(&view, "priority", &names, values::integer);
    let kind = read_kind(r, &view);
    // COMPAT: the -1 of a listener is the priority of its group; its processes have 999.
    let own = match (section.kind, r.entry(&view, "priority")) {
        (SectionKind::EventListener, None) => 999,
        _ => priority.unwrap_or(999),
    };
    let plan = Plan { section, group: &name, priority: Some(own), environment };
    let mut programs = read_processes(r, &plan);
    let socket = kind.as_ref().and_then(|kind| fcgi_socket(r, &view, kind));
    programs.iter_mut().for_each(|p| p.socket.clone_from(&socket));
    Some(Group { programs: unique(r, &name, programs), name, priority: priority.ok()?, kind: kind? })
}

/// COMPAT: a later process of the same name takes the place of the earlier one.
fn unique(r: &mut Reader<'_>, group: &str, programs: Vec<Program>) -> Vec<Program> {
    let mut kept: Vec<Program> = Vec::with_capacity(programs.len());
    for program in programs {
        match kept.iter_mut().find(|p| p.name == program.name) {
            None => kept.push(program),
            Some(earlier) => {
                r.push(
                    Diagnostic::warning(format!(
                        "process `{}` of group `{group}` is defined twice; the later one is used",
                        program.name
                    ))
                    .hint("use %(program_name)s and %(process_num)d in `process_name`"),
                );
                *earlier = program;
            }
        }
    }
    kept
}

/// COMPAT: of several groups with one name the first in start order exists, the others do not.
fn keep_first(r: &mut Reader<'_>, groups: Vec<Group>) -> Vec<Group> {
    let mut kept: Vec<Group> = Vec::with_capacity(groups.len());
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    for group in groups {
        if let Some(first) = places.get(&group.name).and_then(|at| kept.get(*at as usize)) {
            let is_main = |g: &Group| g.programs.iter().any(|p| p.main);
            if is_main(first) || is_main(&group) {
                r.push(
                    Diagnostic::error(
                        "cannot run the command: the configuration has a group `main` of its own",
                    )
                    .hint("rename the program or group `main`"),
                );
            } else {
                r.push(
                    Diagnostic::warning(format!(
                        "group `{}` is defined twice; the second one is dropped",
                        group.name
                    ))
                    .hint("programs, groups and event listeners share one name space"),
                );
            }
            continue;
        }
        places.insert(group.name.clone(), u32::try_from(kept.len()).unwrap_or(u32::MAX));
        kept.push(group);
    }
    kept
}

/// `run -- CMD`: a program whose end ends the container.
fn main_group(argv: &[String], environment: Environment<'_>) -> Group {
    let command = command::from_argv(argv.to_vec());
    let inherited = LogPlan {
        target: LogTarget::Inherit,
        maxbytes: 0,
        backups: 0,
        capture_maxbytes: 0,
        events: false,
        syslog: false,
    };
    let program = Program {
        name: "main".to_owned(),
        group: "main".to_owned(),
        program: "main".to_owned(),
        command: command.text,
        argv: command.argv,
        directory: None,
        environment: environment.to_vec(),
        user: None,
        umask: None,
        priority: 999,
        autostart: true,
        autorestart: Autorestart::Never,
        exitcodes: vec![0],
        startsecs_ms: 0,
        startretries: 0,
        backoff: Backoff::CONTAINER,
        stopsignal: Signal::TERM,
        stopwaitsecs_ms: 10_000,
        stopasgroup: true,
        killasgroup: true,
        stdin: Stdin::Inherit,
        socket: None,
        redirect_stderr: false,
        stdout: inherited.clone(),
        stderr: inherited,
        serverurl: None,
        main: true,
        waits: None,
        native: Native::default(),
    };
    Group { name: "main".to_owned(), priority: 999, kind: GroupKind::Program, programs: vec![program] }
}
