//! The platform that is imitated: tenants by Zipf's law, learners, courses, who does what.

use catalog::{Entry, Need};

use super::draft::{Draft, Thing, array, object, text};
use super::random::Random;

const TENANTS: [&str; 12] = [
    "acme",
    "birch-academy",
    "cedar.health",
    "dune-energy",
    "elm_university",
    "fjord-shipping",
    "grove",
    "Harbour1",
    "iris-clinics",
    "juniper.school",
    "kite-air",
    "larch-bank",
];
/// What people are called, with their number: nobody is made up, and not all names are ASCII.
const CALLED: [&str; 4] = ["Learner", "Élève", "Öğrenci", "学员"];
const TITLES: [&str; 11] = [
    "Fire safety",
    "Data protection",
    "First aid",
    "Forklift licence",
    "Welcome aboard",
    "Phishing, and how to spot it",
    "\"Lean\" basics",
    "Lifting & carrying",
    "Hygiène",
    "数据安全",
    "Working at height",
];
const SOURCES: [(&str, u64); 4] = [("lms.web", 70), ("lms.mobile", 18), ("lms.jobs", 8), ("hr-sync", 4)];

/// The sizes and the run's own mark.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) tenants: Vec<String>,
    pub(crate) learners: u64,
    pub(crate) courses: u64,
    /// Stands in the ids of actions and courses, so that two runs with different options neither
    /// are each other's duplicates nor change each other's settings.
    pub(crate) mark: String,
}

impl World {
    pub(crate) fn tenant_name(place: usize) -> String {
        TENANTS.get(place).map_or_else(|| format!("tenant-{}", place + 1), |name| name.to_string())
    }

    /// A tenant: the k-th comes 1/k times as often as the first.
    pub(crate) fn tenant(&self, random: &mut Random) -> String {
        let place = random.weighted((1..=self.tenants.len() as u64).map(|rank| 720_720 / rank));
        self.tenants[place].clone()
    }

    /// An action's facts, about `object` and in `within` where those are given.
    pub(crate) fn draft(
        &self,
        random: &mut Random,
        entry: &'static Entry,
        tenant: String,
        (id, at): (String, i64),
        within: Option<Thing>,
    ) -> Draft {
        let learner = self.learner(random);
        let object = (!entry.object.is_empty()).then(|| self.object(random, entry, learner));
        let mut facts = vec![("actor", self.actor(random, entry, learner))];
        if entry.user == Need::Required {
            let name = random.chance(80).then(|| name(learner));
            facts.push(("user", person(&format!("u-{learner}"), name.as_deref())));
        }
        let within = self.within(random, entry, object.as_ref(), within);
        decorate(random, entry, &mut facts);
        let source = SOURCES[random.weighted(SOURCES.iter().map(|(_, weight)| *weight))].0;
        let attributes = vec![("client", "generator".into()), ("attempt", random.below(3).to_string())];
        Draft { id, source, entry, at, tenant, object, within, facts, attributes }
    }

    fn course(&self, random: &mut Random) -> Thing {
        thing("course", format!("c-{}-{}", self.mark, random.below(self.courses)))
    }

    fn training_plan(&self, random: &mut Random) -> Thing {
        thing("training_plan", format!("tp-{}-{}", self.mark, random.below(self.courses / 5 + 1)))
    }

    fn learner(&self, random: &mut Random) -> u64 {
        // The lesser of two draws: some people learn more than others.
        random.below(self.learners).min(random.below(self.learners)) + 1
    }

    fn object(&self, random: &mut Random, entry: &Entry, learner: u64) -> Thing {
        let kind = *random.pick(&entry.object);
        let id = match kind {
            "course" => return self.course(random),
            "training_plan" => return self.training_plan(random),
            "certificate" => format!("cert-{learner}-{}", random.below(5)),
            "catalog" => format!("cat-{}", random.below(4)),
            "api_key" => format!("key-{}", random.below(6)),
            _ if kind.ends_with("_attempt") => format!("{kind}-{learner}-{}", random.below(20)),
            _ => format!("{kind}-{}", random.below(self.courses * 2)),
        };
        thing(kind, id)
    }

