"""Signatures of an iterable of paths, batch by batch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from pysig._api._checks import (
    as_numeric,
    check_depth,
    check_flag,
    check_integer,
    check_method,
    describe,
)
from pysig._api._options import SignatureOptions, Unpack, complete, takes
from pysig._api._words_argument import check_words
from pysig._api.config import check_workers
from pysig._api.signature import signature
from pysig._api.transform import check_stages
from pysig._backend import backend_of


@takes(SignatureOptions)
def iter_signatures(
    paths: Iterable[Any],
    depth: int | None,
    *,
    batch_size: int | None = 1024,
    **options: Unpack[SignatureOptions],
) -> Iterator[Any]:
    """Signatures of an iterable of paths, batch by batch, for data that do not fit into memory.

    Parameters
    ----------
    paths : iterable of array_like
        Paths of shape (length, channels), of any lengths: a generator, a zarr array, a file that
        is read step by step. With ``batch_size=None`` each element is a batch: everything that
        `signature` takes as `path`.
    depth : int or None
        See `signature`.
    batch_size : int or None, optional
        Number of paths that are computed together, at least 1. None: the elements are batches.
    stream, basepoint, initial, inverse, scalar_term, words
        See `signature`.
    lengths, offsets, transform, method, workers
        See `signature`. They apply to each batch, so `lengths` needs ``batch_size=None`` and equal
        batches.

    Returns
    -------
    iterator of array, shape (batch, size)
        The signatures of the next `batch_size` paths, fewer at the end; or ``signature(element,
        depth, ...)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, at the call, before the first element is read; if an element is
        not a path or does not fit the options, when it is reached. The message names the number of
        the first path of the batch.

    See Also
    --------
    signature : Signature of piecewise linear paths, truncated at `depth`.

    Notes
    -----
    One batch is in memory at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> paths = (np.arange(2.0 * n).reshape(n, 2) for n in (2, 3, 4, 5, 6))
    >>> for batch in pysig.iter_signatures(paths, 1, batch_size=2):
    ...     print(batch.tolist())
    [[2.0, 2.0], [4.0, 4.0]]
    [[6.0, 6.0], [8.0, 8.0]]
    [[10.0, 10.0]]
    """
    given = complete(iter_signatures, options)
    if batch_size is not None:
        batch_size = min(check_integer(batch_size, "batch_size", 1), sys.maxsize)
        for name in ("lengths", "offsets"):
            if given[name] is not None:
                raise ValueError(
                    f"{name}: expected None, because elements are single paths, received "
                    f"{describe(given[name])}. Pass batch_size=None for elements that are batches."
                )
    _check_options(depth, given)
    if _is_stored(paths):
        paths = _rows(paths, batch_size)
    if not isinstance(paths, Iterable):
        raise TypeError(
            f"paths: expected an iterable of paths, received {describe(paths)}. Pass a list or a "
            "generator of arrays."
        )
    return _batches(iter(paths), depth, batch_size, given)


def _is_stored(paths: Any) -> bool:
    """Whether it is an array that is indexed and not iterated, such as those of zarr."""
    return (
        hasattr(paths, "shape") and hasattr(paths, "__getitem__") and not hasattr(paths, "__iter__")
    )


def _rows(paths: Any, batch_size: int | None) -> Iterator[Any]:
    """The elements; those of a batch are read together."""
    step = batch_size or 1
    for start in range(0, paths.shape[0], step):
        yield from paths[start : start + step]


CHECKED = {"stream", "inverse", "scalar_term", "words", "method", "workers", "transform", "lengths"}


def _check_options(depth: Any, options: dict[str, Any]) -> None:
    """Check all that does not depend on the paths."""
    if options["words"] is None:
        check_depth(depth, words=True)
    else:
        check_words(options["words"], sys.maxsize, depth)
    for name in ("stream", "inverse", "scalar_term"):
        check_flag(options[name], name)
    check_method(options["method"])
    check_workers(options["workers"])
    if options["transform"] is not None:
        check_stages(options["transform"])
    for name, value in options.items():
        arrays = name not in CHECKED and value is not None
        if arrays and not isinstance(value, (bool, np.bool_)):
            as_numeric(value, name, backend_of(value))


def _batches(
    paths: Iterator[Any], depth: Any, batch_size: int | None, options: dict[str, Any]
) -> Iterator[Any]:
    """The generator behind `iter_signatures`."""
    done = 0
    while True:
        batch = list(islice(paths, batch_size or 1))
        if not batch:
            return
        try:
            yield signature(batch[0] if batch_size is None else batch, depth, **options)
        except (TypeError, ValueError) as error:
            what = "batch" if batch_size is None else "path"
            raise type(error)(f"{error} (In the batch that begins with {what} {done}.)") from None
        done += len(batch)
