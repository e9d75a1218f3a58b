//! What has to be done to get from the groups that run to those that are configured now.
//!
//! No I/O. Invariants: what did not change has no step; a group that becomes another sort of group goes and comes.
//! COMPAT: with an INI file a group that differs is stopped, removed and added as a whole.
//! Not here: doing it (`update`), comparing settings (`config::diff`).

use crate::config::diff::{self, Difference};
use crate::config::model::{Config, Dialect, Group};
use crate::config::settings::Change;
use crate::control::{Plan, SettingChange, Step, StepKind};
use crate::daemon::roster::near;
use std::rc::Rc;

/// From `active` (and the daemon's own settings in `old`) to `groups` and `new`. `names`: only these groups; none: all.
pub(crate) fn plan(
    active: &[Rc<Group>],
    old: &Config,
    groups: &[&Group],
    new: &Config,
    names: &[String],
) -> Plan {
    let by_program = old.dialect != Dialect::Ini;
    let mut steps = Vec::new();
    let wider = if by_program { with_origins(active, groups, names) } else { names.to_vec() };
    let is_meant = |group: &Group| names.is_empty() || wider.contains(&group.name);
    for (n, group) in active.iter().enumerate().filter(|(_, g)| is_meant(g)) {
        match near(groups, n, &group.name) {
            Some(new) if diff::is_same_sort(&group.kind, &new.kind) => {}
            Some(_) if by_program => steps.extend(every(group, StepKind::Remove)),
            Some(_) => steps.extend(every(group, StepKind::Restart)),
            None => steps.extend(every(group, StepKind::Remove)),
        }
    }
    for (n, new) in groups.iter().enumerate().filter(|(_, g)| is_meant(g)) {
        match near(active, n, &new.name) {
            Some(old) if diff::is_same_sort(&old.kind, &new.kind) => within(old, new, by_program, &mut steps),
            Some(_) if by_program => steps.extend(every(new, StepKind::Add)),
            Some(_) => {}
            None => steps.extend(every(new, StepKind::Add)),
        }
    }
    let reload =
        if names.is_empty() { diff::whole(old, new).into_iter().map(told).collect() } else { Vec::new() };
    Plan { by_program, steps, reload }
}

/// The groups that were asked for, and those that their programs come from: else these would run twice.
fn with_origins(active: &[Rc<Group>], groups: &[&Group], names: &[String]) -> Vec<String> {
    let has = |group: &Group, section: &str| group.programs.iter().any(|p| p.program == section);
    let named: Vec<&&Group> = groups.iter().filter(|g| names.contains(&g.name)).collect();
    let is_origin = |(n, group): &(usize, &Rc<Group>)| {
        let now = near(groups, *n, &group.name);
        let is_gone = |section: &str| now.is_none_or(|g| !has(g, section));
        group.programs.iter().any(|p| is_gone(&p.program) && named.iter().any(|g| has(g, &p.program)))
    };
    let origins = active.iter().enumerate().filter(is_origin).map(|(_, g)| g.name.clone());
    names.iter().cloned().chain(origins).collect()
}

fn every(group: &Group, kind: StepKind) -> impl Iterator<Item = Step> {
    group.programs.iter().map(move |p| step(group, &p.name, kind, Vec::new()))
}

fn step(group: &Group, name: &str, kind: StepKind, settings: Vec<SettingChange>) -> Step {
    Step { group: group.name.clone(), name: name.to_owned(), kind, settings }
}

/// A group that is there before and after.
fn within(old: &Group, new: &Group, by_program: bool, steps: &mut Vec<Step>) {
    if !by_program && diff::is_same_group(old, new) {
        return;
    }
    let of_group = diff::group(old, new);
    let is_in = |group: &Group, name: &str| group.programs.iter().any(|p| p.name == name);
    for gone in old.programs.iter().filter(|p| !is_in(new, &p.name)) {
        steps.push(step(old, &gone.name, StepKind::Remove, Vec::new()));
    }
    for program in &new.programs {
        let Some(before) = old.programs.iter().find(|p| p.name == program.name) else {
            steps.push(step(new, &program.name, StepKind::Add, Vec::new()));
            continue;
        };
        let mut found = diff::program(before, program);
        found.extend(diff::waiting(before, program).filter(|_| by_program));
        // A program of its own has the priority of its group.
        let of_group = of_group.iter().filter(|g| !found.iter().any(|f| f.setting == g.setting));
        let of_group: Vec<Difference> = of_group.cloned().collect();
        found.extend(of_group);
        let kind = match &found[..] {
            _ if !by_program => StepKind::Restart,
            [] => continue,
            found if found.iter().any(|d| d.change == Change::Restart) => StepKind::Restart,
            _ => StepKind::Apply,
        };
        steps.push(step(new, &program.name, kind, found.into_iter().map(told).collect()));
    }
}

