//! What the fuzz targets begin with: good examples of everything they read, made from generated actions run through both stages,
//! from the adapters' fixtures and mappings, and a few by hand. The same every time.

mod by_hand;
mod trail;

use adapters::Format;
use catalog::Topic;
use codec::schemas;

use crate::blocks::join;
use crate::kept::Kept;
use trail::Trail;

/// One input of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The target's name.
    pub target: &'static str,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Seeds of one kind at most: more of the same teaches nothing.
const MOST: usize = 24;
/// Bytes that stand before a datum in our own framing.
const PREFIX: usize = 10;

/// All seeds, targets together.
///
/// # Panics
/// When the stages refuse what the generator makes: their own tests would say so, too.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let trail = Trail::run();
    let mut seeds = Seeds(Vec::new());
    seeds.actions(&trail);
    seeds.records(&trail);
    seeds.logs(&trail);
    seeds.sources();
    for (target, data) in by_hand::INPUTS {
        seeds.add(target, data.as_bytes().to_vec());
    }
    seeds.registry(&trail);
    seeds.0
}

struct Seeds(Vec<Seed>);

impl Seeds {
    fn add(&mut self, target: &'static str, data: Vec<u8>) {
        self.0.push(Seed { target, data });
    }

    fn actions(&mut self, trail: &Trail) {
        let mut left = [MOST; 3];
        for action in &trail.actions {
            let header = |name: &str| action.headers.iter().any(|(one, _)| one == name.as_bytes());
            let form = if header("ce_specversion") { 2 } else { usize::from(header("content-type")) };
            if left[form] == 0 || action.value.as_ref().is_none_or(|value| value.len() > 4096) {
                continue;
            }
            left[form] -= 1;
            let value = action.value.clone().unwrap_or_default();
            match form {
                0 => self.add("action_json", value),
                1 => self.add("action_structured", [&[0][..], &value].concat()),
                _ => self.add("action_binary", block(action)),
            }
        }
        for datum in trail.avro_actions().take(MOST) {
            self.add("framing", [&b"\n"[..], &datum].concat());
            self.add("action_avro", datum[PREFIX..].to_vec());
        }
    }

    fn records(&mut self, trail: &Trail) {
        for (target, topic) in [
            ("event", Topic::Events),
            ("receipt", Topic::Receipts),
            ("ledger", Topic::Ledger),
            ("setting", Topic::Settings),
        ] {
            for value in trail.values(topic).take(MOST) {
                self.add("framing", [&b"\n"[..], value].concat());
                self.add(target, value[PREFIX..].to_vec());
            }
        }
        for (topic, value) in trail.rows() {
            let target = match topic {
                Topic::Report(_, catalog::View::Activity) => "activity",
                Topic::Report(_, catalog::View::Actors) => "actors",
                _ => "register",
            };
            if self.0.iter().filter(|seed| seed.target == target).count() < MOST {
                self.add(target, value[PREFIX..].to_vec());
            }
        }
        for letter in trail.sent.to(Topic::DeadLetters).take(MOST) {
            self.add("dead_letter", block(&Kept { value: None, ..letter.clone() }));
        }
    }

    fn logs(&mut self, trail: &Trail) {
        let short = |one: &&Kept| one.value.as_ref().is_some_and(|value| value.len() < 2000);
        let actions: Vec<_> = trail.actions.iter().filter(short).map(block).collect();
        for log in actions.chunks(6).take(MOST) {
            self.add("normalizer", log.join(&0x1e));
        }
        let topics = [Topic::Ledger, Topic::Settings, Topic::Events, Topic::Receipts];
        for skip in 0..8 {
            let piece = |(choice, topic): (u8, Topic)| {
                let values = trail.values(topic).skip(skip).step_by(5).take(3);
                values.map(move |value| (choice, value[PREFIX..].to_vec()))
            };
            self.add("normalizer_restore", join(&(0..).zip(topics).flat_map(piece).collect::<Vec<_>>()));
        }
        for skip in 0..8 {
            for (choice, rows) in [(0, &trail.held[0]), (1, &trail.held[1])] {
                let some: Vec<_> = rows.iter().skip(skip).step_by(rows.len() / 12 + 1).cloned().collect();
                self.add("state_rows", [&[choice][..], &join(&some)].concat());
            }
        }
        for (seed, chunk) in trail.folded().into_iter().enumerate() {
            if seed < MOST {
                self.add("aggregator", join(&chunk));
            }
        }
    }

    fn sources(&mut self) {
        let files: [(&'static str, Format, &str, &str); 3] = [
            (
                "openedx",
                Format::Openedx,
                include_str!("../../../crates/adapters/fixtures/openedx.log"),
                include_str!("../../../crates/adapters/mappings/openedx.tsv"),
            ),
            (
                "moodle",
                Format::Moodle,
                include_str!("../../../crates/adapters/fixtures/moodle.jsonl"),
                include_str!("../../../crates/adapters/mappings/moodle.tsv"),
            ),
            (
                "learn365",
                Format::Learn365,
                include_str!("../../../crates/adapters/fixtures/learn365.jsonl"),
                include_str!("../../../crates/adapters/mappings/learn365.tsv"),
            ),
        ];
        for (target, format, lines, mapping) in files {
            for line in lines.lines() {
                self.add(target, line.as_bytes().to_vec());
            }
            self.feed(format, lines);
            let header = mapping.lines().find(|line| line.starts_with("foreign_event")).unwrap_or_default();
            let rows: Vec<_> = mapping.lines().filter(|line| *line != header).collect();
            for rows in rows.chunks(7).take(MOST) {
                self.add("mapping", format!("{header}\n{}\n", rows.join("\n")).into_bytes());
            }
        }
        let actions = include_str!("../../../crates/adapters/fixtures/action.jsonl");
        actions.lines().for_each(|line| self.add("action_json", line.as_bytes().to_vec()));
        self.feed(Format::Action, actions);
    }

    fn feed(&mut self, format: Format, lines: &str) {
        let place = Format::ALL.iter().position(|one| *one == format).expect("it is one of all");
        let place = u8::try_from(place).expect("there are four");
        self.add("feed", [&[place, 7][..], lines.as_bytes()].concat());
    }

    fn registry(&mut self, trail: &Trail) {
        let datums = [
            ("action", trail.avro_actions().next()),
            ("audit-event", trail.values(Topic::Events).next().map(<[u8]>::to_vec)),
            ("ledger", trail.values(Topic::Ledger).next().map(<[u8]>::to_vec)),
        ];
        for (name, value) in datums {
            let file = schemas::all().iter().rfind(|file| file.name == name).expect("it is one of ours");
            let datum = value.expect("the trail has one")[PREFIX..].to_vec();
            self.add("registry", join(&[(0, file.text.into()), (0, datum)]));
        }
        for (schema, datum) in by_hand::SCHEMAS {
            self.add("registry", join(&[(0, schema.as_bytes().to_vec()), (0, datum.to_vec())]));
        }
        for (choice, answer) in by_hand::ANSWERS {
            self.add("registry", join(&[(*choice, answer.as_bytes().to_vec()), (0, vec![2, 2, 2])]));
        }
    }
}

/// A record as a block.
fn block(record: &Kept) -> Vec<u8> {
    let mut data = Vec::new();
    for (name, value) in &record.headers {
        data.extend_from_slice(name);
        if let Some(value) = value {
            data.extend_from_slice(b": ");
            data.extend_from_slice(value);
        }
        data.push(b'\n');
    }
    if let Some(value) = &record.value {
        data.push(b'\n');
        data.extend_from_slice(value);
    }
    data
}
