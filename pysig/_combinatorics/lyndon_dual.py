"""Functionals that map a Lie element to its coordinates in Lyndon brackets, with exact integers.

The decreasing products of Lyndon brackets are a basis of the tensor algebra (Poincaré, Birkhoff,
Witt). Its dual basis has a closed form (Schützenberger; Melançon and Reutenauer 1989; Reutenauer
1993, theorem 5.3). For a Lyndon word h = ((a, h1), ..., hm), the letter a bracketed from the right
by h1 >= ... >= hm, the dual element is

    S_h = a . T_h,     T_h = (S_h1 sh ... sh S_hm) / (i1! i2! ...),

where `.` is concatenation, `sh` the shuffle product and i1, i2, ... count equal factors. The
coordinate of a Lie element L at [h] is <S_h, L>. There is no linear system to solve, and no term
cancels because no coefficient is negative. The functionals are short: for 2 channels, the 630
Lyndon words of level 13 have 25438 terms, about as many as the matrix from words to brackets.
"""

from __future__ import annotations

from functools import lru_cache

from .hall import lyndon_set

Polynomial = dict[int, int]  # words of one length, as indices within their level: coefficient


class _Shuffle:
    """The shuffle product of polynomials, with a cache of pairs of words, whose tails recur."""

    def __init__(self, channels: int, depth: int) -> None:
        self._power = [channels**k for k in range(depth + 1)]
        self._cache: dict[tuple[int, int, int, int], Polynomial] = {}

    def words(self, u: int, p: int, v: int, q: int) -> Polynomial:
        """u sh v for words of p and q letters, by recursion on the first letters."""
        if p == 0:
            return {v: 1}
        if q == 0:
            return {u: 1}
        key = (u, p, v, q)
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        power = self._power
        a, u_rest = divmod(u, power[p - 1])
        b, v_rest = divmod(v, power[q - 1])
        a, b = a * power[p + q - 1], b * power[p + q - 1]
        result = {a + w: c for w, c in self.words(u_rest, p - 1, v, q).items()}
        for w, c in self.words(u, p, v_rest, q - 1).items():
            result[b + w] = result.get(b + w, 0) + c
        self._cache[key] = result
        return result

    def __call__(self, f: Polynomial, p: int, g: Polynomial, q: int) -> Polynomial:
        """f sh g, for f in words of p letters and g in words of q letters."""
        if p == 0:
            return {v: f[0] * b for v, b in g.items()}
        result: Polynomial = {}
        get = result.get
        for u, a in f.items():
            for v, b in g.items():
                coefficient = a * b
                for w, c in self.words(u, p, v, q).items():
                    result[w] = get(w, 0) + coefficient * c
        return result


@lru_cache(maxsize=32)
def lyndon_functionals(channels: int, depth: int) -> tuple[Polynomial, ...]:
    """S_h for every Lyndon word h, in the order of `lyndon_set`."""
    lyndon = lyndon_set(channels, depth)
    left, right, level = lyndon.left, lyndon.right, lyndon.levels()
    shuffle = _Shuffle(channels, depth)
    first = list(range(channels)) + [0] * (len(lyndon) - channels)
    equal = [0] * len(lyndon)  # multiplicity of the last right factor
    tails: list[Polynomial] = [{0: 1}] * len(lyndon)
    out: list[Polynomial] = [{a: 1} for a in range(channels)]
    for h in range(channels, len(lyndon)):
        a, b = left[h], right[h]
        first[h] = first[a]
        equal[h] = equal[a] + 1 if level[a] > 1 and right[a] == b else 1
        tail = shuffle(tails[a], level[a] - 1, out[b], level[b])
        if equal[h] > 1:
            tail = {w: c // equal[h] for w, c in tail.items()}
        tails[h] = tail
        base = first[h] * channels ** (level[h] - 1)
        out.append({base + w: c for w, c in tail.items()} if base else tail)
    return tuple(out)
