//! A site for tests of this module: the debug build of the product on a broker of the test's own.

use testkit::{Product, fresh_kafka_or_skip};

use super::Sizes;
use crate::on_kafka::site::{Setup, Site};

/// None where there can be no Kafka, which has then been said aloud.
pub(crate) fn site(sizes: Sizes) -> Option<Site> {
    let kafka = fresh_kafka_or_skip()?;
    let setup = Setup { partitions: sizes.partitions, interval: "100ms".into(), pinned: false };
    Some(Site::on(kafka, Product::binary().to_owned(), setup).expect("topics can be made"))
}
