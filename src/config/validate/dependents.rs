//! `dependent_startup…`: which programs wait for which, in the sense of the plug-in supervisord-dependent-startup.
//!
//! COMPAT: its 1.4.0: a program is named by its section; what is not given is RUNNING; what cannot be read is left out
//! with a warning; who is started with the daemon does not wait; when programs wait for each other, nobody who waits is
//! started at all. Invariant: what stands in the model can be waited for. Not here: when something starts
//! (`engine::dependents`).

use crate::config::diag::{Diagnostic, Severity};
use crate::config::expand::Names;
use crate::config::model::{Condition, Dependency, Dialect, Group, GroupKind, Milestone, Program, Waits};
use crate::config::raw::SectionKind;
use crate::config::settings::nearest;
use crate::config::values;

use super::reader::{Convert, Passes, Reader, View};

/// COMPAT: of a program that names none, or 0; such are the last.
const NO_PRIORITY: i64 = 999;
const WAIT_FOR: &str = "dependent_startup_wait_for";

struct Service {
    name: String,
    waits: bool,
    inherits: bool,
    priority: i64,
    depends: Vec<(String, Vec<Milestone>)>,
    /// How long the longest chain before it is.
    level: Option<u32>,
}

/// Reads the options of all programs, and puts what follows into the processes.
pub(crate) fn read(r: &mut Reader<'_>, groups: &mut [Group]) {
    let key = |key: &str| key.starts_with("dependent_startup");
    if !r.sections(SectionKind::Program).any(|s| s.entries.iter().any(|e| key(&e.key))) {
        return;
    }
    let mut services = Vec::new();
    for section in r.sections(SectionKind::Program) {
        let view = View::of(section);
        let name = section.name.trim().to_owned();
        // What was refused elsewhere has no processes.
        let Some(program) = programs(groups).find(|p| p.program == name) else { continue };
        services.push(read_service(r, &view, name, program));
    }
    drop_unknown(r, &mut services);
    if !settle_levels(&mut services) {
        refuse_circle(r, &services);
        return;
    }
    for program in groups.iter_mut().filter(|g| is_plain(g)).flat_map(|g| &mut g.programs) {
        let Some(service) = services.iter().find(|s| s.waits && s.name == program.program) else { continue };
        let place = |s: &Service| (s.level, priority(&services, s));
        let is_before = |s: &&Service| (place(s), &s.name) < (place(service), &service.name);
        let rank = u32::try_from(services.iter().filter(is_before).count());
        let urgency = priority(&services, service);
        let depends = service.depends.iter().map(|(target, states)| Dependency {
            target: target.clone(),
            condition: Condition::Reached(states.clone()),
        });
        program.waits = Some(Box::new(Waits {
            depends: depends.collect(),
            urgency: if urgency == NO_PRIORITY { i64::MAX } else { urgency },
            rank: rank.unwrap_or(u32::MAX),
            inherits: service.inherits,
        }));
    }
}

fn is_plain(group: &Group) -> bool {
    matches!(group.kind, GroupKind::Program)
}

fn programs(groups: &[Group]) -> impl Iterator<Item = &Program> {
    groups.iter().filter(|g| is_plain(g)).flat_map(|g| &g.programs)
}

fn read_service<'a>(r: &mut Reader<'a>, view: &View<'a>, name: String, program: &Program) -> Service {
    let mut names = r.basic_names();
    names.set("program_name", &name);
    names.set("group_name", &program.group);
    let mut waits = lenient(r, view, "dependent_startup", &names, values::boolean).unwrap_or(false);
    let inherits = lenient(r, view, "dependent_startup_inherit_priority", &names, values::boolean);
    let text = lenient(r, view, WAIT_FOR, &names, values::text).unwrap_or_default();
    let mut depends: Vec<(String, Vec<Milestone>)> = Vec::new();
    for word in text.split_whitespace() {
        let (target, states) = read_word(r, view, word);
        match depends.iter_mut().find(|d| d.0 == target) {
            Some(known) => known.1 = states,
            None => depends.push((target, states)),
        }
    }
    if waits && program.autostart {
        let text =
            format!("`dependent_startup` of {} has no effect: it is started with the daemon", view.shown());
        let span = r.entry(view, "dependent_startup").map(|e| &e.span);
        r.push(Diagnostic::warning(text).at(span).hint("add `autostart = false`"));
        waits = false;
    }
    let priority = if program.priority == 0 { NO_PRIORITY } else { program.priority };
    Service { name, waits, inherits: inherits.unwrap_or(false), priority, depends, level: None }
}