    /// At most one thing of each kind, and no catalog in a catalog.
    fn within(
        &self,
        random: &mut Random,
        entry: &Entry,
        object: Option<&Thing>,
        given: Option<Thing>,
    ) -> Vec<Thing> {
        let mut things = Vec::new();
        if let Some(given) = given {
            things.push(given);
        } else if !entry.within.is_empty() {
            things.push(match *random.pick(&entry.within) {
                "course" => self.course(random),
                "training_plan" => self.training_plan(random),
                kind => thing(kind, format!("{kind}-{}", random.below(8))),
            });
        } else if object.is_some_and(|object| in_course(object.kind)) && random.chance(70) {
            things.push(self.course(random));
        }
        if object.is_none_or(|object| object.kind != "catalog") && random.chance(60) {
            things.push(thing("catalog", format!("cat-{}", random.below(4))));
        }
        things
    }

    fn actor(&self, random: &mut Random, entry: &Entry, learner: u64) -> String {
        let kind = |kind: &str, id: Option<&str>| {
            let mut fields = vec![("kind", text(kind))];
            fields.extend(id.map(|id| ("id", text(id))));
            object(&fields)
        };
        match entry.action {
            "certificate.expired" => return kind("system", None),
            "external_training.imported" => return kind("service", Some("hr-sync")),
            _ => {}
        }
        let own = entry.user == Need::Required
            && ["Learner", "Enrollment request was created", "Certificate was downloaded"]
                .iter()
                .any(|start| entry.activity.starts_with(start));
        if own {
            return user_actor(learner, &[]);
        }
        match random.below(100) {
            0..3 => kind("api_key", Some(&format!("key-{}", random.below(6)))),
            3..5 => kind("unknown", None),
            _ => user_actor(random.below(5) + 1, &["admin"]),
        }
    }
}

fn decorate(random: &mut Random, entry: &Entry, facts: &mut Vec<(&'static str, String)>) {
    if entry.action.ends_with("updated") {
        let (before, after) = (random.pick(&TITLES), random.pick(&TITLES));
        let change = object(&[("field", text("title")), ("before", text(before)), ("after", text(after))]);
        facts.push(("changes", array(&[change])));
    }
    if random.chance(5) {
        facts.push(("reason", text("asked for by the works council")));
    }
    if random.chance(60) {
        let ip = format!("192.0.2.{}", random.below(256));
        facts.push(("origin", object(&[("ip", text(&ip)), ("channel", text("web"))])));
    }
    if random.chance(40) {
        facts.push(("correlation_id", text(&format!("{:016x}", random.next()))));
    }
    if random.chance(50) {
        facts.push(("sequence", random.below(1 << 40).to_string()));
    }
}

fn user_actor(number: u64, roles: &[&str]) -> String {
    let mut fields =
        vec![("kind", text("user")), ("id", text(&format!("u-{number}"))), ("name", text(&name(number)))];
    if !roles.is_empty() {
        let roles: Vec<_> = roles.iter().map(|role| text(role)).collect();
        fields.push(("roles", array(&roles)));
    }
    object(&fields)
}

fn person(id: &str, name: Option<&str>) -> String {
    let mut fields = vec![("id", text(id))];
    fields.extend(name.map(|name| ("name", text(name))));
    object(&fields)
}

fn name(number: u64) -> String {
    let place = usize::try_from(number % CALLED.len() as u64).expect("below a usize");
    format!("{} {number}", CALLED[place])
}

fn title(id: &str) -> &'static str {
    let sum: usize = id.bytes().map(usize::from).sum();
    TITLES[sum % TITLES.len()]
}

fn thing(kind: &'static str, id: String) -> Thing {
    let titled = !kind.ends_with("_attempt") && kind != "api_key";
    Thing { kind, title: titled.then(|| title(&id)), id }
}

fn in_course(kind: &str) -> bool {
    kind.ends_with("_attempt") || matches!(kind, "certificate" | "session" | "assessment")
}
