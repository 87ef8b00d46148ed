"""Signatures of data frames of pandas and polars: one row per point in, one row per path out.

The result has the library of the input. Rows are grouped by the columns `by`, ordered by the column
`time`, and the columns of the result are named after the channels: ``S(x,y)`` is the coefficient of
the word x, y.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import pysig
from pysig._api._checks import describe, hint
from pysig.interop._tables import Table, check_name, table_of

__all__ = ["logsignature", "signature"]


RULE = ("start", "closed", "include_previous")  # options of windows
OPTIONS = ("basepoint", "inverse", "transform", "workers", "method")


class Rows(NamedTuple):
    """The points of all paths, one path after the other. `order`: their rows in the frame."""

    table: Table
    by: list[str]
    time: str | None
    names: list[str]
    points: Any  # (rows, channels)
    times: Any  # (rows,), or None
    offsets: Any  # (paths + 1,)
    keys: dict[str, Any]  # of each path
    order: Any


def signature(
    frame: Any,
    depth: int | None = None,
    *,
    by: str | Sequence[str] | None = None,
    time: str | None = None,
    channels: Sequence[str] | None = None,
    window: Any = None,
    stride: int | None = None,
    words: Sequence[str] | None = None,
    scalar_term: bool = False,
    **options: Any,
) -> Any:
    """Signatures of the paths in a data frame.

    Parameters
    ----------
    frame : pandas.DataFrame or polars.DataFrame
        One row per point.
    depth : int, optional
        Truncation depth, at least 1. Leave it out with `words`.
    by : str or sequence of str, optional
        Columns (or levels of the index) that name the path of a row. Paths come out in the order of
        their first rows. None: all rows are one path.
    time : str, optional
        Column (or level of the index) by which the rows of a path are ordered: numbers, dates or
        lengths of time. None: the index of pandas if it holds times, else the order of the rows.
        Ties keep their order.
    channels : sequence of str, optional
        Columns that are channels, in this order. None: all columns but `by` and `time`.
    window : int, float, timedelta64, or str, optional
        Compute the signature of each window instead: a number of points, or with `time` a length of
        time before and at each point, see `pysig.signature_windows`. Text such as "60s" is for
        pandas.
    stride : int, optional
        For windows of a number of points: from one window to the next. None: 1.
    words : sequence of str, optional
        Labels of the words to compute, such as ``"x,y"``, instead of all up to `depth`.
    scalar_term : bool, optional
        If True, the first column is the constant 1, ``S()``.
    **options
        `basepoint`, `inverse`, `transform` and `workers` as of `pysig.signature`; with `window`
        also `start`, `closed` and `include_previous` as of `pysig.signature_windows`. A first stage
        "times" of `transform` is the time of the points, in seconds if they are dates. `pysig.Time`
        takes a time for each row of the frame, in the order of its rows.

    Returns
    -------
    pandas.DataFrame or polars.DataFrame
        One row per path, with its `by` as index (pandas) or first columns (polars); with `window`
        one row per window, with the time (or the number) of its last point after `by`. Times keep
        their type and time zone.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, a channel does not hold numbers, or a value is missing. The
        message names the column and a remedy.

    See Also
    --------
    pysig.signature : Signature of arrays, with all options explained.
    logsignature : Log-signatures of the same input.

    Examples
    --------
    >>> import pandas as pd
    >>> from pysig.interop import frames
    >>> ticks = pd.DataFrame({
    ...     "symbol": ["b", "b", "a", "b", "a"], "ts": [0, 1, 0, 3, 5],
    ...     "price": [1.0, 2.0, 7.0, 4.0, 6.0], "size": [5, 5, 1, 9, 1]})
    >>> frames.signature(ticks, 1, by="symbol", time="ts")
            S(price)  S(size)
    symbol
    b            3.0      4.0
    a           -1.0      0.0
    >>> frames.signature(ticks, by="symbol", time="ts", words=["price,size"], window=2)
               S(price,size)
    symbol ts
    b      1             0.0
           3             4.0
    a      5             0.0
    """
    _check_options("signature", options, window)
    if depth is None and words is None:
        raise TypeError("depth: expected an integer, received NoneType None. Pass it, or words=.")
    if scalar_term and words is not None:
        raise ValueError("scalar_term: expected False with words, received True. Leave it out.")
    rows = _rows(frame, by, time, channels)
    names = _names_after(rows, options)
    wanted = None if words is None else _words(words, names)
    if wanted is not None:
        labels = pysig.labels(len(names), words=wanted, names=names)
    else:
        labels = pysig.labels(len(names), depth, scalar_term=scalar_term, names=names)
    given = {"words": wanted, "scalar_term": scalar_term and wanted is None, **options}
    values, ends = _computed("signature", rows, depth, given, window, stride)
    return _result(rows, [f"S({'' if x == '()' else x})" for x in labels], values, ends)


def logsignature(
    frame: Any,
    depth: int,
    *,
    basis: str = "words",
    by: str | Sequence[str] | None = None,
    time: str | None = None,
    channels: Sequence[str] | None = None,
    window: Any = None,
    stride: int | None = None,
    **options: Any,
) -> Any:
    """Log-signatures of the paths in a data frame.

    Parameters
    ----------
    frame, depth
        See `signature`.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        See `pysig.logsignature`.
    by, time, channels, window, stride, **options
        See `signature`.

    Returns
    -------
    pandas.DataFrame or polars.DataFrame
        As `signature`, with columns such as ``L(x,y)`` and ``L[x,[x,y]]``.

    Raises
    ------
    TypeError, ValueError
        See `signature`.

    See Also
    --------
    pysig.logsignature : Log-signature of arrays, with all options explained.
    signature : Signatures of the same input.

    Examples
    --------
    >>> import pandas as pd
    >>> from pysig.interop import frames
    >>> walk = pd.DataFrame({"x": [0.0, 1.0, 1.0], "y": [0.0, 0.0, 2.0]})
    >>> frames.logsignature(walk, 2)
       L(x)  L(y)  L(x,y)
    0   1.0   2.0     1.0
    """
    _check_options("logsignature", options, window)
    rows = _rows(frame, by, time, channels)
    names = _names_after(rows, options)
    labels = pysig.logsignature_labels(len(names), depth, basis, names=names)
    given = {"basis": basis, **options}
    values, ends = _computed("logsignature", rows, depth, given, window, stride)
    return _result(rows, [f"L{x}" if x[0] == "[" else f"L({x})" for x in labels], values, ends)


def _rows(frame: Any, by: str | Sequence[str] | None, time: str | None, channels: Any) -> Rows:
    """The checked rows, in order."""
    keys = [] if by is None else _listed(by, "by")
    if time is not None:
        check_name(time, "time")
    table, time = table_of(frame, keys, time)
    used = {*keys, time}
    if channels is None:
        names = [name for name in table.names if name not in used]
    else:
        names = _listed(channels, "channels")
    for option, listed in (("by", keys), ("time", [time] if time else []), ("channels", names)):
        for name in listed:
            if name not in table.names:
                known, similar = ", ".join(map(repr, table.names)), map(str, table.names)
                raise ValueError(
                    f"{option}: expected columns of the frame, received {name!r}. The columns are "
                    f"{known}.{hint(name, similar)}"
                )
    if time in keys:
        raise ValueError(
            f"time: expected a column that is not in by, received {time!r}. Leave it out of by."
        )
    if not names:
        raise ValueError("channels: expected at least one column, received none. Name them.")
    for name in keys:
        table.check_complete(name, "by")
    order, offsets = table.groups(keys)
    times = None if time is None else table.times(time)[order]
    if times is not None:
        groups = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        inner = np.lexsort((times, groups))
        order, times = order[inner], times[inner]
    columns = [table.numbers(name)[order] for name in names]
    points = np.stack(columns, axis=1) if len(order) else np.zeros((0, len(names)))
    first = order[offsets[:-1]] if len(order) else order
    own = {str(name): table.take(name, first) for name in keys}
    return Rows(table, keys, time, [*map(str, names)], points, times, offsets, own, order)


def _listed(value: Any, option: str) -> list[Any]:
    """Names of columns as a list."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        value = [value]
    for name in value:
        check_name(name, option)
    return list(value)


