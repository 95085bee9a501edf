"""Vectors for random.test.ts: sfc32 (Chris Doty-Humphrey, PractRand).

State: low word, high word, 0x2545f491, 1; 16 rounds discarded.
"""

MASK = 0xFFFFFFFF


def sfc32(seed, count):
    a, b, c, d = seed & MASK, seed >> 32, 0x2545F491, 1
    out = []
    for _ in range(16 + count):
        t = (a + b + d) & MASK
        d = (d + 1) & MASK
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & MASK
        c = ((((c << 21) | (c >> 11)) & MASK) + t) & MASK
        out.append(t / 2**32)
    return out[16:]


for seed in (0, 42, 2**40 + 7):
    print(seed, sfc32(seed, 3))
