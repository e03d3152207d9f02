//! Step 4: certificates of a course or training plan whose expiry is disabled do not expire.

use catalog::{Action, AuditEvent, CertificateExpiry, OrderKey, SettingRow};

use crate::Memory;

/// Kinds of object whose certificates may be said not to expire.
const KINDS: [&str; 2] = ["course", "training_plan"];
/// The actions that may say so, each about its object.
const SET_BY: [&str; 4] =
    ["course.created", "course.updated", "training_plan.created", "training_plan.updated"];
const EXPIRED: &str = "CertificateExpired";
const ATTRIBUTE: &str = "certificate_expiry";

/// Whether an action makes no event: a certificate expired although any course or training plan
/// that it lies in has that disabled.
pub(crate) fn is_suppressed<M: Memory>(action: &Action<'_>, memory: &mut M) -> Result<bool, M::Error> {
    if action.entry.event_type != EXPIRED {
        return Ok(false);
    }
    for within in action.within.iter().filter(|within| KINDS.contains(&within.kind.as_ref())) {
        let row = memory.setting(&action.tenant, &within.kind, &within.id)?;
        if row.is_some_and(|row| row.certificate_expiry == CertificateExpiry::Disabled) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Remembers what a recorded event sets, unless an event later in the register's order has set it.
pub(crate) fn learn<M: Memory>(event: &AuditEvent<'_>, memory: &mut M) -> Result<(), M::Error> {
    let action = &event.action;
    if !SET_BY.contains(&action.entry.action) {
        return Ok(());
    }
    let said = action.attribute(ATTRIBUTE).and_then(CertificateExpiry::from_name);
    let (Some(certificate_expiry), Some(object)) = (said, &action.object) else {
        return Ok(());
    };
    let set = OrderKey::of(event);
    let before = memory.setting(&action.tenant, &object.kind, &object.id)?;
    if before.is_some_and(|before| before.set >= set) {
        return Ok(());
    }
    memory.set(SettingRow {
        tenant: action.tenant.clone(),
        kind: object.kind.to_string(),
        id: object.id.to_string(),
        certificate_expiry,
        set,
        received_at: event.received_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::record;
    use crate::testing::{Fake, action, object, place};
    use catalog::{Identity, Micros, catalog};

    fn setting(name: &str, expiry: &'static str, minute: i64) -> Action<'static> {
        let mut action = action(name);
        action.attributes = vec![(ATTRIBUTE.into(), expiry.into())];
        action.occurred_at = Micros::new(action.occurred_at.get() + minute * 60_000_000);
        action
    }

    fn apply(memory: &mut Fake, action: Action<'static>) {
        let identity = Identity::of(&action.tenant, &action.source, &action.id);
        let digest = crate::digest(&action);
        learn(&record(action, &identity, digest, &place()), memory).expect("the fake holds all");
    }

    fn expired(within: &[(&'static str, &'static str)]) -> Action<'static> {
        let mut action = action("certificate.expired");
        action.within = within.iter().map(|(kind, id)| object(kind, id)).collect();
        action
    }

    fn check(set: Vec<Action<'static>>, within: &[(&'static str, &'static str)], suppressed: bool) {
        let mut memory = Fake::default();
        for action in set {
            apply(&mut memory, action);
        }
        let found = is_suppressed(&expired(within), &mut memory).expect("the fake holds all");
        assert_eq!(found, suppressed, "{:?} for {within:?}", memory.settings);
    }

    #[test]
    fn the_latest_in_the_registers_order_counts_whatever_came_first() {
        let course: &[_] = &[("course", "o-1")];
        check(vec![], course, false);
        check(vec![setting("course.created", "disabled", 0)], course, true);
        check(vec![setting("course.updated", "disabled", 0)], course, true);
        check(
            vec![setting("course.created", "disabled", 0), setting("course.updated", "enabled", 1)],
            course,
            false,
        );
        check(
            vec![setting("course.updated", "enabled", 1), setting("course.created", "disabled", 0)],
            course,
            false,
        );
        check(
            vec![setting("course.created", "disabled", 0), setting("course.updated", "never", 1)],
            course,
            true,
        );
    }

    #[test]
    fn any_course_or_training_plan_in_within_counts_and_nothing_else() {
        let plan = || vec![setting("training_plan.updated", "disabled", 0)];
        check(plan(), &[("training_plan", "o-1")], true);
        check(plan(), &[("course", "o-1")], false);
        check(plan(), &[("course", "o-1"), ("training_plan", "o-1")], true);
        check(plan(), &[("training_plan", "o-2")], false);
        check(vec![setting("session.created", "disabled", 0)], &[("session", "o-1")], false);
        check(vec![setting("course.published", "disabled", 0)], &[("course", "o-1")], false);
    }

    #[test]
    fn only_certificate_expired_is_suppressed() {
        let mut memory = Fake::default();
        apply(&mut memory, setting("course.created", "disabled", 0));
        for entry in catalog().entries() {
            let mut action = expired(&[("course", "o-1")]);
            action.entry = entry;
            let found = is_suppressed(&action, &mut memory).expect("the fake holds all");
            assert_eq!(found, entry.action == "certificate.expired", "{}", entry.action);
        }
    }

    #[test]
    fn what_sets_a_setting_exists_in_the_catalog() {
        for name in SET_BY {
            let entry = catalog().action(name).expect(name);
            assert!(entry.object.iter().all(|kind| KINDS.contains(kind)), "{name}");
        }
        assert!(catalog().event_type(EXPIRED).is_some());
    }
}
