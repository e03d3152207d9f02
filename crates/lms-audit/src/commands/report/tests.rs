//! Each view over a small trail: golden tables and filters.

use clap::Parser as _;
use codec::Codec;
use embedded::EmbeddedLog;

use super::*;
use crate::cli::{Cli, Command as Commands};
use crate::config::Config;
use crate::output::Format;
use crate::testing::{ACTIONS, printed, trail};

fn parse(arguments: &str) -> Command {
    let words = ["lms-audit", "report"].into_iter().chain(arguments.split_whitespace());
    match Cli::try_parse_from(words).expect(arguments).command {
        Commands::Report(command) => command,
        other => panic!("{other:?}"),
    }
}

fn report(log: &EmbeddedLog, format: Format, arguments: &str) -> String {
    let decoder = Codec::single_object().decoder();
    printed(format, |shell| run(&parse(arguments), shell, &mut log.clone(), &decoder))
}

#[test]
fn each_view_as_a_table() {
    let log = trail(&ACTIONS);
    for (arguments, expected) in [
        (
            "certificate register --tenant acme",
            "\
KIND         USER  SUBJECT          STATUS  SINCE                 BY        CATALOG  EVENTS  LAST
certificate  u-17  certificate c-1  valid   2026-11-02 09:14:03Z  user u-3           1       2026-11-02 09:14:03Z
certificate  u-18  certificate c-2  valid   2026-11-02 09:20:00Z  user u-3  k-1      2       2026-11-02 09:20:00Z
",
        ),
        (
            "certificate activity --tenant acme",
            "\
START                 CATALOG  EVENT TYPE          COUNT  USERS  BY ACTION              FIRST                 LAST
2026-11-01 00:00:00Z  k-1      CertificateExpired  1      1      certificate.expired 1  2026-11-01 23:00:00Z  2026-11-01 23:00:00Z
2026-11-02 00:00:00Z           CertificateIssued   1      1      certificate.issued 1   2026-11-02 09:14:03Z  2026-11-02 09:14:03Z
2026-11-02 00:00:00Z  k-1      CertificateIssued   1      1      certificate.issued 1   2026-11-02 09:20:00Z  2026-11-02 09:20:00Z
",
        ),
        (
            "certificate actors --tenant acme --actor u-3",
            "\
DAY                   ACTOR     COUNT  BY EVENT TYPE        FIRST                 LAST
2026-11-02 00:00:00Z  user u-3  2      CertificateIssued 2  2026-11-02 09:14:03Z  2026-11-02 09:20:00Z
",
        ),
    ] {
        assert_eq!(report(&log, Format::Table, arguments), expected, "{arguments}");
    }
}

#[test]
fn filters_keep_what_they_say() {
    let log = trail(&ACTIONS);
    for (arguments, rows) in [
        ("certificate register --tenant acme --user u-18", 1),
        ("certificate register --tenant acme --status valid", 2),
        ("certificate register --tenant acme --status expired", 0),
        ("certificate register --tenant acme --event-type CertificateExpired", 1),
        ("certificate register --tenant acme --actor u-3 --since 2026-11-02T09:15:00Z", 1),
        ("certificate activity --tenant acme --window hour --until 2026-11-02", 1),
        ("certificate activity --tenant acme --since 2026-11-02T09:15:00Z", 1),
        ("certificate activity --tenant acme --since 2026-11-02T09:21:00Z", 0),
        ("certificate activity --tenant acme --until 2026-11-02T09:20:00Z", 2),
        ("certificate actors --tenant acme --actor u-3 --since 2026-11-02T09:15:00Z", 1),
        ("certificate actors --tenant acme --event-type CertificateExpired", 1),
        ("course-and-training-plan register --tenant acme", 1),
        ("course-and-training-plan register --tenant birch", 1),
        ("course-and-training-plan register --tenant cedar", 0),
        ("skill register --tenant acme", 0),
    ] {
        assert_eq!(report(&log, Format::Jsonl, arguments).lines().count(), rows, "{arguments}");
    }
}

#[test]
fn a_filter_that_a_view_cannot_answer_is_misuse() {
    let mut log = trail(&[]);
    for arguments in ["skill activity --tenant acme --user u-1", "skill actors --tenant acme --status x"] {
        let mut shell = Shell::new(Config::default(), Format::Table, Vec::new());
        let decoder = Codec::single_object().decoder();
        let error = run(&parse(arguments), &mut shell, &mut log, &decoder).expect_err(arguments);
        assert!(error.is::<Misuse>(), "{error}");
    }
}
