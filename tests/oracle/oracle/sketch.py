"""Distinct users of an activity row, by the DataSketches library for Python, in the trail's one form."""

import struct

from datasketches import hll_sketch, tgt_hll_type

LG_K = 11


def empty():
    """A sketch of no users."""
    return hll_sketch(LG_K, tgt_hll_type.HLL_8)


def canonical(sketch):
    """The sketch's bytes, whatever the order its users came in, and the estimate that follows from them.

    In list and set mode coupons are sorted; in array mode the out-of-order flag is set and the HIP
    accumulator is zero.
    """
    data = bytearray(sketch.serialize_compact())
    mode = data[7] & 3
    if mode == 2:
        data[5] |= 16
        data[8:16] = bytes(8)
    else:
        start = 8 if mode == 0 else 12
        count = (len(data) - start) // 4
        data[start:] = struct.pack(f"<{count}I", *sorted(struct.unpack(f"<{count}I", data[start:])))
    data = bytes(data)
    return data, hll_sketch.deserialize(data).get_estimate()


EMPTY = canonical(empty())
