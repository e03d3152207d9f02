//! Distinct users of an activity row: an Apache DataSketches HLL_8 sketch, lgK 11, in one form.
//!
//! The same users give the same bytes in whatever order they came, which the library's own sketch
//! does not: its bytes hold the order of arrival in all three modes. So the row's bytes are the
//! sketch, updated in place: coupons sorted in list and set mode; in array mode the out-of-order
//! flag set and the HIP accumulator zero, just as a union of two sketches is serialized.

use std::hash::{Hash as _, Hasher};

use datasketches::hash::value::raw_bytes;
use datasketches::hll::{Coupon, HllSketch};

const LG_K: u8 = 11;
const K: usize = 1 << LG_K;
/// The first size of a set, and the last: beyond it the array is smaller.
const LG_SETS: (u8, u8) = (5, LG_K - 3);
/// Coupons that turn a list into a set.
const LIST_FULL: usize = 8;
const LG_LIST: u8 = 3;

const COMPACT: u8 = 8;
const EMPTY: u8 = 4;
const OUT_OF_ORDER: u8 = 16;
const HLL_8: u8 = 2 << 2;

// Where things lie, by the DataSketches preamble layout.
const LG_SIZE: usize = 4;
const FLAGS: usize = 5;
const LIST_COUNT: usize = 6;
const MODE: usize = 7;
const LIST_COUPONS: usize = 8;
const SET_COUNT: usize = 8;
const SET_COUPONS: usize = 12;
const KXQ_LOW: usize = 16;
const KXQ_HIGH: usize = 24;
const ZEROS: usize = 32;
const REGISTERS: usize = 40;

/// Bytes that are no sketch of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotCanonical;

/// The sketch of no users.
pub(crate) fn empty() -> Vec<u8> {
    let mut bytes = preamble(2, LG_LIST, 0);
    bytes[FLAGS] |= EMPTY;
    bytes
}

/// Adds a user to the sketch; whether that changed it. An empty id adds none, as in every language
/// of DataSketches.
pub(crate) fn add(bytes: &mut Vec<u8>, user: &str) -> Result<bool, NotCanonical> {
    let mode = mode(bytes)?;
    if user.is_empty() {
        return Ok(false);
    }
    let coupon = coupon(user);
    Ok(match mode {
        Mode::List => {
            insert(bytes, LIST_COUPONS, coupon) && {
                let count = (bytes.len() - LIST_COUPONS) / 4;
                bytes[FLAGS] &= !EMPTY;
                bytes[LIST_COUNT] = count as u8;
                if count == LIST_FULL {
                    *bytes = set(&bytes[LIST_COUPONS..]);
                }
                true
            }
        }
        Mode::Set => {
            insert(bytes, SET_COUPONS, coupon) && {
                grow_set(bytes);
                true
            }
        }
        Mode::Array => raise(bytes, coupon),
    })
}

/// The composite estimate: the one that does not depend on the order of arrival.
pub(crate) fn estimate(bytes: &[u8]) -> Result<f64, NotCanonical> {
    HllSketch::deserialize(bytes).map(|sketch| sketch.composite_estimate()).map_err(|_| NotCanonical)
}

#[derive(Clone, Copy)]
enum Mode {
    List,
    Set,
    Array,
}

/// The mode the bytes say, if their length fits it; so that nothing read from a topic can make an
/// index go astray.
fn mode(bytes: &[u8]) -> Result<Mode, NotCanonical> {
    if bytes.len() < LIST_COUPONS || bytes[1..4] != [1, 7, LG_K] {
        return Err(NotCanonical);
    }
    let (mode, length) = match bytes[MODE] ^ HLL_8 {
        0 => (Mode::List, LIST_COUPONS + 4 * usize::from(bytes[LIST_COUNT])),
        1 if bytes.len() >= SET_COUPONS => (Mode::Set, SET_COUPONS + 4 * word(bytes, SET_COUNT) as usize),
        2 => (Mode::Array, REGISTERS + K),
        _ => return Err(NotCanonical),
    };
    if bytes.len() == length { Ok(mode) } else { Err(NotCanonical) }
}

