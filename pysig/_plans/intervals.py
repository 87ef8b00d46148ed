"""Which intervals share work: groups of intervals with a common step between their ends.

The signature of steps [a, b) is the product of those of [a, mid) and [mid, b), for any step `mid`
between. Intervals with one `mid` share two sweeps along the path, from `mid` to the front and from
`mid` to the end, and need one product each. The planner chooses the groups:

- intervals in order, as windows are: greedily, as many as have a common step ("two stacks"; for
  windows of one size these are the blocks of van Herk and of Gil and Werman), but at most as many
  as the scratch memory of a worker holds.
- other intervals: a disjoint sparse table. With the highest bit h in which a and b - 1 differ,
  mid = b - 1 with the bits below h cleared. Each step is swept over once for each bit at most.
- recomputation, where that costs less: a group of one interval, with mid = a.

If a group is much shorter than its intervals, they have many steps in common. The signature of
these, of [mid, resume), is an interval of its own: the *middles* of all groups are computed first,
by a plan of their own, and the sweep to the end begins at `resume`.

Only integers are compared here, and a group depends on the intervals of its own path alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

# Most steps of the sweeps of a dense group for each of its intervals. Dense groups have words in
# the lanes (csrc/include/pysig/cpu/schedules/interval_rows.hpp); in others lanes are groups.
MAX_DENSE_STEPS = 12


class Costs(NamedTuple):
    """Costs of a device, in steps of an interval that is recomputed, and its limit."""

    row: float  # of a step whose row is needed
    product: float
    max_rows: int  # intervals of a group
    max_steps: int | None = None  # of a group, which then has no middle
    max_dense: int = 0  # intervals of a dense group
    max_table: int = 0  # of a group of the table, whose parts all sweep over its steps


class Groups(NamedTuple):
    """The plan. The fields are those of `interval_groups` in csrc/bindings/signature_intervals.cpp.

    An interval is named by its place in the flattened bounds.
    """

    mids: Any  # (groups,)
    resumes: Any  # (groups,)
    middle: Any  # (groups,): the place of [mid, resume) in the flattened `middles_of`, or -1
    begin: Any  # (groups + 1,): the places of a group in the three lists that follow
    by_start: Any  # intervals of a group, the largest a first
    by_end: Any  # the same, the smallest b first
    stored: Any  # number of by_end[i] among the intervals of its group in by_start


def plan_groups(bounds: Any, costs: Costs) -> Groups:
    """The plan of `bounds` (rows, q, 2), int64, 0 <= a <= b."""
    start, end = bounds[..., 0].ravel(), bounds[..., 1].ravel()
    # Intervals of different paths lie in different multiples of a power of two.
    span = 1 << int(end.max(initial=0)).bit_length()
    if len(bounds) > 1:
        base = np.repeat(np.arange(len(bounds)) * span, bounds.shape[1])
        start, end = start + base, end + base
    stride = _stride(start, end)
    full = None if stride else end > start
    queries = None if full is None or full.all() else np.flatnonzero(full)
    a, b = (start, end) if queries is None else (start[queries], end[queries])
    if stride or ((a[1:] >= a[:-1]).all() and (b[1:] >= b[:-1]).all()):
        groups = _in_order(a, b, stride, costs)
    else:
        groups = _sparse_table(a, b, span, costs)
    steps = np.diff(groups.begin) * (b[0] - a[0]) if stride else None
    pays = _pays(groups, a, b, steps, costs)
    kept, alone = _parted(groups, pays)
    if queries is not None:
        lists = (queries[kept.by_start], queries[kept.by_end])
        kept = kept._replace(by_start=lists[0], by_end=lists[1])
        alone = np.concatenate([queries[alone], np.flatnonzero(end <= start)])
    kept = _side_by_side(kept, start, end, costs)
    alone = alone[np.argsort((start - end)[alone], kind="stable")]  # the longest first
    return _joined(kept, alone, start[alone], span)


def middles_of(groups: Groups, bounds: Any) -> tuple[Groups, Any]:
    """The plan with places of middles, and their bounds (rows, m, 2), or None if there are none."""
    needed = np.flatnonzero(groups.resumes > groups.mids)
    if not len(needed):
        return groups, None
    rows, q = bounds.shape[:2]
    row = groups.by_start[groups.begin[needed]] // q
    order = np.argsort(row, kind="stable")
    needed, row = needed[order], row[order]
    number = np.arange(len(row)) - np.searchsorted(row, row)
    middles = np.zeros((rows, int(number.max()) + 1, 2), np.int64)
    middles[row, number] = np.stack([groups.mids, groups.resumes], axis=-1)[needed]
    middle = np.full(len(groups.mids), -1)
    middle[needed] = row * middles.shape[1] + number
    return groups._replace(middle=middle), middles


def _stride(a: Any, b: Any) -> int:
    """The distance of intervals of one length, not empty, at equal distances; else 0."""
    if len(a) < 2 or not b[0] > a[0] or not a[1] > a[0]:
        return 0
    stride = int(a[1] - a[0])
    regular = (a[1:] - a[:-1] == stride).all() and (b[1:] - b[:-1] == stride).all()
    return stride if regular else 0


def _in_order(a: Any, b: Any, stride: int, costs: Costs) -> Groups:
    """Greedily; `mid` is the last start of a group."""
    places = _greedy(a, b, stride, max(costs.max_rows, costs.max_dense))
    places = _smaller(places, a, b, costs)
    sizes, last = np.diff(places), places[1:] - 1
    by_end = np.arange(len(a))
    stored = np.repeat(last, sizes)
    stored -= by_end
    back = np.repeat(places[:-1], sizes)
    back += stored
    mids = a[last]
    resumes = _resumes(mids, a[places[:-1]], b[places[:-1]], costs)
    return Groups(mids, resumes, None, places, back, by_end, stored)


def _greedy(a: Any, b: Any, stride: int, most: int) -> Any:
    """Where groups of intervals in order begin: as many as have a common step, in even parts."""
    count = len(a)
    places, i = [np.zeros(1, np.int64)], 0
    if stride:
        # All but the last intervals have the same number of others that begin within them.
        together = -(-int(b[0] - a[0]) // stride)
        step = _part(together, most)
        places[0] = np.arange(max(0, (count - together) // step + 1) + 1) * step
        i = int(places[0][-1])
        following = [j + _part(count - j, most) for j in range(i, count)]
    else:
        together = np.searchsorted(a, b) - np.arange(count)
        following = (np.arange(count) + _part(together, most)).tolist()
    rest, first = [], i
    while i < count:
        i = following[i - first]
        rest.append(i)
    return np.concatenate([*places, np.array(rest, np.int64)])


def _part(together: Any, most: int) -> Any:
    """The size of the first of as few parts as possible, of nearly one size of at most `most`."""
    return -(-together // -(-together // most))


def _smaller(places: Any, a: Any, b: Any, costs: Costs) -> Any:
    """Groups that are not dense in parts of at most `max_rows` intervals."""
    sizes, first, last = np.diff(places), places[:-1], places[1:] - 1
    if costs.max_dense <= costs.max_rows:
        return places
    sweeps = a[last] - a[first] + b[last] - _resumes(a[last], a[first], b[first], costs)
    parts = np.where(sweeps <= MAX_DENSE_STEPS * sizes, 1, -(-sizes // costs.max_rows))
    if (parts == 1).all():
        return places
    number = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    begin = np.repeat(first, parts) + np.repeat(sizes, parts) * number // np.repeat(parts, parts)
    return np.append(begin, places[-1])


def _resumes(mid: Any, start: Any, end: Any, costs: Costs) -> Any:
    """The step from which a group sweeps on: its first `end` if that is far from `mid`."""
    if costs.max_steps is not None:
        return mid
    weight = 1 if costs.max_dense else 4  # steps of dense groups cost more
    return np.where(end - mid > 2 * costs.product + weight * (mid - start), end, mid)


def _sparse_table(a: Any, b: Any, span: int, costs: Costs) -> Groups:
    last = b - 1
    differ = a ^ last
    # frexp is exact below 2^53: the exponent is the number of bits.
    low = np.maximum(np.frexp(differ.astype(np.float64))[1].astype(np.int64) - 1, 0)
    mid = np.where(differ > 0, last >> low << low, a)
    # Groups are numbered by `mid`, and cut into parts of at most `max_rows` neighbouring starts.
    group = np.unique(mid, return_inverse=True)[1]
    by_start = np.argsort(group * span + (mid - a), kind="stable")
    first = np.searchsorted(group[by_start], group[by_start])
    part = (np.arange(len(a)) - first) // max(costs.max_rows, costs.max_table)
    new = (np.diff(group[by_start]) != 0) | (np.diff(part) != 0)
    number = _offsets(new)
    group = np.empty_like(number)
    group[by_start] = number
    by_end = np.argsort(group * span + (b - mid), kind="stable")
    places = np.searchsorted(number, np.arange(number[-1] + 2))
    rank = np.empty_like(number)
    rank[by_start] = np.arange(len(a)) - places[number]
    mids = mid[by_start[places[:-1]]]
    return Groups(mids, mids, None, places, by_start, by_end, rank[by_end])


def _pays(groups: Groups, a: Any, b: Any, steps: Any, costs: Costs) -> Any:
    """For every group, whether it costs less than to recompute its intervals, of `steps`."""
    first, last = groups.begin[:-1], groups.begin[1:]
    if not len(first):
        return np.zeros(0, bool)
    sweeps = groups.mids - a[groups.by_start[last - 1]] + b[groups.by_end[last - 1]]
    sweeps = sweeps - groups.resumes
    fits = True if costs.max_steps is None else sweeps <= costs.max_steps
    each = (2 * costs.row + costs.product) * (last - first)
    middle = np.where(groups.resumes > groups.mids, 2 * costs.product + 2 * sweeps, 0)
    if steps is None:
        steps = np.add.reduceat((b - a)[groups.by_end], first)
    return fits & (last - first > 1) & (sweeps + each + middle < steps)


def _parted(groups: Groups, pays: Any) -> tuple[Groups, Any]:
    """The groups that pay, and the intervals of the others."""
    if pays.all():
        return groups, np.zeros(0, np.int64)
    sizes = np.diff(groups.begin)
    member = np.repeat(pays, sizes)
    lists = (array[member] for array in (groups.by_start, groups.by_end, groups.stored))
    begin = _offsets(sizes[pays])
    kept = Groups(groups.mids[pays], groups.resumes[pays], None, begin, *lists)
    return kept, groups.by_end[~member]


def _side_by_side(groups: Groups, start: Any, end: Any, costs: Costs) -> Groups:
    """Dense groups first; of the others those of one structure as neighbours, which share lanes."""
    first, last, sizes = groups.begin[:-1], groups.begin[1:] - 1, np.diff(groups.begin)
    front = groups.mids - start[groups.by_start[last]]
    reach = end[groups.by_end[last]] - groups.resumes
    sparse = front + reach > MAX_DENSE_STEPS * sizes
    if costs.max_dense == 0:
        sparse[:] = True
    order = np.lexsort((sparse * reach, sparse * front, sparse * -sizes, sparse))
    if (np.diff(order) == 1).all():
        return groups
    begin = _offsets(sizes[order])
    places = np.repeat(first[order] - begin[:-1], sizes[order]) + np.arange(begin[-1])
    lists = (array[places] for array in (groups.by_start, groups.by_end, groups.stored))
    return Groups(groups.mids[order], groups.resumes[order], None, begin, *lists)


def _joined(groups: Groups, alone: Any, at: Any, span: int) -> Groups:
    """The plan, with a group for each interval that has none, and steps counted in their path."""
    count = len(groups.mids) + len(alone)
    mids, resumes = (np.concatenate([own, at]) % span for own in (groups.mids, groups.resumes))
    begin, lists = groups.begin, (groups.by_start, groups.by_end, groups.stored)
    if len(alone):
        begin = np.concatenate([begin, begin[-1] + 1 + np.arange(len(alone))])
        zero = np.zeros(len(alone), np.int64)
        starts, ends, stored = lists
        lists = (np.append(starts, alone), np.append(ends, alone), np.append(stored, zero))
    return Groups(mids, resumes, np.full(count, -1), begin, *lists)


def _offsets(sizes: Any) -> Any:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