fn told(difference: Difference) -> SettingChange {
    let Difference { setting, from, to, change: _ } = difference;
    SettingChange { setting, from, to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{load_ini, load_toml};

    fn between(old: Config, new: Config, names: &[&str]) -> Plan {
        let active: Vec<Rc<Group>> = old.groups.iter().cloned().map(Rc::new).collect();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        plan(&active, &old, &new.groups.iter().collect::<Vec<_>>(), &new, &names)
    }

    fn steps(plan: &Plan) -> Vec<String> {
        plan.steps.iter().map(|s| format!("{} {}:{}", s.kind.word(), s.group, s.name)).collect()
    }

    fn toml(old: &str, new: &str) -> Plan {
        let config = |text| load_toml(text).expect("loads").config;
        between(config(old), config(new), &[])
    }

    const WEB: &str = "[program.web]\ncommand = \"x\"\n";

    #[test]
    fn a_policy_is_applied_and_a_command_restarts_its_program_alone() {
        let two = "[program.a]\ncommand = \"x\"\n[program.b]\ncommand = \"y\"\n[group.g]\nprograms = [\"a\", \"b\"]\n";
        assert_eq!(steps(&toml(two, two)), [""; 0]);
        let policy = toml(two, &two.replace("\"x\"\n", "\"x\"\nstopwaitsecs = 3\nautorestart = false\n"));
        assert_eq!(steps(&policy), ["apply g:a"]);
        assert_eq!(policy.steps[0].settings.len(), 2);
        assert_eq!(steps(&toml(two, &two.replace("\"y\"", "\"z\""))), ["restart g:b"]);
        assert_eq!(steps(&toml(two, &format!("{two}priority = 5\n"))), ["apply g:a", "apply g:b"]);
        let alone = toml(WEB, &format!("{WEB}priority = 5\n"));
        assert_eq!(alone.steps[0].settings.len(), 1, "told once");
    }

    #[test]
    fn programs_come_and_go() {
        assert_eq!(steps(&toml(WEB, &WEB.replace("web", "new"))), ["remove web:web", "add new:new"]);
        let more = format!("{WEB}numprocs = 2\nprocess_name = \"w%(process_num)s\"\n");
        assert_eq!(steps(&toml(&more, &more.replace("= 2", "= 3"))), ["add web:w2"]);
        assert_eq!(steps(&toml(&more, &more.replace("= 2", "= 1"))), ["remove web:w1"]);
    }

    #[test]
    fn another_sort_of_group_goes_and_comes() {
        let listener = "[eventlistener.web]\ncommand = \"x\"\nevents = [\"TICK_5\"]\n";
        assert_eq!(steps(&toml(WEB, listener)), ["remove web:web", "add web:web"]);
    }

    #[test]
    fn a_program_that_moves_into_a_group_leaves_where_it_was() {
        let config = |text: &str| load_toml(text).expect("loads").config;
        let two = "[program.a]\ncommand = \"x\"\n[program.b]\ncommand = \"y\"\n";
        let moved = format!("{two}[group.g]\nprograms = [\"a\"]\n");
        let plan = between(config(two), config(&moved), &["g"]);
        assert_eq!(steps(&plan), ["remove a:a", "add g:a"]);
    }

    #[test]
    fn whom_a_program_waits_for_is_a_change_in_toml() {
        let text = |more: &str| {
            format!("[program.a]\ncommand = \"x\"\n[program.b]\ncommand = \"y\"\nautostart = false\n{more}")
        };
        let waits = "dependent_startup = true\ndependent_startup_wait_for = \"a:running\"\n";
        assert_eq!(steps(&toml(&text(""), &text(waits))), ["apply b:b"]);
    }

    #[test]
    fn an_ini_group_is_changed_as_a_whole() {
        let two = "[program:a]\ncommand=x\n[program:b]\ncommand=y\n[group:g]\nprograms=a,b\n";
        let config = |text: &str| load_ini(text).expect("loads").config;
        let plan = between(config(two), config(&two.replace("=x", "=z")), &[]);
        assert_eq!(steps(&plan), ["restart g:a", "restart g:b"]);
        assert_eq!((plan.steps[0].settings.len(), plan.steps[1].settings.len()), (1, 0));
        let none = between(config(two), config(&two.replace("=x", "=z")), &["other"]);
        assert_eq!(none.steps, []);
    }

    #[test]
    fn what_only_a_reload_changes_is_told() {
        let plan = toml(WEB, &format!("[supervisor]\nloglevel = \"debug\"\n{WEB}"));
        assert_eq!(steps(&plan), [""; 0]);
        assert_eq!(plan.reload[0].setting, "loglevel");
    }
}