def _words(words: Any, names: list[str]) -> Any:
    try:
        return pysig.words_of_labels(words, len(names), names=names)
    except (TypeError, ValueError) as error:  # it names the argument `labels`
        raise type(error)(f"words{str(error).removeprefix('labels')}") from None


def _check_options(caller: str, options: Mapping[str, Any], window: Any) -> None:
    """TypeError for an option that frames do not have, ValueError for one of windows alone."""
    for name, value in options.items():
        if name in RULE and window is None:
            raise ValueError(
                f"{name}: expected None without window, received {describe(value)}. Pass window=."
            )
        if name not in (*RULE, *OPTIONS):
            known = [*RULE, *OPTIONS, "by", "time", "channels", "window", "stride", "depth"]
            similar = hint(name, known) or f" Pass arrays to pysig.{caller} for other options."
            raise TypeError(
                f"{caller}() of frames got an unexpected keyword argument {name!r}.{similar}"
            )


def _stages(options: Mapping[str, Any]) -> list[Any]:
    transform = options.get("transform")
    return (
        list(transform) if isinstance(transform, (list, tuple)) else [transform] * bool(transform)
    )


def _names_after(rows: Rows, options: Mapping[str, Any]) -> list[str]:
    """The names of the channels after the transform."""
    names = list(rows.names)
    for stage in _stages(options):
        if (isinstance(stage, str) and stage in ("time", "times")) or isinstance(stage, pysig.Time):
            names.append(str(rows.time or "time"))
        elif isinstance(stage, str) and stage == "lead_lag":
            names = [f"{side}_{name}" for side in ("lag", "lead") for name in names]
        elif isinstance(stage, str) and stage == "reset":
            names.append("reset")
    return names


