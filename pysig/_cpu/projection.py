"""Projections of signatures of NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._extension import core
from pysig._plans.projection import Nodes, Projection
from pysig._plans.transform import Transform, steps_after

JOIN_STEPS = 0.5  # as cost::join_steps in csrc/include/pysig/cpu/schedules/cost_model.hpp


def _chunks_pay(plan: Projection, batch: int, steps: int, itemsize: int) -> bool:
    """Whether few paths are computed faster in chunks of time, for more words, on all lanes."""
    lanes = core.vector_bits() // (8 * itemsize)
    chunks = min(lanes // batch, steps) if batch else 0
    if chunks < 2:
        return False
    one, many = plan.prefixes, plan.factors
    joins = JOIN_STEPS * (many.depth - 1) * batch * (chunks - 1)
    return many.cost * (steps / chunks + joins) < one.cost * steps


def _tree_for(
    plan: Projection,
    path: Any,
    stream: bool,
    basepoint: Any,
    transform: Transform | None,
    initial: Any,
    initial_tangent: Any,
) -> Nodes:
    """The tree to walk: chunks of time need all factors of words, and their initial values too."""
    steps = steps_after(transform, path.shape[1] - (basepoint is None))
    continues = initial is not None or initial_tangent is not None
    if stream or not _chunks_pay(plan, len(path), steps, path.dtype.itemsize):
        return plan.prefixes
    if continues and len(plan.factors.words) > len(plan.prefixes.words):
        return plan.prefixes
    return plan.factors


def _of_letters(plan: Projection, transform: Transform | None, array: Any) -> Any:
    """The channels that occur, of an array (..., channels): others cost nothing."""
    if array is None or transform is not None or len(plan.letters) == plan.channels:
        return array
    return np.ascontiguousarray(array[..., list(plan.letters)])


def _like_letters(plan: Projection, transform: Transform | None, bar: Any) -> Any:
    """`bar`, or an array for gradients of the channels that occur."""
    if bar is None or transform is not None or len(plan.letters) == plan.channels:
        return bar
    return np.empty((*bar.shape[:-1], len(plan.letters)), bar.dtype)


def on_nodes(tree: Nodes, rows: Any) -> Any:
    """Rows of results (batch, columns) as rows of nodes; the empty word does not count."""
    return None if rows is None else np.ascontiguousarray(rows[:, tree.column])


def _arguments(
    plan: Projection,
    tree: Nodes,
    matrix: Any,
    dtype: Any,
    lengths: Any,
    transform: Transform | None,
    initial: Any,
    initial_tangent: Any,
) -> dict[str, Any]:
    # All channels of a transformed path are there.
    letter = tree.letter if transform is None else np.array(plan.letters)[tree.letter]
    return {
        "tree": (tree.parent, tree.suffix, letter, tree.level, tree.height),
        "transform": transform,
        "depth": tree.depth,
        "read": plan.readout(tree, matrix, dtype),
        "lengths": lengths,
        "order": None if lengths is None else np.argsort(lengths, kind="stable"),
        "initial": on_nodes(tree, initial),
        "initial_tangent": on_nodes(tree, initial_tangent),
    }


def projection(
    path: Any,
    out: Any,
    *,
    plan: Projection,
    matrix: Any,
    stream: bool,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    transform: Transform | None,
    workers: int,
    tangent: Any = None,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
) -> None:
    """Fills `out` (batch, [rows,] outputs): rows of `matrix` times the columns of `plan`.

    With `tangent`: the derivative along the tangents.
    """
    path, basepoint, tangent, basepoint_tangent = (
        _of_letters(plan, transform, a) for a in (path, basepoint, tangent, basepoint_tangent)
    )
    tree = _tree_for(plan, path, stream, basepoint, transform, initial, initial_tangent)
    core.projection(
        path,
        out,
        stream=stream,
        basepoint=basepoint,
        tangent=tangent,
        basepoint_tangent=basepoint_tangent,
        workers=workers,
        **_arguments(plan, tree, matrix, path.dtype, lengths, transform, initial, initial_tangent),
    )


def projection_vjp(
    path: Any,
    cotangent: Any,
    path_bar: Any,
    basepoint_bar: Any,
    initial_bar: Any,
    *,
    plan: Projection,
    matrix: Any,
    stream: bool,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    transform: Transform | None,
    workers: int,
    tangent: Any = None,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
) -> None:
    """Fills `path_bar`, and `basepoint_bar` and `initial_bar` (batch, columns) unless None."""
    bars = path_bar, basepoint_bar
    path, basepoint, tangent, basepoint_tangent = (
        _of_letters(plan, transform, a) for a in (path, basepoint, tangent, basepoint_tangent)
    )
    path_bar, basepoint_bar = (_like_letters(plan, transform, bar) for bar in bars)
    tree = _tree_for(plan, path, stream, basepoint, transform, initial_bar, initial_tangent)
    nodes_bar = None
    if initial_bar is not None:
        nodes_bar = np.empty((len(path), len(tree.words)), path.dtype)
    core.projection_vjp(
        path,
        cotangent,
        path_bar,
        basepoint_bar,
        nodes_bar,
        stream=stream,
        basepoint=basepoint,
        tangent=tangent,
        basepoint_tangent=basepoint_tangent,
        workers=workers,
        **_arguments(plan, tree, matrix, path.dtype, lengths, transform, initial, initial_tangent),
    )
    for bar, some in zip(bars, (path_bar, basepoint_bar), strict=True):
        if some is not bar:  # among zeros for the other channels
            bar[...] = 0
            bar[..., list(plan.letters)] = some
    if nodes_bar is not None:
        initial_bar[...] = 0
        initial_bar[:, tree.column[1:]] = nodes_bar[:, 1:]
