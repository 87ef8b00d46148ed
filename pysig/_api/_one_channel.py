"""Words of one channel, read off signatures.

The word of n letters has the coefficient x^n / n!, x the whole increment. The signature of one
channel is computed in this way, whereas a sum over steps would cancel: path 0, 3, 1e-4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Paths, Tangents

if TYPE_CHECKING:
    from pysig._api._projection import ProjectionCall


def _plan(call: ProjectionCall) -> Plan:
    """Signatures with their scalar: column n is the word of n letters."""
    return plan_for(1, max(1, *_levels_of(call)), True)


def _levels_of(call: ProjectionCall) -> list[int]:
    """The level of each column, the number of letters of its word."""
    return [len(word) for word in call.plan.outputs]


def _levels(call: ProjectionCall, rows: Any, plan: Plan) -> Any:
    """Rows of words (batch, columns) as signatures without scalar; words hold their prefixes."""
    if rows is None:
        return None
    levels = call.backend.xp.zeros((len(rows), plan.depth), rows.dtype)
    for column, level in enumerate(_levels_of(call)):
        if level:
            levels[:, level - 1] = rows[:, column]
    return levels


def _entries(call: ProjectionCall) -> list[list[tuple[int, float]]]:
    """For each column of the result its levels and their coefficients."""
    levels = _levels_of(call)
    if call.matrix is None:
        return [[(level, 1.0)] for level in levels]
    return [[(levels[k], float(row[k])) for k in np.flatnonzero(row)] for row in call.matrix]


def _read(call: ProjectionCall, signatures: Any, out: Any) -> None:
    for column, entries in enumerate(_entries(call)):
        out[..., column] = 0
        for level, coefficient in entries:
            out[..., column] += coefficient * signatures[..., level]


def _empty(call: ProjectionCall, plan: Plan) -> Any:
    return call.backend.xp.empty((call.count, *call.rows, plan.size), call.array.dtype)


def _started(call: ProjectionCall, paths: Paths, plan: Plan) -> Paths:
    return paths._replace(initial=_levels(call, paths.initial, plan))


def value(call: ProjectionCall, out: Any) -> None:
    """Fill `out` with coefficients or functionals."""
    plan = _plan(call)
    signatures = _empty(call, plan)
    paths = _started(call, call.paths, plan)
    call.backend.impl.signature(paths, signatures, plan, call.options)
    _read(call, signatures, out)


def jvp(call: ProjectionCall, tangents: Tangents, out: Any) -> None:
    """Fill `out` with their derivatives."""
    plan = _plan(call)
    signatures = _empty(call, plan)
    along = tangents._replace(initial=_levels(call, tangents.initial, plan))
    paths = _started(call, call.paths, plan)
    call.backend.impl.signature_jvp(paths, along, signatures, plan, call.options)
    _read(call, signatures, out)


def vjp(
    call: ProjectionCall, paths: Paths, cotangent: Any, into: Cotangents, tangents: Tangents | None
) -> None:
    """Fill `into` with their gradients."""
    plan, xp = _plan(call), call.backend.xp
    weights = xp.zeros((*cotangent.shape[:-1], plan.size), cotangent.dtype)
    for column, entries in enumerate(_entries(call)):
        for level, coefficient in entries:
            weights[..., level] += coefficient * cotangent[..., column]
    target, along = into, tangents
    if into.initial is not None:
        target = into._replace(initial=xp.empty((paths.batch, plan.depth), cotangent.dtype))
    if tangents is not None:
        along = tangents._replace(initial=_levels(call, tangents.initial, plan))
    paths = _started(call, paths, plan)
    call.backend.impl.signature_vjp(paths, weights, target, plan, call.options, along)
    if into.initial is not None:
        for column, level in enumerate(_levels_of(call)):
            into.initial[:, column] = target.initial[:, level - 1] if level else 0
