//! `depends_on` and signal routes: the settings that name other programs.
//!
//! Invariants: what stands in the model names somebody, and nobody waits for himself by any way round.
//! Not here: the forms of the words (`values::needs`), when something starts (`engine`), the settings of the plug-in
//! supervisord-dependent-startup (`dependents`).

use crate::config::diag::Diagnostic;
use crate::config::model::{DependsOn, Dialect, Group, GroupKind, Need, Program, Route};
use crate::config::raw::{RawSection, SectionKind};
use crate::config::settings::{nearest, routed_name};
use crate::config::values::needs::{self, Wish};
use crate::types::{Signal, sort_by};

use super::reader::{Passes, Reader, View};

const KEY: &str = "depends_on";

/// Reads the setting of all programs, and puts what follows into the processes.
pub(crate) fn read(r: &mut Reader<'_>, groups: &mut [Group]) {
    let sections: Vec<&RawSection> = r.raw.sections.iter().filter(|s| is_program(s.kind)).collect();
    let mut any = false;
    for section in sections {
        let view = View::of(section);
        if r.entry(&view, KEY).is_none() {
            continue;
        }
        let name = section.name.trim();
        let Some(at) = groups.iter().find(|g| of(g, section.kind, name).next().is_some()) else { continue };
        let mut names = r.basic_names();
        names.set("program_name", name);
        names.set("group_name", &at.name);
        names.set("host_node_name", &r.host);
        let Ok(Some(wishes)) = r.optional(&view, KEY, &names, Passes::Ours, needs::wishes) else { continue };
        let needed: Vec<DependsOn> =
            wishes.iter().filter_map(|wish| settle(r, &view, wish, groups)).collect();
        any |= !needed.is_empty();
        for group in groups.iter_mut() {
            for program in mine(group, section.kind, name) {
                program.native.depends_on.clone_from(&needed);
            }
        }
    }
    if any {
        refuse_circles(r, groups);
    }
}

fn is_program(kind: SectionKind) -> bool {
    matches!(kind, SectionKind::Program | SectionKind::EventListener | SectionKind::Fcgi)
}

fn is_of(kind: SectionKind, group: &GroupKind, program: &Program, name: &str) -> bool {
    let is_kind = match group {
        GroupKind::EventListener { .. } => kind == SectionKind::EventListener,
        GroupKind::Fcgi { .. } => kind == SectionKind::Fcgi,
        GroupKind::Program if program.socket.is_some() => kind == SectionKind::Fcgi,
        GroupKind::Program => kind == SectionKind::Program,
    };
    is_kind && program.program == name && !program.main
}

/// The processes of a section in a group.
fn of<'g>(group: &'g Group, kind: SectionKind, name: &str) -> impl Iterator<Item = &'g Program> {
    group.programs.iter().filter(move |p| is_of(kind, &group.kind, p, name))
}

fn mine<'g>(group: &'g mut Group, kind: SectionKind, name: &str) -> impl Iterator<Item = &'g mut Program> {
    let of = &group.kind;
    group.programs.iter_mut().filter(move |p| is_of(kind, of, p, name))
}

/// The processes that a target means: those of a group, of a section, or one by `group:name`.
fn targets<'g>(groups: &'g [Group], target: &str) -> Vec<(&'g Group, &'g Program)> {
    let all = || groups.iter().flat_map(|g| g.programs.iter().map(move |p| (g, p)));
    if let Some((group, name)) = target.split_once(':') {
        return all().filter(|(g, p)| g.name == group && (p.name == name || name == "*")).collect();
    }
    all().filter(|(g, p)| p.program == target || g.name == target).collect()
}

/// The target as it is called, and what is asked of it.
fn settle<'a>(r: &mut Reader<'a>, view: &View<'a>, wish: &Wish, groups: &[Group]) -> Option<DependsOn> {
    let (written, need) = wish;
    let target = named(r, view, written, groups);
    let found = targets(groups, &target);
    if found.is_empty() {
        unknown(r, view, written, groups);
        return None;
    }
    let disabled = found.iter().find_map(|(_, p)| p.native.disabled.as_ref().map(|why| (&p.program, why)));
    if let Some((name, why)) = disabled {
        let text = format!("{} waits for `{name}`, which is disabled: `{why}` is false", view.shown());
        let place = r.entry(view, KEY).map(|e| e.place_of(written));
        let hint = "disable it by the same expression, or take the name out of `depends_on`";
        r.push(Diagnostic::warning(text).at(place.as_ref()).hint(hint));
    }
    // What is not said: ready where that can be found out.
    let has_check = found.iter().any(|(_, p)| p.native.readiness.is_some());
    let bare = if has_check { Need::Ready } else { Need::Started };
    Some(DependsOn { target, need: need.unwrap_or(bare) })
}

/// Names of the environment are lower case and know no `-`.
fn named<'a>(r: &Reader<'a>, view: &View<'a>, written: &str, groups: &[Group]) -> String {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let is_env = r.entry(view, KEY).is_some_and(|e| e.dialect == Dialect::Env);
    if !is_env || !targets(groups, written).is_empty() {
        return written.to_owned();
    }
    let found = known(groups).into_iter().find(|name| plain(name) == plain(written));
    found.unwrap_or(written).to_owned()
}

