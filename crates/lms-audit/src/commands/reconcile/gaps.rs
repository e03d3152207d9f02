//! Gaps in the sequences of sources, as findings: all ranges for programs, the last few for people.

use catalog::{SequenceRange, SequenceRow, Topic, sequence_key};

use super::findings::{Finding, What};

/// How many ranges are shown to people.
const SHOWN: usize = 8;

/// What a row with gaps says.
pub(super) fn finding(partition: u32, row: &SequenceRow) -> Finding {
    let listed =
        row.missing.iter().map(|range| i128::from(range.until) - i128::from(range.from) + 1).sum::<i128>();
    let hidden = row.missing.len().saturating_sub(SHOWN);
    let last = row.missing[hidden..].iter().map(shown).collect::<Vec<_>>().join(", ");
    let among = if hidden > 0 || row.more > 0 { "the last of them " } else { "" };
    let detail = format!(
        "{} of {} to {} never arrived: {among}{last}",
        listed + i128::from(row.more),
        row.lowest,
        row.highest
    );
    let key = sequence_key(&row.tenant, &row.source);
    let finding = Finding::new(What::Gap, Topic::Ledger, key, detail).of(partition);
    Finding { ranges: row.missing.clone(), ..finding }
}

fn shown(range: &SequenceRange) -> String {
    match range.from == range.until {
        true => range.from.to_string(),
        false => format!("{}..={}", range.from, range.until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{Micros, TenantId};

    #[test]
    fn few_ranges_are_all_shown_and_of_many_the_last() {
        let row = |ranges: &[(i64, i64)], more| SequenceRow {
            tenant: TenantId::try_from("acme").expect("valid"),
            source: "web".into(),
            lowest: 1,
            highest: 99,
            missing: ranges
                .iter()
                .map(|(from, until)| SequenceRange { from: *from, until: *until })
                .collect(),
            more,
            received_at: Micros::new(0),
        };
        let many: Vec<_> = (1..10).map(|number| (number * 10, number * 10)).collect();
        for (ranges, more, expected) in [
            (&[(4, 6), (9, 9)][..], 0, "4 of 1 to 99 never arrived: 4..=6, 9"),
            (&[(4, 6)], 2, "5 of 1 to 99 never arrived: the last of them 4..=6"),
            (&many, 0, "9 of 1 to 99 never arrived: the last of them 20, 30, 40, 50, 60, 70, 80, 90"),
        ] {
            let finding = finding(2, &row(ranges, more));
            assert_eq!(finding.detail, expected);
            assert_eq!((finding.key.as_str(), finding.ranges.len()), ("acme/web/~sequence", ranges.len()));
        }
    }
}