/// Six bits of value over 26 bits of slot, of the MurmurHash3 of the id's UTF-8 bytes alone.
///
/// The library keeps the number private, but a coupon hashes as just that number.
fn coupon(user: &str) -> u32 {
    struct Number(u32);
    impl Hasher for Number {
        fn finish(&self) -> u64 {
            u64::from(self.0)
        }
        fn write(&mut self, bytes: &[u8]) {
            unreachable!("a coupon is one u32, not {} bytes", bytes.len());
        }
        fn write_u32(&mut self, number: u32) {
            self.0 = number;
        }
    }
    let mut number = Number(0);
    Coupon::from_value(raw_bytes::from_str(user)).hash(&mut number);
    number.0
}

fn preamble(ints: u8, lg_size: u8, mode: u8) -> Vec<u8> {
    vec![ints, 1, 7, LG_K, lg_size, COMPACT, 0, HLL_8 | mode]
}

/// Puts a coupon in its place among the sorted ones; whether it is new.
fn insert(bytes: &mut Vec<u8>, from: usize, coupon: u32) -> bool {
    let (coupons, _) = bytes[from..].as_chunks::<4>();
    match coupons.binary_search_by_key(&coupon, |bytes| u32::from_le_bytes(*bytes)) {
        Ok(_) => false,
        Err(place) => {
            let at = from + 4 * place;
            bytes.splice(at..at, coupon.to_le_bytes());
            true
        }
    }
}

fn set(coupons: &[u8]) -> Vec<u8> {
    let mut bytes = preamble(3, LG_SETS.0, 1);
    bytes.extend(((coupons.len() / 4) as u32).to_le_bytes());
    bytes.extend(coupons);
    bytes
}

/// Counts the coupons of a set anew and, beyond three quarters of its size, doubles it or turns it
/// into an array: where every language of DataSketches does.
fn grow_set(bytes: &mut Vec<u8>) {
    let count = (bytes.len() - SET_COUPONS) / 4;
    bytes[SET_COUNT..SET_COUPONS].copy_from_slice(&(count as u32).to_le_bytes());
    if 4 * count <= 3 << bytes[LG_SIZE] {
        return;
    }
    if bytes[LG_SIZE] < LG_SETS.1 {
        bytes[LG_SIZE] += 1;
        return;
    }
    let mut array = preamble(10, 0, 2);
    array[FLAGS] |= OUT_OF_ORDER;
    array.resize(REGISTERS + K, 0);
    array[KXQ_LOW..KXQ_HIGH].copy_from_slice(&(K as f64).to_le_bytes());
    array[ZEROS..ZEROS + 4].copy_from_slice(&(K as u32).to_le_bytes());
    for coupon in bytes[SET_COUPONS..].as_chunks::<4>().0 {
        raise(&mut array, u32::from_le_bytes(*coupon));
    }
    *bytes = array;
}

/// Raises the coupon's register in array mode; whether that changed it. The two sums of inverse
/// powers are exact in 53 bits, and so do not depend on the order either.
fn raise(bytes: &mut [u8], coupon: u32) -> bool {
    let register = REGISTERS + coupon as usize % K;
    let (old, new) = (bytes[register], (coupon >> 26) as u8);
    if new <= old {
        return false;
    }
    bytes[register] = new;
    for (value, sign) in [(old, -1.0), (new, 1.0)] {
        let at = if value < 32 { KXQ_LOW } else { KXQ_HIGH };
        let field = bytes[at..].first_chunk_mut::<8>().expect("the length of an array is checked");
        *field = (f64::from_le_bytes(*field) + sign * 0.5_f64.powi(i32::from(value))).to_le_bytes();
    }
    if old == 0 {
        let zeros = word(bytes, ZEROS) - 1;
        bytes[ZEROS..ZEROS + 4].copy_from_slice(&zeros.to_le_bytes());
    }
    true
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("the length is checked"))
}

#[cfg(test)]
mod tests;