fn known(groups: &[Group]) -> Vec<&str> {
    let programs = groups.iter().flat_map(|g| &g.programs).map(|p| p.program.as_str());
    groups.iter().map(|g| g.name.as_str()).chain(programs).collect()
}

fn hint(target: &str, groups: &[Group]) -> String {
    let bare = target.rsplit(':').next().unwrap_or(target);
    match nearest(bare, known(groups).into_iter()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a program, a group, or `group:name`".to_owned(),
    }
}

fn unknown<'a>(r: &mut Reader<'a>, view: &View<'a>, target: &str, groups: &[Group]) {
    let why = format!("there is no program or group `{target}`");
    // What was refused elsewhere has no processes.
    let bare = target.split(':').next().unwrap_or(target);
    let is_refused = r.raw.sections.iter().any(|s| is_program(s.kind) && s.name.trim() == bare);
    if is_refused && r.has_errors() {
        return;
    }
    let message = format!("cannot use `{KEY}` of {}: {why}", view.shown());
    r.refuse_part(view, (KEY, target), message, why, &hint(target, groups));
}

/// A program of one group: all of its copies depend on the same.
type Unit = (usize, usize);

struct Graph<'g> {
    names: Vec<&'g str>,
    before: Vec<Vec<usize>>,
}

impl<'g> Graph<'g> {
    fn of(groups: &'g [Group]) -> Graph<'g> {
        let mut units: Vec<(&Group, &Program)> = Vec::new();
        for group in groups {
            for program in &group.programs {
                let is_known =
                    |(g, p): &(&Group, &Program)| g.name == group.name && p.program == program.program;
                // Copies of one program stand together.
                if !units.last().is_some_and(is_known) && !units.iter().any(is_known) {
                    units.push((group, program));
                }
            }
        }
        let index = |group: &Group, program: &Program| {
            units.iter().position(|(g, p)| g.name == group.name && p.program == program.program)
        };
        let before = units.iter().map(|(_, program)| {
            let needed = program.native.depends_on.iter().flat_map(|d| targets(groups, &d.target));
            let mut all: Vec<usize> = needed.filter_map(|(g, p)| index(g, p)).collect();
            sort_by(&mut all, &usize::cmp);
            all.dedup();
            all
        });
        Graph { before: before.collect(), names: units.iter().map(|(_, p)| p.program.as_str()).collect() }
    }

    /// The first circle, as a walk that ends where it began.
    fn circle(&self) -> Option<Vec<usize>> {
        let mut is_done = vec![false; self.names.len()];
        for start in 0..self.names.len() {
            // The walk, each with the place of its next neighbour; no recursion, for a chain may be long.
            let mut walk: Vec<Unit> = vec![(start, 0)];
            while let Some(&(unit, next)) = walk.last() {
                let neighbour = self.before.get(unit).and_then(|b| b.get(next)).copied();
                if is_done[unit] || neighbour.is_none() {
                    is_done[unit] = true;
                    walk.pop();
                    continue;
                }
                if let Some(last) = walk.last_mut() {
                    last.1 += 1;
                }
                let Some(neighbour) = neighbour else { continue };
                if let Some(from) = walk.iter().position(|(u, _)| *u == neighbour) {
                    let circle = walk.iter().skip(from).map(|(u, _)| *u);
                    return Some(circle.chain([neighbour]).collect());
                }
                walk.push((neighbour, 0));
            }
        }
        None
    }
}

fn refuse_circles(r: &mut Reader<'_>, groups: &[Group]) {
    let graph = Graph::of(groups);
    let Some(circle) = graph.circle() else { return };
    let names: Vec<&str> = circle.iter().filter_map(|unit| graph.names.get(*unit).copied()).collect();
    let (first, second) = (names.first().copied().unwrap_or(""), names.get(1).copied().unwrap_or(""));
    let section = r.raw.sections.iter().find(|s| is_program(s.kind) && s.name.trim() == first);
    let Some(section) = section else { return };
    let view = View::of(section);
    let why = format!("programs wait for each other: {}", names.join(" -> "));
    let message = format!("cannot use `{KEY}` of {}: {why}", view.shown());
    r.refuse_part(&view, (KEY, second), message, why, "take one of the names out");
}

/// Signals go to somebody.
pub(crate) fn check_routes(r: &mut Reader<'_>, signals: &[(Signal, Route)], groups: &[Group]) {
    for (signal, route) in signals {
        let Route::To { target, .. } = route else { continue };
        if !targets(groups, target).is_empty() {
            continue;
        }
        let Some(section) = r.sections(SectionKind::Mainstay).next() else { continue };
        let view = View::of(section);
        let name = routed_name(*signal).unwrap_or_default();
        let key = format!("signal_{name}");
        let name = name.to_uppercase();
        let place = r.entry(&view, &key).map(|e| e.place_of(target));
        let text =
            format!("cannot route {name} of {}: there is no program or group `{target}`", view.shown());
        r.push(
            Diagnostic::error(text)
                .at(place.as_ref())
                .setting(format!("{} {key}", view.shown()))
                .hint(hint(target, groups)),
        );
    }
}
