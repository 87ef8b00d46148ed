"""Derivatives of signatures by running sums over blocks of time.

Level k is the running sum of b_t = chain(t) x_t, where the chain reads the lower levels before step
t (signature_cumsum.cuh). Its derivative in a direction is the running sum of the derivatives of
b_t. Backwards, from level N down, the cotangent of level k is a *reversed* running sum of the
cotangents that the chains of higher levels contribute. All of this is parallel in time.

Without `stream` the cotangent of level N is constant in time; its contractions are matrix products,
and nothing of its size times time is stored. States before each block of time are stored, and
blocks are processed from the last one backwards.

A number is a pair (value, derivative in a direction or None). All formulas consist of linear and
bilinear operations, so the product rule is in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pysig._gpu.batches import parts_of
from pysig._gpu.increments import direction_of, fill_increments, fill_point_cotangents
from pysig._gpu.memory import scratch_limit
from pysig._gpu.signature_cumsum import antipode
from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents

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
    """The increments x (paths, steps, d) of a block of time, and the operations with them."""

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
        """The chains of level n, of all words of 0, 1, ..., n - 1 letters."""
        one = self.x[0][:, :, :1] * 0 + 1.0 / n
        chains: list[Number] = [(one, None)]
        for k in range(1, n):
            grown = _add(self.lengthen(chains[-1]), before[k])
            chains.append(_scaled(grown, 1.0 / (n - k)))
        return chains

    def running(self, growth: Any) -> Any:
        """The sums before each step, and the total."""
        total = self.cupy.cumsum(growth, axis=1)
        return self.cupy.concatenate([growth[:, :1] * 0, total[:, :-1]], axis=1), total[:, -1]

    def forwards(self, start: list[Number], levels: int) -> tuple[list[Number], list[Number]]:
        """Levels 1, ..., `levels` of the states before each step and after the last one."""
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
        """The cotangents of x. Those of the states, `bar`, move from after the block to before it.

        `rows`: cotangents (paths, steps, words) of each level after each step, or None.
        """
        x_bar: Number = (self.x[0] * 0, None)
        s_bars: list[Number | None] = [None] * (self.depth + 1)  # of S before each step, by chains
        for n in range(self.depth, 0, -1):
            constant = s_bars[n] is None and rows is None
            growth_bar, bar[n] = self.level_bar(
                bar[n], s_bars[n], None if rows is None else rows[n]
            )
            chains = self.chains(n, before)
            x_bar = _add(x_bar, self.against_chain(chains[-1], growth_bar, constant))
            chain_bar = self.against_x(growth_bar, constant) if n > 1 else growth_bar
            for k in range(n - 1, 0, -1):
                chain_bar = _scaled(chain_bar, 1.0 / (n - k))
                here = s_bars[k]
                s_bars[k] = chain_bar if here is None else _add(here, chain_bar)
                x_bar = _add(x_bar, self.against_chain(chains[k - 1], chain_bar))
                if k > 1:
                    chain_bar = self.against_x(chain_bar)
        return x_bar

    def level_bar(self, bar: Number, s_bar: Number | None, rows: Any) -> tuple[Number, Number]:
        """The cotangents of a level: of its growth at each step, of its state before the block."""
        if s_bar is None and rows is None:
            return _linear(lambda a: a.reshape(self.paths, -1, self.d), bar), bar
        later, total = _linear(lambda a: a[:, None, :], bar), bar
        if s_bar is not None:
            sums = [None if part is None else self.running(part[:, ::-1]) for part in s_bar]
            rest: Number = tuple(None if s is None else s[0][:, ::-1] for s in sums)  # type: ignore[assignment]
            all_: Number = tuple(None if s is None else s[1] for s in sums)  # type: ignore[assignment]
            later, total = _add(later, rest), _add(total, all_)
        if rows is not None:
            here = self.cupy.cumsum(rows[:, ::-1], axis=1)[:, ::-1]
            later, total = _add(later, (here, None)), _add(total, (here[:, 0], None))
        return later, total


# ---- calls ----


class _Problem:
    """Some paths of a call: increments and states before the first step, as numbers."""

    def __init__(
        self, cupy: Any, plan: Plan, paths: Paths, tangents: Tangents | None, block: int
    ) -> None:
        self.cupy, self.plan, self.paths = cupy, plan, paths
        self.direction = None if tangents is None else direction_of(paths, tangents)
        self.block = max(1, min(paths.steps, block))

    def increments(self, first: int, count: int) -> Number:
        """Those of `count` steps from step `first` on."""

        def make(paths: Paths | None) -> Any:
            if paths is None:
                return None
            shape = paths.batch, count, self.plan.channels
            x = self.cupy.empty(shape, paths.points.dtype)
            fill_increments(self.cupy, paths, first, x, paths is self.direction)
            return x

        return make(self.paths), make(self.direction)

    def level(self, rows: Any, k: int) -> Any:
        """Level k of rows of coefficients."""
        return rows[..., self.plan.offsets[k - 1] : self.plan.offsets[k]]

    def start(self) -> list[Number]:
        """The states before the first step; their derivatives, None if zero."""
        states: list[Number] = [(None, None)]
        initial = self.paths.initial, None if self.direction is None else self.direction.initial
        for k in range(1, self.plan.depth + 1):
            shape = self.paths.batch, self.plan.level_sizes[k - 1]
            zero = self.cupy.zeros(shape, self.paths.points.dtype)
            value, moved = (None if a is None else self.level(a, k) for a in initial)
            states.append((zero if value is None else value, moved))
        return states

    def blocks(self) -> list[tuple[int, int]]:
        """First step and number of steps of each block of time."""
        steps = self.paths.steps
        return [(first, min(self.block, steps - first)) for first in range(0, steps, self.block)]


def _problems(
    cupy: Any, plan: Plan, stream: bool, paths: Paths, tangents: Tangents | None
) -> Iterator[tuple[slice, _Problem]]:
    """Parts of the batch that keep to the scratch limit, with blocks of time."""
    paths = paths._replace(points=cupy.ascontiguousarray(paths.points))
    batch, steps, d = paths.batch, paths.steps, plan.channels
    numbers = paths.points.dtype.itemsize * (1 if tangents is None else 2)
    low, top = plan.offsets[-2], plan.level_sizes[-1]
    # States, their cotangents, chains, and a few intermediate results.
    per_step = numbers * (4 * low + 3 * (top if stream else top // d) + 4 * d)
    per_path = numbers * 4 * plan.coefficients
    budget = scratch_limit(cupy)
    size = max(1, min(batch, budget // (per_path + per_step * max(1, min(steps, 32)))))
    block = max(1, (budget - size * per_path) // (size * per_step))
    for part, some in parts_of(paths, size):
        along = None if tangents is None else tangents.part(part)
        yield part, _Problem(cupy, plan, some, along, block)


def jvp(
    cupy: Any, paths: Paths, tangents: Tangents, out: Any, plan: Plan, options: Options
) -> None:
    """Fill `out`; see `pysig._gpu.signature_vjp`."""
    scalar = int(plan.scalar_term)
    for part, problem in _problems(cupy, plan, options.stream, paths, tangents):
        target = out[part]
        if scalar:
            target[..., 0] = 0
        if options.stream:
            _jvp_of_prefixes(problem, target[..., scalar:], options.inverse)
        else:
            _jvp(problem, target[..., scalar:], options.inverse)


def _jvp_of_prefixes(problem: _Problem, target: Any, inverse: bool) -> None:
    cupy, plan, batch = problem.cupy, problem.plan, problem.paths.batch
    states = problem.start()
    for first, count in problem.blocks():
        block = _Block(cupy, problem.increments(first, count), plan.depth)
        before, states = block.forwards(states, plan.depth)
        # A row is the state before the next step, or after the last one.
        rows = cupy.empty((batch, count, plan.coefficients), target.dtype)
        for k in range(1, plan.depth + 1):
            moved, last = before[k][1], states[k][1]
            problem.level(rows, k)[:, :-1] = moved[:, 1:]
            problem.level(rows, k)[:, -1] = last
        target[:, first : first + count] = antipode(cupy, rows, plan) if inverse else rows


def _jvp(problem: _Problem, target: Any, inverse: bool) -> None:
    cupy, plan, batch = problem.cupy, problem.plan, problem.paths.batch
    states = problem.start()
    for first, count in problem.blocks():
        block = _Block(cupy, problem.increments(first, count), plan.depth)
        before, after = block.forwards(states, plan.depth - 1)
        chain = block.chains(plan.depth, before)[-1]
        moved = states[-1][1]
        for c, x in ((chain[1], block.x[0]), (chain[0], block.x[1])):
            if c is None:
                continue
            change = cupy.matmul(c.swapaxes(1, 2), x).reshape(batch, plan.level_sizes[-1])
            moved = change if moved is None else moved + change
        states = [*after, (states[-1][0], moved)]
    rows = cupy.zeros((batch, plan.coefficients), target.dtype)
    for k in range(1, plan.depth + 1):
        if states[k][1] is not None:
            problem.level(rows, k)[...] = states[k][1]
    target[...] = antipode(cupy, rows, plan) if inverse else rows


def vjp(
    cupy: Any,
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Plan,
    options: Options,
    tangents: Tangents | None,
) -> None:
    """Fill `into`; see `pysig._gpu.signature_vjp`."""
    for part, problem in _problems(cupy, plan, options.stream, paths, tangents):
        rows = cotangent[part][..., int(plan.scalar_term) :]
        if options.inverse:  # the antipode is its own adjoint
            rows = antipode(cupy, rows, plan)
        _vjp(problem, rows, into.part(part), options.stream)


def _vjp(problem: _Problem, cotangent: Any, into: Cotangents, stream: bool) -> None:
    cupy, plan, paths = problem.cupy, problem.plan, problem.paths
    result = 0 if problem.direction is None else 1  # of a number: its value or its derivative
    end = cupy.zeros((paths.batch, plan.coefficients), into.path.dtype) if stream else cotangent
    bar: list[Number] = [(None, None)]
    bar += [(problem.level(end, k), None) for k in range(1, plan.depth + 1)]
    states, starts = problem.start()[: plan.depth], []
    for first, count in problem.blocks():
        starts.append(states)
        if first + count < paths.steps:
            block = _Block(cupy, problem.increments(first, count), plan.depth)
            states = block.forwards(states, plan.depth - 1)[1]
    x_bar = cupy.zeros((paths.batch, paths.steps, plan.channels), into.path.dtype)
    for (first, count), states in zip(problem.blocks()[::-1], starts[::-1], strict=True):
        block = _Block(cupy, problem.increments(first, count), plan.depth)
        before, _ = block.forwards(states, plan.depth - 1)
        rows = None
        if stream:
            part = cotangent[:, first : first + count]
            rows = [None, *(problem.level(part, k) for k in range(1, plan.depth + 1))]
        found = block.backwards(before, bar, rows)[result]
        if found is not None:
            x_bar[:, first : first + count] = found
    fill_point_cotangents(cupy, x_bar, paths, into)
    if into.initial is not None:
        into.initial[...] = 0
        for k in range(1, plan.depth + 1):
            if bar[k][result] is not None:
                problem.level(into.initial, k)[...] = bar[k][result]
