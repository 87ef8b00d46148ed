"""Paths and options as the keyword arguments of the extension."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths, Tangents

METHODS = {"auto": 0, "tile": 1, "cumsum": 2}


def order_of(paths: Paths) -> Any:
    """The paths by length: lanes hold paths of similar length, so that a ragged batch costs as much
    as its points.
    """
    return None if paths.lengths is None else np.argsort(paths.lengths, kind="stable")


def path_arguments(paths: Paths) -> dict[str, Any]:
    """Everything of `paths` but the points."""
    return {
        "basepoint": paths.basepoint,
        "initial": paths.initial,
        "lengths": paths.lengths,
        "order": order_of(paths),
        "transform": paths.transform,
    }


def arguments(paths: Paths, plan: Plan, options: Options) -> dict[str, Any]:
    """What all operations on signatures take but the points and `scalar_term`."""
    return {
        "depth": plan.depth,
        "size": plan.coefficients,
        "stream": options.stream,
        "inverse": options.inverse,
        "workers": options.workers,
        **path_arguments(paths),
    }


def tangent_arguments(tangents: Tangents | None) -> dict[str, Any]:
    """The tangents of basepoint and initial."""
    _, basepoint, initial = tangents or Tangents(None)
    return {"basepoint_tangent": basepoint, "initial_tangent": initial}
