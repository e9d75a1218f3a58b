//! Which programs there are: those that are part of the whole, with their slots, and those that were read last.
//!
//! No I/O. Invariants: a slot that is not vacant names a program; the same slot is never given to two; a group is active as
//! long as it has a slot. Not here: what has changed (`config::diff`), what becomes of a process (`engine`).

use crate::config::model::{Group, Program};
use std::path::PathBuf;
use std::rc::Rc;

/// A group, and the place of a program in it.
pub(crate) type Place = (Rc<Group>, usize);

/// See the module.
pub(crate) struct Roster {
    /// In the order in which they came.
    active: Vec<Rc<Group>>,
    /// Of a slot: whose it is.
    places: Vec<Option<Place>>,
    latest: Vec<Latest>,
    /// COMPAT: AUTO files of programs that were removed: until the next reread they come back to them.
    left: Vec<(Place, AutoFiles)>,
}

/// Paths of the AUTO logs of a program, stdout and stderr.
pub(crate) type AutoFiles = [Option<PathBuf>; 2];

/// A group as it was read last.
pub(crate) struct Latest {
    pub(crate) group: Rc<Group>,
    /// COMPAT: trap 79: the files of its AUTO logs are known of the configuration that made them, and of no other.
    pub(crate) knows_auto_files: bool,
}

impl AsRef<Group> for Latest {
    fn as_ref(&self) -> &Group {
        &self.group
    }
}

impl Roster {
    /// Slots are given in the order of the configuration.
    pub(crate) fn new(groups: Vec<Group>) -> Roster {
        let active: Vec<Rc<Group>> = groups.into_iter().map(Rc::new).collect();
        let members =
            |g: &Rc<Group>| (0..g.programs.len()).map(|n| Some((Rc::clone(g), n))).collect::<Vec<_>>();
        let places = active.iter().flat_map(members).collect();
        let latest =
            active.iter().map(|group| Latest { group: Rc::clone(group), knows_auto_files: true }).collect();
        Roster { active, places, latest, left: Vec::new() }
    }

    pub(crate) fn place(&self, slot: u32) -> Option<&Place> {
        self.places.get(slot as usize)?.as_ref()
    }

    pub(crate) fn program(&self, slot: u32) -> Option<&Program> {
        let (group, member) = self.place(slot)?;
        group.programs.get(*member)
    }

    pub(crate) fn active(&self) -> &[Rc<Group>] {
        &self.active
    }

    pub(crate) fn active_named(&self, name: &str) -> Option<&Rc<Group>> {
        self.active.iter().find(|g| g.name == name)
    }

    pub(crate) fn latest(&self) -> &[Latest] {
        &self.latest
    }

    pub(crate) fn latest_named(&self, name: &str) -> Option<&Rc<Group>> {
        self.latest.iter().map(|l| &l.group).find(|g| g.name == name)
    }

    /// The slots of a group, by number.
    pub(crate) fn slots_of(&self, group: &str) -> Vec<u32> {
        let all = (0u32..).zip(&self.places);
        all.filter(|(_, p)| p.as_ref().is_some_and(|(g, _)| g.name == group)).map(|(slot, _)| slot).collect()
    }

    /// The slots of a program section, which are all of its processes, or of a group of this name.
    pub(crate) fn slots_called(&self, name: &str) -> Vec<u32> {
        let is_of = |(g, n): &Place| g.name == name || g.programs.get(*n).is_some_and(|p| p.program == name);
        let all = (0u32..).zip(&self.places);
        all.filter(|(_, p)| p.as_ref().is_some_and(is_of)).map(|(slot, _)| slot).collect()
    }

    /// The slot of a program by its names.
    pub(crate) fn slot_of(&self, group: &str, name: &str) -> Option<u32> {
        let is_it = |(g, n): &Place| g.name == group && g.programs.get(*n).is_some_and(|p| p.name == name);
        let at = self.places.iter().position(|place| place.as_ref().is_some_and(is_it))?;
        u32::try_from(at).ok()
    }

    /// A configuration was read. What is as it was stays the same value.
    pub(crate) fn set_latest(&mut self, groups: Vec<Group>) {
        let known = |(n, group): (usize, Group)| match near(&self.active, n, &group.name) {
            Some(active) if **active == group => Rc::clone(active),
            _ => Rc::new(group),
        };
        let latest: Vec<Rc<Group>> = groups.into_iter().enumerate().map(known).collect();
        self.left.clear();
        self.latest = latest.into_iter().map(|group| Latest { group, knows_auto_files: false }).collect();
    }