def _with_times(rows: Rows, options: Mapping[str, Any], part: slice) -> dict[str, Any]:
    """The options, with the times of some rows for a stage "times" or `pysig.Time`."""
    stages = _stages(options)
    given = [stage for stage in stages if _is_timed(stage)]
    if not given:
        return dict(options)
    if stages[0] is not given[0]:
        raise ValueError("transform: expected the times as the first stage. Put them first.")
    times = rows.times
    if isinstance(stages[0], pysig.Time):
        times = _in_order(stages[0].times, rows.order)
    if times is None:
        raise ValueError('transform: expected a column of times for "times". Pass time=.')
    times = times[part]
    base = options.get("basepoint")
    if base is not None and base is not False and part == slice(None):  # at the first time
        starts = rows.offsets[:-1]
        times = np.insert(times, starts, times[starts])
    return {**options, "transform": [pysig.Time(times), *stages[1:]]}


def _is_timed(stage: Any) -> bool:
    """Whether a stage has a time for each row."""
    if isinstance(stage, pysig.Time):
        return stage.times is not None
    return isinstance(stage, str) and stage == "times"


def _in_order(times: Any, order: Any) -> Any:
    """The times of the rows of the frame in the order of the points."""
    values = np.asarray(times)
    if values.shape != (len(order),):
        raise ValueError(
            f"transform: expected a time for each of the {len(order)} rows of the frame, received "
            f"shape {values.shape}. Pass them in the order of the rows."
        )
    return values[order]


def _computed(
    name: str, rows: Rows, depth: Any, options: Mapping[str, Any], window: Any, stride: Any
) -> tuple[Any, list[Any] | None]:
    """The results (rows, size), and with `window` the number of the last row of each window."""
    compute = getattr(pysig, name)
    if window is None:
        if stride is not None:
            raise ValueError("stride: expected None without window. Pass window=.")
        given = _with_times(rows, options, slice(None))
        return compute(rows.points, depth, offsets=rows.offsets, **given), None
    window = rows.table.duration(window) if isinstance(window, str) else window
    if rows.times is None and not hasattr(window, "__index__"):
        raise ValueError(
            "window: expected a number of points, because there are no times, received "
            f"{window!r}. Pass time=."
        )
    values, ends = [], []
    rolling = getattr(pysig, f"{name}_windows")
    for part in _parts(rows.offsets):
        given = _with_times(rows, options, part)
        rule: dict[str, Any] = {key: given.pop(key) for key in RULE if key in given}
        if not hasattr(window, "__index__"):  # a length of time
            if stride is not None:
                raise ValueError("stride: expected None with a window of time. Leave it out.")
            rule["times"] = rows.times[part]
        elif stride is not None:
            rule["stride"] = stride
        values.append(rolling(rows.points[part], depth, window, **rule, **given))
        ends.append(_last_rows(part, window, rule))
    return (np.concatenate(values) if values else None), ends


def _last_rows(part: slice, window: Any, rule: Mapping[str, Any]) -> Any:
    """The row at which each window ends."""
    count = part.stop - part.start
    bounds = pysig.window_bounds(count, window, **rule)
    if "times" in rule:  # one window for each point, or for the last ones
        return part.start + np.arange(count - len(bounds), count)
    return part.start + bounds[:, 1] - 1


def _parts(offsets: Any) -> Iterator[slice]:
    for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        yield slice(start, stop)


def _result(rows: Rows, labels: list[str], values: Any, ends: list[Any] | None) -> Any:
    """The frame of the results; `values` None: there are no windows."""
    keys = dict(rows.keys)
    if values is None:
        values = np.zeros((0, len(labels)))
    if ends is not None:
        counts = [len(own) for own in ends]
        paths = np.repeat(np.arange(len(ends)), counts)
        keys = {name: rows.table.take_from(column, paths) for name, column in keys.items()}
        last = np.concatenate(ends) if ends else np.zeros(0, np.int64)
        if rows.time is not None:
            keys[str(rows.time)] = rows.table.take(rows.time, rows.order[last])
        else:
            starts = np.repeat(rows.offsets[:-1], counts)
            keys["point"] = last - starts
    for name in keys:
        if name in labels:
            raise ValueError(
                f"by: expected columns that are not called like a result, received {name!r}. "
                "Rename the column."
            )
    return rows.table.frame(keys, labels, values)
