# Writes vectors of the canonical form as Python's datasketches 5.2.0 makes them.
import datasketches as d, struct, sys
def sketch(prefix, n):
    s = d.hll_sketch(11, d.tgt_hll_type.HLL_8)
    for i in range(n): s.update(f"{prefix}{i}")
    return s
out = open(sys.argv[1], "w")
for prefix, n in [("u-",0),("u-",1),("u-",7),("u-",8),("学-",24),("u-",25),("u-",49),("u-",97),("u-",192),("u-",193),("学-",1000),("u-",200000)]:
    s = sketch(prefix, n)
    b = s.serialize_compact()
    mode = b[7] & 3
    if mode == 0:
        c = sorted(struct.unpack(f"<{b[6]}I", b[8:])); b = b[:8] + struct.pack(f"<{len(c)}I", *c)
    elif mode == 1:
        c = sorted(struct.unpack(f"<{(len(b)-12)//4}I", b[12:])); b = b[:12] + struct.pack(f"<{len(c)}I", *c)
    else:
        u = d.hll_union(11); u.update(s); u.update(s); b = u.get_result(d.tgt_hll_type.HLL_8).serialize_compact()
    r = d.hll_sketch.deserialize(b)
    out.write(f"{prefix}\t{n}\t{r.get_estimate()!r}\t{b.hex()}\n")
