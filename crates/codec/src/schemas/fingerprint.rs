//! The fingerprint that names a schema in single-object values: CRC-64-AVRO of its parsing
//! canonical form (Avro specification, "Parsing Canonical Form for Schemas", "Schema Fingerprints").

use apache_avro::Schema;

/// The fingerprint of the empty string, also the generator's polynomial.
const EMPTY: u64 = 0xc15d_213a_a4d7_a795;
const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// The fingerprint of a schema.
pub(super) fn fingerprint(schema: &Schema) -> u64 {
    canonical(schema).bytes().fold(EMPTY, |hash, byte| step(hash ^ u64::from(byte)) ^ (hash >> 8))
}

/// The parsing canonical form.
///
/// The library (0.22) leaves a type that had a logical one as `{"type":"long"}`, where the rule
/// PRIMITIVES asks for `"long"`; other languages would compute another fingerprint. In a canonical
/// form nothing else can look like that: names hold no quotes, and docs are gone.
fn canonical(schema: &Schema) -> String {
    PRIMITIVES.iter().fold(schema.canonical_form(), |form, primitive| {
        form.replace(&format!("{{\"type\":\"{primitive}\"}}"), &format!("\"{primitive}\""))
    })
}

/// What the lowest byte of a hash does to the rest.
const fn step(hash: u64) -> u64 {
    let mut low = hash & 0xff;
    let mut bit = 0;
    while bit < 8 {
        low = (low >> 1) ^ (if low & 1 == 1 { EMPTY } else { 0 });
        bit += 1;
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by fastavro, another implementation, from the same texts.
    #[test]
    fn fingerprints_are_those_of_another_implementation() {
        for (text, expected) in [
            ("\"null\"", 0x63dd_24e7_cc25_8f8a_u64),
            ("\"boolean\"", 0x9f42_fc78_a4d4_f764),
            ("\"int\"", 0x7275_d51a_3f39_5c8f),
            ("\"string\"", 0x8f01_4872_6345_03c7),
            ("\"bytes\"", 0x4fc0_16da_c320_1965),
            (crate::schemas::of(catalog::Topic::Actions).expect("listed").text, 0xce6d_09ec_8bb7_7ae3),
            (crate::schemas::of(catalog::Topic::Events).expect("listed").text, 0x3a94_2b5a_e49b_94e7),
            (crate::schemas::of(catalog::Topic::Ledger).expect("listed").text, 0x001f_9e58_093a_f2cc),
        ] {
            assert_eq!(fingerprint(&Schema::parse_str(text).expect("a schema")), expected, "{text}");
        }
    }

    #[test]
    fn a_logical_type_does_not_show_in_the_canonical_form() {
        let text = r#"["null",{"type":"long","logicalType":"timestamp-micros"}]"#;
        assert_eq!(canonical(&Schema::parse_str(text).expect("a schema")), r#"["null","long"]"#);
    }
}
