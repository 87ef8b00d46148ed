"""Paths as people have them: of different lengths, and as the input of estimators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .calls import reference
from .cases import Case
from .operation import Operation, Task

STEPS = 16  # whose signs give the length of a path


def _lengths(t: Task) -> np.ndarray:
    """From half the length to all of it. They follow from each path alone, because the reference
    implementation computes some of the paths.
    """
    length = t.path.shape[1]
    rises = (np.diff(t.path[:, : STEPS + 1, 0], axis=1) > 0).sum(axis=1)
    return length // 2 + (length - length // 2) * rises // STEPS


def _pieces(t: Task) -> list[np.ndarray]:
    return [path[:n].copy() for path, n in zip(t.path, _lengths(t), strict=True)]


def _reference(m: Any, t: Task) -> Callable[[], Any]:
    pieces, signature = _pieces(t), reference(m, "signature").signature
    return lambda: np.stack([signature(piece, t.depth) for piece in pieces])


def _padded(m: Any, t: Task) -> Callable[[], Any]:
    lengths = _lengths(t)
    return lambda: m.signature(t.path, t.depth, lengths=lengths, workers=t.threads)


def _listed(m: Any, t: Task) -> Callable[[], Any]:
    pieces = _pieces(t)
    return lambda: m.signature(pieces, t.depth, workers=t.threads)


def _concatenated(m: Any, t: Task) -> Callable[[], Any]:
    points, offsets = np.concatenate(_pieces(t)), np.concatenate([[0], np.cumsum(_lengths(t))])
    return lambda: m.signature(points, t.depth, offsets=offsets, workers=t.threads)


def _madds(case: Case) -> int:
    """Of three quarters of the length, on average."""
    return case.paths * (3 * case.length // 4 - 1) * case.size


def ragged(form: str, does: str, call: Callable[[Any, Task], Callable[[], Any]]) -> Operation:
    """Signatures of paths of different lengths, in one of the forms."""
    return Operation(
        name=f"ragged-{form}",
        does=f"signatures of paths of different lengths, {does}",
        groups=("data",),
        count=_madds,
        against="" if form == "padded" else "ragged-padded",
        calls={"reference": _reference, "pysig": call},
    )


def _estimator(m: Any, t: Task) -> Callable[[], Any]:
    from pysig.interop.sklearn import SignatureTransformer

    transformer = SignatureTransformer(t.depth, stages=None, n_jobs=t.threads).fit(t.path)
    return lambda: transformer.transform(t.path)


ESTIMATOR = Operation(
    name="estimator",
    does="signatures by the transformer of scikit-learn",
    groups=("data",),
    against="signature",
    calls={
        "reference": lambda m, t: lambda: reference(m, "signature").signature(t.path, t.depth),
        "pysig": _estimator,
    },
)

DATA = (
    ragged("padded", "padded to one array", _padded),
    ragged("list", "a list of arrays", _listed),
    ragged("offsets", "concatenated points", _concatenated),
    ESTIMATOR,
)