/// COMPAT: what cannot be read is as good as left out. In TOML and environment it is an error like any other.
fn lenient<'a, T>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    key: &str,
    names: &Names,
    convert: Convert<T>,
) -> Option<T> {
    let (read, found) = r.attempt(|r| r.optional(view, key, names, Passes::One, convert));
    for mut finding in found {
        if view.dialect == Dialect::Ini {
            finding.severity = Severity::Warning;
            finding.message += "; it is left out";
        }
        r.push(finding);
    }
    read.ok().flatten()
}

/// `name`, `name:state` or `name:state,state`.
fn read_word<'a>(r: &mut Reader<'a>, view: &View<'a>, word: &str) -> (String, Vec<Milestone>) {
    let mut parts = word.split(':');
    let target = parts.next().unwrap_or_default().to_owned();
    // COMPAT: with a second colon the states do not count.
    let (Some(states), None) = (parts.next(), parts.next()) else {
        return (target, vec![Milestone::Running]);
    };
    let mut milestones = Vec::new();
    for state in states.split(',') {
        let named = |m: &Milestone| m.name().eq_ignore_ascii_case(state);
        match Milestone::ALL.into_iter().find(named) {
            Some(milestone) => milestones.push(milestone),
            None => {
                let what = format!("`{state}` is no state that can be waited for");
                let hint = "starting, running, backoff, stopping, exited or fatal";
                complain(r, view, word, &what, hint);
            }
        }
    }
    (target, milestones)
}

fn complain<'a>(r: &mut Reader<'a>, view: &View<'a>, part: &str, what: &str, hint: &str) {
    let message = format!("cannot read all of `{WAIT_FOR}` of {}: {what}", view.shown());
    let place = r.entry(view, WAIT_FOR).map(|e| e.place_of(part));
    let finding = match view.dialect {
        Dialect::Ini => Diagnostic::warning(message),
        Dialect::Toml | Dialect::Env => Diagnostic::error(message),
    };
    r.push(finding.at(place.as_ref()).hint(hint));
}

fn drop_unknown(r: &mut Reader<'_>, services: &mut [Service]) {
    let known: Vec<String> = services.iter().map(|s| s.name.clone()).collect();
    for section in r.sections(SectionKind::Program) {
        let Some(service) = services.iter_mut().find(|s| s.name == section.name.trim()) else { continue };
        service.depends.retain(|(target, _)| {
            if known.contains(target) {
                return true;
            }
            let meant = nearest(target, known.iter().map(String::as_str));
            let hint =
                meant.map_or("name a [program:x] by its x".to_owned(), |m| format!("did you mean `{m}`?"));
            complain(r, &View::of(section), target, &format!("there is no program `{target}`"), &hint);
            false
        });
    }
}

/// False when programs wait for each other. COMPAT: one that waits for itself is no circle; it never starts.
fn settle_levels(services: &mut [Service]) -> bool {
    for level in 0.. {
        let is_settled = |services: &[Service], name: &str| {
            services.iter().any(|s| s.name == name && s.level.is_some_and(|l| l < level))
        };
        let next: Vec<usize> = (0..services.len())
            .filter(|n| {
                let service = &services[*n];
                let mut before = service.depends.iter().filter(|d| d.0 != service.name);
                service.level.is_none() && before.all(|d| is_settled(services, &d.0))
            })
            .collect();
        if next.is_empty() {
            break;
        }
        next.into_iter().for_each(|n| services[n].level = Some(level));
    }
    services.iter().all(|s| s.level.is_some())
}

