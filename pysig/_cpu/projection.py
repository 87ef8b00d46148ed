"""Projections of signatures of NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._arguments import ordered
from pysig._cpu._extension import core
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.projection import Nodes, Projection

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


def _tree_for(plan: Projection, paths: Paths, stream: bool, continues: bool) -> Nodes:
    """The tree to compute: chunks of time need all factors of words, and, if the result
    `continues` from an `initial`, their initial values too.
    """
    itemsize = paths.points.dtype.itemsize
    if stream or not _chunks_pay(plan, paths.batch, paths.steps, itemsize):
        return plan.prefixes
    if continues and len(plan.factors.words) > len(plan.prefixes.words):
        return plan.prefixes
    return plan.factors


def _skips_channels(plan: Projection, paths: Paths) -> bool:
    """Whether channels that no word contains are left out; not with a transform, which makes
    channels.
    """
    return paths.transform is None and len(plan.letters) < plan.channels


def _of_letters(plan: Projection, array: Any) -> Any:
    """The channels of the words, of an array (..., channels)."""
    return None if array is None else np.ascontiguousarray(array[..., list(plan.letters)])


def _paths_of_letters(plan: Projection, paths: Paths, tree: Nodes) -> Paths:
    """`paths` as the extension takes them: initial values of all nodes."""
    if _skips_channels(plan, paths):
        paths = paths.joined()
        points, basepoint = (_of_letters(plan, a) for a in (paths.points, paths.basepoint))
        paths = paths._replace(points=points, basepoint=basepoint)
    return paths._replace(initial=on_nodes(tree, paths.initial))


def _tangents_of_letters(
    plan: Projection, paths: Paths, tree: Nodes, tangents: Tangents | None
) -> Tangents | None:
    if tangents is None:
        return None
    path, basepoint, initial = tangents
    if _skips_channels(plan, paths):
        path, basepoint = _of_letters(plan, path), _of_letters(plan, basepoint)
    return Tangents(path, basepoint, on_nodes(tree, initial))


def on_nodes(tree: Nodes, rows: Any) -> Any:
    """Rows of results (batch, columns) as rows of nodes; the empty word does not count."""
    return None if rows is None else np.ascontiguousarray(rows[:, tree.column])


def _tree_arrays(plan: Projection, tree: Nodes, paths: Paths) -> tuple[Any, ...]:
    """`tree_arrays` of csrc/bindings/projection.cpp; a transform needs letters of all channels."""
    letter = tree.letter if paths.transform is None else np.array(plan.letters)[tree.letter]
    return tree.depth, tree.parent, tree.suffix, letter, tree.level, tree.height


def projection(
    paths: Paths,
    out: Any,
    plan: Projection,
    matrix: Any,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `out` (batch, [rows,] outputs): rows of `matrix` times the columns of `plan`.

    With `tangents`: their derivative along the tangents. `options.inverse` is part of `plan`.
    """
    continues = paths.initial is not None or (tangents is not None and tangents.initial is not None)
    tree = _tree_for(plan, paths, options.stream, continues)
    along = _tangents_of_letters(plan, paths, tree, tangents)
    inner = ordered(_paths_of_letters(plan, paths, tree))
    read = plan.readout(tree, matrix, paths.points.dtype)
    arrays = _tree_arrays(plan, tree, paths)
    core.projection(inner, out, arrays, read, along, options.stream, options.workers)


def projection_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Projection,
    matrix: Any,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `into` with the gradients; that of `initial` is (batch, columns)."""
    continues = into.initial is not None or (tangents is not None and tangents.initial is not None)
    tree = _tree_for(plan, paths, options.stream, continues)
    along = _tangents_of_letters(plan, paths, tree, tangents)
    inner = ordered(_paths_of_letters(plan, paths, tree))
    skips, letters = _skips_channels(plan, paths), list(plan.letters)
    target = into
    if skips:
        bars = (
            None if bar is None else np.empty((*bar.shape[:-1], len(letters)), bar.dtype)
            for bar in into[:2]
        )
        target = Cotangents(*bars)
    if into.initial is not None:
        nodes_bar = np.empty((paths.batch, len(tree.words)), paths.points.dtype)
        target = target._replace(initial=nodes_bar)
    read = plan.readout(tree, matrix, paths.points.dtype)
    arrays = _tree_arrays(plan, tree, paths)
    core.projection_vjp(
        inner, cotangent, target, arrays, read, along, options.stream, options.workers
    )
    if skips:  # zeros for the other channels
        for bar, some in zip(into[:2], target[:2], strict=True):
            if bar is not None:
                bar[...] = 0
                bar[..., letters] = some
    if into.initial is not None:
        into.initial[...] = 0
        into.initial[:, tree.column[1:]] = target.initial[:, 1:]
