//! The generator: an iterator over deliveries, each with what must become of it.

use std::collections::BTreeMap;

use catalog::{Entry, catalog};

use super::case::{self, Case};
use super::draft::{Draft, Form, Thing, Written};
use super::expect::{Expect, Fate, Route};
use super::flaw::Flaw;
use super::options::{Made, Options};
use super::random::Random;
use super::world::World;

/// How many originals are remembered for duplicates.
const REMEMBERED: usize = 512;
/// The attribute that sets it.
const EXPIRY: &str = "certificate_expiry";
const LATE: u64 = 3 * 24 * 3_600_000_000;

/// Makes deliveries; see [`Options`].
pub struct Generator {
    options: Options,
    random: Random,
    world: World,
    deck: Vec<Case>,
    made: u64,
    originals: Vec<(Draft, Made)>,
    /// Certificate expiry as it is set now: only where an action set it.
    settings: BTreeMap<(String, Thing), Expiry>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Enabled,
    Disabled,
}

/// Whether an action may depend on what was sent before it, or others on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Matters,
    MustNotMatter,
}

impl Generator {
    /// A generator at its beginning.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mark = Random::new(options.seed ^ options.start.get().cast_unsigned().rotate_left(32)).next();
        let world = World {
            tenants: (0..options.tenants.max(1)).map(World::tenant_name).collect(),
            learners: options.learners.max(1),
            courses: options.courses.max(1),
            mark: format!("{:06x}", mark & 0xff_ffff),
        };
        let deck = case::deck();
        // Too few deliveries to hold every case: then chance alone decides.
        let deck = if options.count >= 2 * deck.len() as u64 { deck } else { Vec::new() };
        Self {
            random: Random::new(options.seed),
            options,
            world,
            deck,
            made: 0,
            originals: Vec::new(),
            settings: BTreeMap::new(),
        }
    }

    /// The case of this place: the deck's cards lie evenly among those of chance.
    fn case(&mut self, place: u64) -> Case {
        let by_chance = case::by_chance(&mut self.random);
        let stride = self.options.count / (self.deck.len() as u64).max(1);
        let card = usize::try_from(place / stride.max(1)).unwrap_or(usize::MAX);
        if place.is_multiple_of(stride.max(1)) {
            self.deck.get(card).copied().unwrap_or(by_chance)
        } else {
            by_chance
        }
    }

    fn make(&mut self, case: Case) -> Made {
        match case {
            Case::Fresh => self.fresh(None, Form::Plain),
            Case::Of(entry) => self.fresh(Some(entry), Form::Plain),
            Case::Structured => self.fresh(None, Form::Structured),
            Case::Binary => self.fresh(None, Form::Binary),
            Case::Late => {
                let mut draft = self.draft(None, Order::MustNotMatter, None);
                draft.at -= self.random.below(LATE).cast_signed();
                self.original(draft, Form::Plain)
            }
            Case::ForeignKey => self.misplaced(Route::Rerouted),
            Case::NoKey => self.misplaced(Route::Keyless),
            Case::Repeated | Case::Rewritten | Case::Conflicting if self.originals.is_empty() => {
                self.fresh(None, Form::Plain)
            }
            Case::Repeated => {
                let (_, made) = self.random.pick(&self.originals).clone();
                Made { expect: straight(Fate::Duplicate), ..made }
            }
            Case::Rewritten => {
                let (draft, _) = self.random.pick(&self.originals).clone();
                keyed(&draft.tenant, draft.write(Form::Rewritten), Fate::Duplicate)
            }
            Case::Conflicting => {
                let (mut draft, _) = self.random.pick(&self.originals).clone();
                draft.attributes.push(("correction", self.made.to_string()));
                let fate = Fate::DeadLettered(catalog::Reason::ConflictingDuplicate);
                keyed(&draft.tenant, draft.write(Form::Plain), fate)
            }
            Case::Suppressed => self.suppressed(),
            Case::Flawed(flaw) => self.flawed(flaw),
        }
    }

    fn fresh(&mut self, entry: Option<&'static Entry>, form: Form) -> Made {
        let draft = self.draft(entry, Order::Matters, None);
        self.original(draft, form)
    }

    /// A new action's facts; `within` is what it lies in, where that matters.
    fn draft(
        &mut self,
        entry: Option<&'static Entry>,
        order: Order,
        within: Option<(String, Thing)>,
    ) -> Draft {
        let entry = match entry {
            Some(entry) => entry,
            None => self.entry(order),
        };
        let (tenant, within) = match within {
            Some((tenant, thing)) => (tenant, Some(thing)),
            None => (self.world.tenant(&mut self.random), None),
        };
        let id = format!("{}-{}", self.world.mark, self.made);
        let at = self.time();
        let mut draft = self.world.draft(&mut self.random, entry, tenant, (id, at), within);
        if order == Order::Matters && sets_expiry(entry) && self.random.chance(30) {
            let value = if self.random.chance(50) { "disabled" } else { "enabled" };
            draft.attributes.push((EXPIRY, value.into()));
        }
        draft
    }

    fn entry(&mut self, order: Order) -> &'static Entry {
        loop {
            let entry = case::action(&mut self.random);
            if order == Order::Matters || entry.action != "certificate.expired" {
                return entry;
            }
        }
    }

    /// Times only grow, so that the setting made last is also the one that happened last.
    fn time(&mut self) -> i64 {
        let step = (self.options.span / self.options.count.max(1)).max(1);
        let at = self.options.start.get().saturating_add_unsigned(self.made.saturating_mul(step));
        let at = at.saturating_add_unsigned(self.random.below(step));
        // Most clocks tick in milliseconds; some sources are finer.
        if step > 1000 && self.random.chance(70) { at - at.rem_euclid(1000) } else { at }
    }

    /// Writes an action that was never sent before and lies where it belongs.
    fn original(&mut self, draft: Draft, form: Form) -> Made {
        let fate = self.judge(&draft);
        let made = keyed(&draft.tenant, draft.write(form), fate);
        if self.originals.len() < REMEMBERED {
            self.originals.push((draft, made.clone()));
        } else {
            let place = self.random.index(REMEMBERED);
            self.originals[place] = (draft, made.clone());
        }
        made
    }

    /// What becomes of a valid, new action that lies in its tenant's order.
    fn judge(&mut self, draft: &Draft) -> Fate {
        let place = |thing: &Thing| (draft.tenant.clone(), thing.clone());
        let value = draft.attributes.iter().find(|(name, _)| *name == EXPIRY);
        if let (Some((_, value)), Some(object)) = (value, &draft.object) {
            let expiry = if value == "disabled" { Expiry::Disabled } else { Expiry::Enabled };
            self.settings.insert(place(object), expiry);
        }
        let off = |thing: &Thing| self.settings.get(&place(thing)) == Some(&Expiry::Disabled);
        if draft.entry.action == "certificate.expired" && draft.within.iter().any(off) {
            Fate::Suppressed
        } else {
            Fate::Recorded(draft.entry.category)
        }
    }

    /// A certificate expires where certificates do not; as long as there is no such course, one is
    /// made.
    fn suppressed(&mut self) -> Made {
        let off = |(_, expiry): &(&(String, Thing), &Expiry)| **expiry == Expiry::Disabled;
        let places: Vec<_> = self.settings.iter().filter(off).map(|(place, _)| place.clone()).collect();
        if places.is_empty() {
            let mut draft = self.draft(Some(entry("course.updated")), Order::MustNotMatter, None);
            draft.attributes.push((EXPIRY, "disabled".into()));
            return self.original(draft, Form::Plain);
        }
        let place = self.random.pick(&places).clone();
        let draft = self.draft(Some(entry("certificate.expired")), Order::Matters, Some(place));
        self.original(draft, Form::Plain)
    }

    /// An action whose key does not lead to its tenant: it may overtake others or be overtaken, so
    /// nothing about it depends on order.
    fn misplaced(&mut self, route: Route) -> Made {
        let draft = self.draft(None, Order::MustNotMatter, None);
        let key = match route {
            Route::Keyless => None,
            _ => match self.foreign_key(&draft.tenant) {
                Some(key) => Some(key.into_bytes()),
                None => return self.original(draft, Form::Plain),
            },
        };
        let (value, headers) = draft.write(Form::Plain);
        Made { key, value, headers, expect: Expect { fate: Fate::Recorded(draft.entry.category), route } }
    }

    /// Another tenant that lies elsewhere, or if there is none, any key that does; none where one
    /// partition is all there is.
    fn foreign_key(&mut self, tenant: &str) -> Option<String> {
        let count = self.options.partitions;
        let home = count.partition_of(tenant.as_bytes());
        let elsewhere = |key: &String| count.partition_of(key.as_bytes()) != home;
        let others: Vec<_> = self.world.tenants.iter().filter(|other| elsewhere(other)).cloned().collect();
        if !others.is_empty() {
            return Some(self.random.pick(&others).clone());
        }
        (0..1000).map(|number| format!("stray-{number}")).find(elsewhere)
    }

    fn flawed(&mut self, flaw: Flaw) -> Made {
        let draft = self.draft(Some(entry("course.completed")), Order::MustNotMatter, None);
        let written = flaw.write(&draft, self.options.max_value_bytes);
        keyed(&draft.tenant, written, Fate::DeadLettered(flaw.reason()))
    }
}

impl Iterator for Generator {
    type Item = Made;

    fn next(&mut self) -> Option<Made> {
        if self.made >= self.options.count {
            return None;
        }
        let case = self.case(self.made);
        let made = self.make(case);
        self.made += 1;
        Some(made)
    }
}

const fn straight(fate: Fate) -> Expect {
    Expect { fate, route: Route::Straight }
}

fn keyed(tenant: &str, (value, headers): Written, fate: Fate) -> Made {
    Made { key: Some(tenant.as_bytes().to_vec()), value, headers, expect: straight(fate) }
}

fn entry(action: &str) -> &'static Entry {
    catalog().action(action).expect("the catalog has it")
}

fn sets_expiry(entry: &Entry) -> bool {
    matches!(
        entry.action,
        "course.created" | "course.updated" | "training_plan.created" | "training_plan.updated"
    )
}