fn refuse_circle(r: &mut Reader<'_>, services: &[Service]) {
    let circle: Vec<&str> = services.iter().filter(|s| s.level.is_none()).map(|s| s.name.as_str()).collect();
    let Some(section) = r.sections(SectionKind::Program).find(|s| circle.contains(&s.name.trim())) else {
        return;
    };
    let what = format!("{} wait for each other, so no program that waits is ever started", circle.join(", "));
    complain(r, &View::of(section), "", &what, "take one of the names out");
}

/// COMPAT: inherited from those that are waited for, and from those that they inherit from. Ends: there is no circle.
fn priority(services: &[Service], service: &Service) -> i64 {
    let mut least = service.priority;
    for (target, _) in service.depends.iter().filter(|d| service.inherits && d.0 != service.name) {
        let before = services.iter().find(|s| s.name == *target);
        least = before.map_or(least, |s| least.min(priority(services, s)));
    }
    least
}

#[cfg(test)]
mod tests {
    use crate::config::model::Waits;
    use crate::config::testing::{findings, load_ini, load_toml};

    fn text(sections: &str) -> String {
        let with_command = |line: &str| {
            let extra = if line.starts_with('[') {
                "\ncommand=x\nautostart=false\ndependent_startup=true"
            } else {
                ""
            };
            format!("{line}{extra}\n")
        };
        sections.lines().map(with_command).collect()
    }

    fn waits(sections: &str) -> Vec<(String, Option<Waits>)> {
        let loaded = load_ini(&text(sections)).expect("it is no error");
        let mut all: Vec<_> =
            loaded.config.processes().map(|p| (p.name.clone(), p.waits.as_deref().cloned())).collect();
        all.sort_by_key(|(_, w)| w.as_ref().map_or(u32::MAX, |w| w.rank));
        all
    }

    fn says(sections: &str, message: &str) {
        let found = findings(load_ini(&text(sections)));
        assert!(found.iter().any(|d| d.message.contains(message)), "{message}: {found:?}");
    }

    #[test]
    fn programs_stand_by_their_place_in_the_chain_then_priority_then_name() {
        let sections = "[program:d]\ndependent_startup_wait_for=a:running c:exited,fatal\n[program:c]\npriority=0\n\
                        [program:b]\npriority=7\n[program:a]\n[program:e]\npriority=1\ndependent_startup_wait_for=b\n\
                        [program:f]\ndependent_startup_inherit_priority=true\ndependent_startup_wait_for=e";
        let found = waits(sections);
        let shown: Vec<_> = found.iter().map(|(n, w)| (n.as_str(), w.as_ref().map(|w| w.urgency))).collect();
        let last = Some(i64::MAX);
        let want = [("b", Some(7)), ("a", last), ("c", last), ("e", Some(1)), ("d", last), ("f", Some(1))];
        assert_eq!(shown, want);
        let depends = format!("{:?}", found[4].1);
        assert!(
            depends.contains("Reached([Exited, Fatal])") && depends.contains("Reached([Running])"),
            "{depends}"
        );
    }

    #[test]
    fn what_the_plug_in_leaves_out_is_left_out_with_a_warning() {
        let unknown = "[program:a]\ndependent_startup_wait_for=nobody b:dead,running\n[program:b]";
        says(unknown, "there is no program `nobody`");
        says(unknown, "`dead` is no state that can be waited for");
        assert_eq!(waits(unknown)[1].1.as_ref().map(|w| w.depends.len()), Some(1));
        says("[program:a]\nautostart=true", "of [program:a] has no effect: it is started with the daemon");
        assert_eq!(waits("[program:a]\nautostart=true")[0].1, None);
        says("[program:a]\ndependent_startup=maybe", "; it is left out");
        let circle = "[program:a]\ndependent_startup_wait_for=b\n[program:b]\ndependent_startup_wait_for=a\n[program:c]";
        says(circle, "a, b wait for each other");
        assert!(waits(circle).iter().all(|(_, w)| w.is_none()));
    }

    #[test]
    fn in_toml_it_is_an_error() {
        let text = "[program.a]\ncommand = 'x'\nautostart = false\ndependent_startup = true\n\
                    dependent_startup_wait_for = 'b'\n";
        assert!(load_toml(text).is_err());
        assert!(load_toml(&format!("{text}[program.b]\ncommand = 'x'\n")).is_ok());
    }
}
