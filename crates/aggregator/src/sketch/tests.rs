//! Agreement with Python's DataSketches, and one form for every order of arrival.

use proptest::prelude::*;

use super::*;

/// Made by Python's `datasketches` 5.2.0 (its C++ core): prefix of the user ids `<prefix>0`,
/// `<prefix>1`…, how many, its estimate, and its bytes with the coupons sorted, or in array mode
/// those of a union of the sketch with itself. It read the bytes again to estimate.
const PYTHON: &str = include_str!("python.tsv");

fn of(users: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut bytes = empty();
    for user in users {
        add(&mut bytes, &user).expect("canonical");
    }
    bytes
}

#[test]
fn bytes_and_estimates_are_those_of_python_in_every_mode() {
    let mut modes = [false; 3];
    for line in PYTHON.lines() {
        let columns: Vec<_> = line.split('\t').collect();
        let [prefix, count, expected, hex] = columns[..] else { panic!("{line}") };
        let bytes = of((0..count.parse().expect("number")).map(|i: u32| format!("{prefix}{i}")));
        let found: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, hex, "{count} users");
        let expected: f64 = expected.parse().expect("number");
        let found = estimate(&bytes).expect("canonical");
        assert!((found - expected).abs() <= expected * 1e-12, "{count}: {found} {expected}");
        modes[usize::from(bytes[MODE] & 3)] = true;
    }
    assert_eq!(modes, [true; 3]);
}

/// What the library itself makes of the same users is the same sketch, but for the order.
#[test]
fn the_library_reads_the_bytes_as_its_own_sketch() {
    for count in [0, 1, 8, 100, 192, 193, 5000] {
        let users: Vec<_> = (0..count).map(|i| format!("u-{i}")).collect();
        let mut sketch = HllSketch::new(LG_K, datasketches::hll::HllType::Hll8).expect("in range");
        users.iter().for_each(|user| sketch.update(raw_bytes::from_str(user)));
        let ours = HllSketch::deserialize(&of(users)).expect("readable");
        assert_eq!(ours.composite_estimate(), sketch.composite_estimate(), "{count}");
        if count < 193 {
            assert!(ours == sketch, "{count}: the same coupons");
        }
    }
}

/// No user id is known whose hash begins with 31 zeros, so the coupon is made by hand.
#[test]
fn small_inverse_powers_are_summed_apart() {
    let mut bytes = of((0..193).map(|i| format!("u-{i}")));
    let sums = |bytes: &[u8]| {
        [KXQ_LOW, KXQ_HIGH].map(|at| f64::from_le_bytes(*bytes[at..].first_chunk().expect("long enough")))
    };
    let slot = bytes[REGISTERS..].iter().position(|value| *value == 0).expect("an empty register") as u32;
    let before = sums(&bytes);
    assert!(raise(&mut bytes, 40 << 26 | slot));
    assert_eq!(sums(&bytes), [before[0] - 1.0, 0.5_f64.powi(40)]);
    assert!(raise(&mut bytes, 41 << 26 | slot));
    assert_eq!(sums(&bytes), [before[0] - 1.0, 0.5_f64.powi(41)]);
    assert!(!raise(&mut bytes, 40 << 26 | slot));
}

#[test]
fn what_is_no_canonical_sketch_is_refused() {
    let array = of((0..200).map(|i| i.to_string()));
    let mut cut = array.clone();
    cut.pop();
    let mut other_k = empty();
    other_k[3] = 12;
    let mut list_too_long = empty();
    list_too_long.extend([0; 4]);
    for mut bytes in [Vec::new(), vec![0; 8], cut, other_k, list_too_long, preamble(3, 5, 1)] {
        assert_eq!(add(&mut bytes, "u-1"), Err(NotCanonical), "{bytes:?}");
    }
    assert_eq!(add(&mut empty(), ""), Ok(false));
}

proptest! {
    #[test]
    fn any_order_and_repetition_gives_the_same_bytes(
        (once, again) in prop::collection::vec(0..400_u32, 0..600)
            .prop_flat_map(|users| (Just(users.clone()), Just(users).prop_shuffle()))
    ) {
        let twice = again.iter().chain(&once);
        prop_assert_eq!(of(once.iter().map(u32::to_string)), of(twice.map(u32::to_string)));
    }
}
