"""Derivatives of `signature` of CuPy arrays: gradients by tiles (signature_vjp_tile.py) where
there are any, all others by running sums over blocks of time.

Level k is the running sum of b_t = chain(t) * x[t], where the chain reads the lower levels before
step t (signature_cumsum.cuh). So a derivative in a direction is the running sum of the derivatives
of b_t, and backwards the adjoint of level k is a *reversed* running sum of what the chains want of
it, from the top level down. Everything is parallel in time. Without `stream` the top level's
adjoint does not change in time, and what is to be done with it are matrix products; nothing of its
size times time is stored. States before each block of time are kept, and blocks are taken from the
last one backwards.

A number is a pair (value, derivative in a direction or None): all formulas are made of linear and
bilinear operations, to which the product rule is applied in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysig._gpu import signature_vjp_tile
from pysig._gpu.errors import explained, refuse_capture
from pysig._gpu.increments import fill_increments, fill_point_adjoints
from pysig._gpu.memory import scratch_limit
from pysig._gpu.signature_cumsum import antipode
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform, steps_after

Number = tuple[Any, Any]


def _add(a: Number, b: Number) -> Number:
    value = a[0] + b[0]
    if a[1] is None or b[1] is None:
        return value, b[1] if a[1] is None else a[1]
    return value, a[1] + b[1]


def _linear(f: Callable[[Any], Any], a: Number) -> Number:
    return f(a[0]), None if a[1] is None else f(a[1])


def _scaled(a: Number, factor: float) -> Number:
    return _linear(lambda part: part * factor, a)


def _bilinear(f: Callable[[Any, Any], Any], a: Number, b: Number) -> Number:
    parts = [f(p, q) for p, q in ((a[1], b[0]), (a[0], b[1])) if p is not None and q is not None]
    return f(a[0], b[0]), None if not parts else parts[0] if len(parts) == 1 else parts[0] + parts[
        1
    ]


class _Block:
    """The increments x (paths, steps, d) of a block of time and the operations with them."""

    def __init__(self, cupy: Any, x: Number, depth: int):
        self.cupy, self.x, self.depth = cupy, x, depth
        self.paths, self.steps, self.d = x[0].shape

    # c: (paths, steps, words); w: (paths, steps, words * d), or (paths, words, d) if constant.

    def lengthen(self, c: Number) -> Number:
        """All words u i from all words u: c[u] x[i]."""

        def f(p: Any, q: Any) -> Any:
            return (p[..., None] * q[:, :, None, :]).reshape(self.paths, self.steps, -1)

        return _bilinear(f, c, self.x)

    def against_x(self, w: Number, constant: bool = False) -> Number:
        """The sum over i of w[u i] x[i]."""

        def f(p: Any, q: Any) -> Any:
            if constant:
                return self.cupy.matmul(q, p.swapaxes(1, 2))
            return (self.wide(p) * q[:, :, None, :]).sum(axis=3)

        return _bilinear(f, w, self.x)

    def against_chain(self, c: Number, w: Number, constant: bool = False) -> Number:
        """The sum over u of c[u] w[u i]."""

        def f(p: Any, q: Any) -> Any:
            if constant:
                return self.cupy.matmul(p, q)
            return (p[..., None] * self.wide(q)).sum(axis=2)

        return _bilinear(f, c, w)

    def wide(self, w: Any) -> Any:
        return w.reshape(self.paths, self.steps, -1, self.d)

    def chains(self, n: int, before: list[Number]) -> list[Number]:
        """Of level n: the chains of all words of 1, 2, ..., n - 1 letters, behind that of none."""
        one = self.x[0][:, :, :1] * 0 + 1.0 / n
        chains: list[Number] = [(one, None)]
        for k in range(1, n):
            grown = _add(self.lengthen(chains[-1]), before[k])
            chains.append(_scaled(grown, 1.0 / (n - k)))
        return chains

    def running(self, growth: Any) -> Any:
        """The sums of what came before each step, and of all."""
        total = self.cupy.cumsum(growth, axis=1)
        return self.cupy.concatenate([growth[:, :1] * 0, total[:, :-1]], axis=1), total[:, -1]

    def forwards(self, start: list[Number], levels: int) -> tuple[list[Number], list[Number]]:
        """States before each step, and after the last one, of so many levels from `start`."""
        before: list[Number] = [(None, None)]
        after: list[Number] = [(None, None)]
        for n in range(1, levels + 1):
            growth = self.lengthen(self.chains(n, before)[-1])
            sums = [None if part is None else self.running(part) for part in growth]
            first = _linear(lambda a: a[:, None, :], start[n])
            rows, total = (tuple(None if s is None else s[i] for s in sums) for i in (0, 1))
            before.append(_add(rows, first))  # type: ignore[arg-type]
            after.append(_add(total, start[n]))  # type: ignore[arg-type]
        return before, after

    def backwards(self, before: list[Number], bar: list[Number], rows: list[Any] | None) -> Number:
        """The adjoints of x; `bar`, those of the states, go from after the block to before it.

        `rows`: cotangents (paths, steps, words) of each level after each step, if there are any.
        """
        x_bar: Number = (self.x[0] * 0, None)
        wanted: list[Number | None] = [None] * (self.depth + 1)  # by chains, of S before each step
        for n in range(self.depth, 0, -1):
            constant = wanted[n] is None and rows is None
            later, bar[n] = self.adjoint(bar[n], wanted[n], None if rows is None else rows[n])
            chains = self.chains(n, before)
            x_bar = _add(x_bar, self.against_chain(chains[-1], later, constant))
            chain_bar = self.against_x(later, constant) if n > 1 else later
            for k in range(n - 1, 0, -1):
                chain_bar = _scaled(chain_bar, 1.0 / (n - k))
                here = wanted[k]
                wanted[k] = chain_bar if here is None else _add(here, chain_bar)
                x_bar = _add(x_bar, self.against_chain(chains[k - 1], chain_bar))
                if k > 1:
                    chain_bar = self.against_x(chain_bar)
        return x_bar

    def adjoint(self, bar: Number, wanted: Number | None, rows: Any) -> tuple[Number, Number]:
        """Of a level: the adjoint of its growth at each step, and of its state before the block."""
        if wanted is None and rows is None:
            return _linear(lambda a: a.reshape(self.paths, -1, self.d), bar), bar
        later, total = _linear(lambda a: a[:, None, :], bar), bar
        if wanted is not None:
            sums = [None if part is None else self.running(part[:, ::-1]) for part in wanted]
            rest: Number = tuple(None if s is None else s[0][:, ::-1] for s in sums)  # type: ignore[assignment]
            all_: Number = tuple(None if s is None else s[1] for s in sums)  # type: ignore[assignment]
            later, total = _add(later, rest), _add(total, all_)
        if rows is not None:
            here = self.cupy.cumsum(rows[:, ::-1], axis=1)[:, ::-1]
            later, total = _add(later, (here, None)), _add(total, (here[:, 0], None))
        return later, total


# ---- one call ----


class _Call:
    """Some paths of one call: increments and starting states, as numbers."""

    def __init__(self, cupy: Any, plan: Plan, part: slice, arrays: dict[str, Any], budget: int):
        self.cupy, self.plan = cupy, plan
        self.path, self.tangent = arrays["path"][part], _part(arrays["tangent"], part)
        self.base, self.base_tangent = (_part(arrays[k], part) for k in ("base", "base_tangent"))
        self.lengths = _part(arrays["lengths"], part)
        transform = arrays["transform"]
        self.transform = None if transform is None else transform.part(part)
        self.start = _part(arrays["initial"], part), _part(arrays["initial_tangent"], part)
        self.paths, self.length, _ = self.path.shape
        self.steps = steps_after(transform, self.length - (self.base is None))
        self.block = max(1, min(self.steps, budget))

    def increments(self, first: int, count: int) -> Number:
        def make(path: Any, base: Any, moves: bool) -> Any:
            x = self.cupy.empty((self.paths, count, self.plan.channels), path.dtype)
            fill_increments(self.cupy, path, base, self.lengths, self.transform, first, x, moves)
            return x

        value = make(self.path, self.base, False)
        return value, None if self.tangent is None else make(self.tangent, self.base_tangent, True)

    def level(self, rows: Any, k: int) -> Any:
        return rows[..., self.plan.offsets[k - 1] : self.plan.offsets[k]]

    def begin(self) -> list[Number]:
        """The states before the first step; their derivatives, zero if they stay."""
        states: list[Number] = [(None, None)]
        for k in range(1, self.plan.depth + 1):
            shape = self.paths, self.plan.level_sizes[k - 1]
            zero = self.cupy.zeros(shape, self.path.dtype)
            value, moved = (None if a is None else self.level(a, k) for a in self.start)
            states.append((zero if value is None else value, moved))
        return states

    def blocks(self) -> list[tuple[int, int]]:
        return [
            (first, min(self.block, self.steps - first))
            for first in range(0, self.steps, self.block)
        ]


def _part(array: Any, part: slice) -> Any:
    return None if array is None else array[part]


def _calls(cupy: Any, plan: Plan, stream: bool, arrays: dict[str, Any]) -> list[_Call]:
    """The batch in pieces that fit the scratch limit, with blocks of time."""
    path = arrays["path"]
    batch, length, _ = path.shape
    d = plan.channels
    steps = steps_after(arrays["transform"], length - (arrays["base"] is None))
    numbers = path.dtype.itemsize * (1 if arrays["tangent"] is None else 2)
    low, top = plan.offsets[-2], plan.level_sizes[-1]
    # States, what is wanted of them, chains, and a few that are in the making.
    per_step = numbers * (4 * low + 3 * (top if stream else top // d) + 4 * d)
    per_path = numbers * 4 * plan.coefficients
    budget = scratch_limit(cupy)
    paths = max(1, min(batch, budget // (per_path + per_step * max(1, min(steps, 32)))))
    block = max(1, (budget - paths * per_path) // (paths * per_step))
    return [
        _Call(cupy, plan, slice(first, min(first + paths, batch)), arrays, block)
        for first in range(0, batch, paths)
    ]


def signature_jvp(
    path: Any,
    tangent: Any,
    out: Any,
    *,
    plan: Plan,
    stream: bool,
    basepoint: Any,
    basepoint_tangent: Any,
    initial: Any,
    initial_tangent: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
    method: str,
    workers: int,
) -> None:
    """Fills `out` as `signature` does, with the derivative along the tangents."""
    import cupy

    if not out.size:
        return
    arrays = {
        "path": cupy.ascontiguousarray(path),
        "tangent": tangent,
        "base": basepoint,
        "base_tangent": basepoint_tangent,
        "lengths": lengths,
        "transform": transform,
        "initial": initial,
        "initial_tangent": initial_tangent,
    }
    scalar = int(plan.scalar_term)
    refuse_capture(cupy, "signature_jvp")
    with explained(cupy, "signature_jvp"), path.device:
        done = 0
        for call in _calls(cupy, plan, stream, arrays):
            target = out[done : done + call.paths]
            done += call.paths
            if scalar:
                target[..., 0] = 0
            _jvp(call, target[..., scalar:], stream, inverse)


def _jvp(call: _Call, target: Any, stream: bool, inverse: bool) -> None:
    cupy, plan = call.cupy, call.plan
    states = call.begin()
    for first, count in call.blocks():
        block = _Block(cupy, call.increments(first, count), plan.depth)
        before, after = block.forwards(states, plan.depth if stream else plan.depth - 1)
        if stream:  # a row is the state before the next step, or after the last
            rows = cupy.empty((call.paths, count, plan.coefficients), target.dtype)
            for k in range(1, plan.depth + 1):
                moved, last = before[k][1], after[k][1]
                call.level(rows, k)[:, :-1] = moved[:, 1:]
                call.level(rows, k)[:, -1] = last
            target[:, first : first + count] = antipode(cupy, rows, plan) if inverse else rows
        else:
            chain = block.chains(plan.depth, before)[-1]
            moved = states[-1][1]
            for c, x in ((chain[1], block.x[0]), (chain[0], block.x[1])):
                if c is None:
                    continue
                shape = call.paths, plan.level_sizes[-1]
                change = cupy.matmul(c.swapaxes(1, 2), x).reshape(shape)
                moved = change if moved is None else moved + change
            after.append((states[-1][0], moved))
        states = after
    if stream:
        return
    rows = cupy.zeros((call.paths, plan.coefficients), target.dtype)
    for k in range(1, plan.depth + 1):
        if states[k][1] is not None:
            call.level(rows, k)[...] = states[k][1]
    target[...] = antipode(cupy, rows, plan) if inverse else rows


def signature_vjp(
    path: Any,
    cotangent: Any,
    path_bar: Any,
    basepoint_bar: Any,
    initial_bar: Any,
    *,
    plan: Plan,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
    method: str,
    workers: int,
    tangent: Any = None,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
) -> None:
    """Fills `path_bar`, and `basepoint_bar` and `initial_bar` unless None, with cotangents, or with
    their derivatives along the tangents.
    """
    import cupy

    if not path.size:
        return
    bars = path_bar, basepoint_bar, initial_bar
    refuse_capture(cupy, "signature_vjp")
    tiles = tangent is None and method != "cumsum"
    if tiles and signature_vjp_tile.can(plan, stream, path.dtype.itemsize):
        with explained(cupy, "signature_vjp"), path.device:
            signature_vjp_tile.run(
                cupy, path, cotangent, bars, plan, basepoint, initial, inverse, lengths, transform
            )
        return
    arrays = {
        "path": cupy.ascontiguousarray(path),
        "tangent": tangent,
        "base": basepoint,
        "base_tangent": basepoint_tangent,
        "lengths": lengths,
        "transform": transform,
        "initial": initial,
        "initial_tangent": initial_tangent,
    }
    with explained(cupy, "signature_vjp"), path.device:
        done = 0
        for call in _calls(cupy, plan, stream, arrays):
            part = slice(done, done + call.paths)
            done += call.paths
            rows = cotangent[part][..., int(plan.scalar_term) :]
            if inverse:  # the antipode is its own adjoint
                rows = antipode(cupy, rows, plan)
            _vjp(call, rows, [None if a is None else a[part] for a in bars], stream)


def _vjp(call: _Call, cotangent: Any, bars: list[Any], stream: bool) -> None:
    cupy, plan = call.cupy, call.plan
    path_bar, basepoint_bar, initial_bar = bars
    wanted = 0 if call.tangent is None else 1
    zero = cupy.zeros((call.paths, plan.coefficients), path_bar.dtype)
    end = zero if stream else cotangent
    bar: list[Number] = [(None, None)]
    bar += [(call.level(end, k), None) for k in range(1, plan.depth + 1)]
    states, begins = call.begin()[: plan.depth], []
    for first, count in call.blocks():
        begins.append(states)
        if first + count < call.steps:
            block = _Block(cupy, call.increments(first, count), plan.depth)
            states = block.forwards(states, plan.depth - 1)[1]
    x_bar = cupy.zeros((call.paths, call.steps, plan.channels), path_bar.dtype)
    for (first, count), states in zip(call.blocks()[::-1], begins[::-1], strict=True):
        block = _Block(cupy, call.increments(first, count), plan.depth)
        before, _ = block.forwards(states, plan.depth - 1)
        rows = None
        if stream:
            piece = cotangent[:, first : first + count]
            rows = [None, *(call.level(piece, k) for k in range(1, plan.depth + 1))]
        found = block.backwards(before, bar, rows)[wanted]
        if found is not None:
            x_bar[:, first : first + count] = found
    fill_point_adjoints(
        cupy, x_bar, call.lengths, call.transform, path_bar, basepoint_bar, call.base is not None
    )
    if initial_bar is not None:
        initial_bar[...] = 0
        for k in range(1, plan.depth + 1):
            if bar[k][wanted] is not None:
                call.level(initial_bar, k)[...] = bar[k][wanted]