    /// These members of a group get slots; the group is active from now on, as it is here.
    pub(crate) fn admit(
        &mut self,
        group: &Rc<Group>,
        members: impl Iterator<Item = usize>,
    ) -> Vec<(u32, usize)> {
        self.activate(group);
        let mut admitted = Vec::new();
        for member in members {
            let place = Some((Rc::clone(group), member));
            let at = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
            match self.places.get_mut(at) {
                Some(vacant) => *vacant = place,
                None => self.places.push(place),
            }
            admitted.push((u32::try_from(at).unwrap_or(u32::MAX), member));
        }
        admitted
    }

    /// A group is this one now. Its slots still hold what they held.
    pub(crate) fn activate(&mut self, group: &Rc<Group>) {
        match self.active.iter_mut().find(|g| g.name == group.name) {
            Some(active) => *active = Rc::clone(group),
            None => self.active.push(Rc::clone(group)),
        }
        for latest in self.latest.iter_mut().filter(|l| Rc::ptr_eq(&l.group, group)) {
            latest.knows_auto_files = true;
        }
    }

    /// A slot holds another configuration of its program.
    pub(crate) fn renew(&mut self, slot: u32, place: Place) {
        if let Some(held) = self.places.get_mut(slot as usize) {
            *held = Some(place);
        }
    }

    /// The AUTO files that a program had when it was removed.
    pub(crate) fn take_left(&mut self, group: &Rc<Group>, member: usize) -> Option<AutoFiles> {
        let at = self.left.iter().position(|((g, m), _)| Rc::ptr_eq(g, group) && *m == member)?;
        Some(self.left.swap_remove(at).1)
    }

    /// Nobody has the slot any more. Gives the group if that was its last one.
    pub(crate) fn vacate(&mut self, slot: u32, auto: AutoFiles) -> Option<Rc<Group>> {
        let (group, member) = self.places.get_mut(slot as usize)?.take()?;
        let can_come_back = self.latest.iter().any(|l| l.knows_auto_files && Rc::ptr_eq(&l.group, &group));
        if can_come_back && auto.iter().any(Option::is_some) {
            self.left.push(((Rc::clone(&group), member), auto));
        }
        if self.places.iter().flatten().any(|(g, _)| g.name == group.name) {
            return None;
        }
        self.active.retain(|g| g.name != group.name);
        Some(group)
    }
}

/// A group by its name, which is probably the `n`th: two configurations are mostly the same, and may be long.
pub(crate) fn near<'g, G: AsRef<Group>>(groups: &'g [G], n: usize, name: &str) -> Option<&'g G> {
    let is_it = |g: &&G| g.as_ref().name == name;
    groups.get(n).filter(is_it).or_else(|| groups.iter().find(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::groups_of_ini;

    const TWO: &str =
        "[program:a]\ncommand=a\n[program:b]\ncommand=b\nnumprocs=2\nprocess_name=b%(process_num)s\n";

    #[test]
    fn a_slot_that_was_left_is_given_again_and_never_twice() {
        let mut roster = Roster::new(groups_of_ini(TWO));
        assert_eq!(roster.slots_of("b"), [1, 2]);
        assert_eq!(roster.vacate(1, [None, None]), None, "one of two is left");
        assert_eq!(roster.vacate(2, [None, None]).map(|g| g.name.clone()), Some("b".into()));
        assert_eq!(roster.vacate(2, [None, None]), None, "it is vacant already");
        assert_eq!(roster.active().len(), 1);
        let b = Rc::clone(roster.latest_named("b").expect("still configured"));
        assert_eq!(roster.admit(&b, 0..2), [(1, 0), (2, 1)]);
        assert_eq!(roster.slot_of("b", "b1"), Some(2));
        assert_eq!(roster.program(0).map(|p| p.name.as_str()), Some("a"));
    }

    #[test]
    fn files_come_back_to_who_left_them_until_a_reread() {
        let mut roster = Roster::new(groups_of_ini(TWO));
        let files = || [Some(PathBuf::from("/auto")), None];
        let a = Rc::clone(roster.latest_named("a").expect("configured"));
        roster.vacate(0, files());
        assert_eq!((roster.take_left(&a, 0), roster.take_left(&a, 0)), (Some(files()), None));
        roster.admit(&a, 0..1);
        roster.vacate(0, files());
        roster.set_latest(groups_of_ini(TWO));
        assert_eq!(roster.take_left(&a, 0), None);
        roster.admit(&a, 0..1);
        roster.set_latest(groups_of_ini(TWO));
        roster.vacate(0, files());
        assert_eq!(roster.take_left(&a, 0), None, "it is read anew, though nothing has changed");
    }

    #[test]
    fn what_did_not_change_is_not_kept_twice() {
        let mut roster = Roster::new(groups_of_ini(TWO));
        roster.set_latest(groups_of_ini(&TWO.replace("command=b", "command=c")));
        let same =
            |name| Rc::ptr_eq(roster.active_named(name).expect("a"), roster.latest_named(name).expect("l"));
        assert!(same("a") && !same("b"));
    }
}
