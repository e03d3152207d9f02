//! Step 1: whether an action lies in the partition of its tenant. The key of its record says
//! nothing about that; the tenant is read from the value.

use catalog::{Field, TenantId, Text};
use stage::Partition;

use crate::Place;

/// What is to be done about where an action lies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Judge it here; `None` where it names no valid tenant, so that nobody could say better.
    Stay(Option<TenantId>),
    /// Write it to the partition of its tenant.
    Move(TenantId, Partition),
    /// It was moved once, by this count of partitions, and is wrong again.
    Bounce,
}

/// Judges where an action lies. A header that speaks of another count of partitions says nothing
/// about this topic, so such an action may move once more.
pub(crate) fn route(tenant: &Field<Text<'_>>, place: &Place) -> Route {
    let Some(tenant) = tenant.present().and_then(|text| TenantId::try_from(text.as_ref()).ok()) else {
        return Route::Stay(None);
    };
    let home = place.count.partition_of(tenant.as_str().as_bytes());
    if home == place.partition {
        Route::Stay(Some(tenant))
    } else if place.rerouted.is_some_and(|rerouted| rerouted.count == place.count) {
        Route::Bounce
    } else {
        Route::Move(tenant, home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rerouted;
    use crate::testing::{COUNT, count_of, place, tenant};
    use stage::Offset;

    fn rerouted(count: u32) -> Option<Rerouted> {
        Some(Rerouted { partition: Partition::new(0), offset: Offset::new(9), count: count_of(count) })
    }

    fn check(
        field: Field<Text<'static>>,
        partition: Partition,
        rerouted: Option<Rerouted>,
        expected: &Route,
    ) {
        let place = Place { partition, rerouted, ..place() };
        assert_eq!(route(&field, &place), *expected, "{field:?} in {partition}");
    }

    #[test]
    fn an_action_belongs_to_the_partition_of_its_tenant() {
        let home = count_of(COUNT).partition_of(b"acme");
        let away = Partition::new((home.number() + 1) % COUNT);
        let acme = || Field::Present("acme".into());
        check(acme(), home, None, &Route::Stay(Some(tenant("acme"))));
        check(acme(), away, None, &Route::Move(tenant("acme"), home));
        check(acme(), home, rerouted(COUNT), &Route::Stay(Some(tenant("acme"))));
        check(acme(), away, rerouted(COUNT), &Route::Bounce);
        check(acme(), away, rerouted(COUNT + 1), &Route::Move(tenant("acme"), home));
    }

    #[test]
    fn without_a_valid_tenant_it_stays() {
        for partition in count_of(COUNT).partitions() {
            check(Field::Absent, partition, None, &Route::Stay(None));
            check(Field::Invalid("must be text".into()), partition, None, &Route::Stay(None));
            check(Field::Present("no tenant".into()), partition, rerouted(COUNT), &Route::Stay(None));
        }
    }
}
