"""Signatures of xarray arrays with named dimensions.

The dimensions of time and of channels become a dimension `word`, whose coordinates name the words
and their levels. Arrays in chunks (Dask) are computed chunk by chunk by `pysig.interop.dask`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import pysig
from pysig._combinatorics.labels import names_after

__all__ = ["logsignature", "signature"]

RULE = ("start", "closed", "include_previous")  # options of windows


class Source(NamedTuple):
    """An array, the names of its dimensions, and the options."""

    array: Any
    dim: str
    channel: str
    word: str
    names: list[str]  # of the channels after the transform
    options: dict[str, Any]
    keep_attrs: bool | None


class Windows(NamedTuple):
    """The windows of a call. `ends` are the points at which they end."""

    window: Any
    rule: dict[str, Any]
    ends: Any


def signature(
    array: Any,
    depth: int | None = None,
    *,
    dim: str = "time",
    channel: str | None = "channel",
    window: Any = None,
    stride: int | None = None,
    words: Sequence[Any] | None = None,
    scalar_term: bool = False,
    word: str = "word",
    level: str = "level",
    keep_attrs: bool | None = None,
    **options: Any,
) -> Any:
    """Signatures of paths in an array with named dimensions.

    Parameters
    ----------
    array : xarray.DataArray or xarray.Dataset
        Paths. Dimensions other than `dim` and `channel` are a batch. The variables of a Dataset are
        channels. The data may be a NumPy, CuPy or Dask array.
    depth : int, optional
        Truncation depth, at least 1. Leave it out with `words`.
    dim : str, optional
        The dimension along which the points of a path follow each other.
    channel : str or None, optional
        The dimension of the channels; its coordinate names them. None: a DataArray has one channel,
        whose name is that of the array.
    window : int, float, timedelta64, or str, optional
        Compute the signature of each window instead: a number of points, or a length of time before
        and at each point in the unit of the coordinate of `dim`, see `pysig.signature_windows`.
        Text such as "60s" is for coordinates that are dates or lengths of time.
    stride : int, optional
        For windows of a number of points: from one window to the next. None: 1.
    words : sequence of tuple of int, or of str, optional
        The words to compute instead of all up to `depth`, as letters or as labels such as
        ``"x,y"``.
    scalar_term : bool, optional
        If True, the first word is the empty one, ``()``, with the constant 1.
    word, level : str, optional
        Names of the dimension of words, and of the coordinate along it that is their number of
        letters.
    keep_attrs : bool, optional
        Whether the result has the attributes of `array`. None: the default of xarray.
    **options
        `basepoint`, `inverse`, `lengths`, `transform` and `workers` as of `pysig.signature`;
        `stream` without `window`; with `window` also `start`, `closed` and `include_previous`, see
        `pysig.signature_windows`. `lengths` and `basepoint` may be arrays with named dimensions. A
        stage "times" of `transform` is the coordinate of `dim`, in seconds if it holds dates.

    Returns
    -------
    xarray.DataArray
        The dimensions of the batch, then `dim` if there are windows or prefixes, then `word`. `dim`
        has the coordinate of the last point of each of these.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, a dimension is missing, or a name is taken. The message names it.

    See Also
    --------
    pysig.signature : Signature of arrays, with all options explained.
    logsignature : Log-signatures of the same input.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> from pysig.interop import xarray as sig
    >>> walk = xr.DataArray(
    ...     [[[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]],
    ...     dims=["station", "time", "channel"],
    ...     coords={"station": ["here"], "time": [0, 1, 3], "channel": ["x", "y"]},
    ... )
    >>> found = sig.signature(walk, 2)
    >>> found.dims, found.word.values.tolist()
    (('station', 'word'), ['x', 'y', 'x,x', 'x,y', 'y,x', 'y,y'])
    >>> float(found.sel(station="here", word="x,y"))
    2.0
    >>> found.sel(word=found.level == 1).values
    array([[1., 2.]])
    >>> sig.signature(walk, words=["x,y"], window=2).time.values
    array([1, 3])
    """
    source = _source(array, dim, channel, (word, level), options, keep_attrs)
    names = source.names
    wanted = None if words is None else _words(words, names)
    labels = pysig.labels(len(names), depth, scalar_term=scalar_term, words=wanted, names=names)
    if wanted is None:
        sizes = [len(names) ** k for k in range(1, (depth or 0) + 1)]
        levels = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    else:
        levels = np.array([len(letters) for letters in wanted], np.int64)
    if scalar_term:
        levels = np.concatenate([[0], levels])
    own = {"words": wanted, "scalar_term": scalar_term}
    return _computed("signature", source, depth, own, (window, stride)).assign_coords(
        {word: labels, level: (word, levels)}
    )


def logsignature(
    array: Any,
    depth: int,
    *,
    basis: str = "words",
    dim: str = "time",
    channel: str | None = "channel",
    window: Any = None,
    stride: int | None = None,
    word: str = "word",
    level: str = "level",
    keep_attrs: bool | None = None,
    **options: Any,
) -> Any:
    """Log-signatures of paths in an array with named dimensions.

    Parameters
    ----------
    array, depth
        See `signature`.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        See `pysig.logsignature`.
    dim, channel, window, stride, word, level, keep_attrs, **options
        See `signature`.

    Returns
    -------
    xarray.DataArray
        As `signature`, with Lyndon words or brackets such as ``[x,[x,y]]`` along `word`.

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
    >>> import xarray as xr
    >>> from pysig.interop import xarray as sig
    >>> walk = xr.Dataset({"x": ("time", [0.0, 1.0, 1.0]), "y": ("time", [0.0, 0.0, 2.0])})
    >>> found = sig.logsignature(walk, 2)
    >>> found.word.values.tolist(), found.values
    (['x', 'y', 'x,y'], array([1., 2., 1.]))
    """
    source = _source(array, dim, channel, (word, level), options, keep_attrs)
    names = source.names
    labels = pysig.logsignature_labels(len(names), depth, basis, names=names)
    plain = pysig.logsignature_labels(len(names), depth, basis)
    levels = np.array([label.count(",") + 1 for label in plain], np.int64)
    found = _computed("logsignature", source, depth, {"basis": basis}, (window, stride))
    return found.assign_coords({word: labels, level: (word, levels)})


# ---- arguments ----


def _source(
    array: Any,
    dim: str,
    channel: str | None,
    own: tuple[str, str],
    options: dict[str, Any],
    keep_attrs: bool | None,
) -> Source:
    """The checked array and options; `own` are the names that the result adds."""
    if isinstance(array, xr.Dataset):
        array = array.to_dataarray("channel" if channel is None else channel)
        channel = array.dims[0]
        if array.chunks is not None:
            array = array.chunk({channel: -1})
    elif not isinstance(array, xr.DataArray):
        raise TypeError(
            f"array: expected an xarray.DataArray or Dataset, received {type(array).__name__}. "
            "Pass other arrays to pysig.signature."
        )
    elif channel is None:
        channel = "channel" if "channel" not in array.dims else "channel of the path"
        array = array.expand_dims({channel: ["0" if array.name is None else str(array.name)]})
    for option, name in (("dim", dim), ("channel", channel)):
        if name not in array.dims:
            raise ValueError(
                f"{option}: expected a dimension of the array, received {name!r}. The dimensions "
                f"are {', '.join(map(repr, array.dims))}."
            )
    if dim == channel:
        raise ValueError(f"channel: expected another dimension than dim, received {channel!r}.")
    kept = {name for name, values in array.coords.items() if channel not in values.dims}
    for option, name in zip(("word", "level"), own, strict=True):
        if name in array.dims or name in kept or own[0] == own[1]:
            raise ValueError(
                f"{option}: expected a name that the result does not have, received {name!r}. "
                f"Pass {option}= another one."
            )
    names = [str(k) for k in range(array.sizes[channel])]
    if channel in array.coords:
        names = [str(name) for name in array.coords[channel].values.tolist()]
    stages = _stages(array, dim, options.get("transform"))
    after = names_after(names, ["time" if isinstance(s, pysig.Time) else s for s in stages], dim)
    given = {**options, "transform": stages or None}
    return Source(array, dim, channel, own[0], list(after), given, keep_attrs)


def _stages(array: Any, dim: str, transform: Any) -> list[Any]:
    """The stages of a transform, with the coordinate of `dim` for "times"."""
    listed = transform if isinstance(transform, (list, tuple)) else [transform]
    stages = [stage for stage in listed if stage is not None]
    for k, stage in enumerate(stages):
        if isinstance(stage, str) and stage == "times":
            if k:
                raise ValueError('transform: expected "times" as the first stage. Put it first.')
            stages[k] = pysig.Time(_times(array, dim, "transform"))
    return stages


def _times(array: Any, dim: str, option: str) -> Any:
    """The coordinate of `dim`."""
    if dim not in array.coords:
        raise ValueError(
            f"{option}: expected a coordinate of {dim!r}, which holds the times, received an array "
            f"without it. Assign it: array.assign_coords({dim}=...)."
        )
    return array.coords[dim].values


def _words(words: Sequence[Any], names: list[str]) -> list[tuple[int, ...]]:
    """Words as letters; labels are looked up among the names of the channels."""
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise TypeError(
            f"words: expected a sequence of words, received {type(words).__name__}. "
            'Pass for example ["x,y"] or [(0, 1)].'
        )
    if any(isinstance(word, str) for word in words):
        return pysig.words_of_labels(list(words), len(names), names=names)
    return [tuple(word) for word in words]


def _windows(source: Source, window: Any, stride: int | None) -> Windows:
    """The windows of a path, as in `pysig.window_bounds`."""
    options, array, dim = source.options, source.array, source.dim
    rule: dict[str, Any] = {key: options.pop(key) for key in RULE if key in options}
    if isinstance(window, str):
        window = _duration(window)
    if isinstance(window, np.timedelta64) or not hasattr(window, "__index__"):
        if stride is not None:
            raise ValueError("stride: expected None with a window of time. Leave it out.")
        rule["times"] = _times(array, dim, "window")
    elif stride is not None:
        rule["stride"] = stride
    bounds = pysig.window_bounds(array.sizes[dim], window, **rule)
    length = array.sizes[dim]
    if "times" in rule:  # one for each point, or for the last ones
        return Windows(window, rule, np.arange(length - len(bounds), length))
    return Windows(window, rule, bounds[:, 1] - 1)


def _duration(text: str) -> Any:
    from pandas import Timedelta

    try:
        return Timedelta(text).to_timedelta64()
    except ValueError:
        raise ValueError(
            f"window: expected a number of points or a length of time such as '60s', received "
            f"{text!r}."
        ) from None


def _in_order(value: Any, option: str, template: Any) -> Any:
    """The data of an option that may have named dimensions, in the order of `template`."""
    if not isinstance(value, xr.DataArray):
        return value
    more = [name for name in value.dims if name not in template.dims]
    if more:
        raise ValueError(
            f"{option}: expected dimensions among {template.dims}, received {value.dims}."
        )
    try:
        _, value = xr.align(template, value, join="exact")
    except ValueError as error:
        raise ValueError(
            f"{option}: expected the coordinates of the array, received others ({error})."
        ) from None
    if value.dims != template.dims[-1:]:
        value = value.broadcast_like(template).transpose(*template.dims)
    return value.data


# ---- results ----


def _computed(
    name: str, source: Source, depth: Any, own: Mapping[str, Any], windows: tuple[Any, Any]
) -> Any:
    """The result, without the coordinates of words."""
    array, dim, channel, options = source.array, source.dim, source.channel, source.options
    word, (window, stride) = source.word, windows
    rolling = None if window is None else _windows(source, window, stride)
    if window is None and stride is not None:
        raise ValueError("stride: expected None without window. Pass window=.")
    first = array.isel({dim: 0}, drop=True)
    batch = [side for side in array.dims if side not in (dim, channel)]
    given = {**options, **own}
    templates = {
        "basepoint": first.transpose(*batch, channel),
        "lengths": first.isel({channel: 0}, drop=True),
    }
    for option, template in templates.items():
        if option in given:
            given[option] = _in_order(given[option], option, template)
    ends = None
    if rolling is not None:
        name, given = f"{name}_windows", {**given, **rolling.rule, "window": rolling.window}
        ends = rolling.ends
    elif given.get("stream"):
        base = given.get("basepoint")
        based = base is not None and base is not False
        ends = _prefix_ends(array.sizes[dim], based, options["transform"] or [])

    def compute(data: Any) -> Any:
        library: Any = pysig
        if array.chunks is not None:
            from pysig.interop import dask as library
        return getattr(library, name)(data, depth, **given)

    found = xr.apply_ufunc(
        compute,
        array,
        input_core_dims=[[dim, channel]],
        output_core_dims=[[word] if ends is None else [dim, word]],
        exclude_dims={dim, channel},
        dask="allowed",
        keep_attrs=source.keep_attrs,
    )
    if ends is None:
        return found
    return found.assign_coords(array.isel({dim: ends}).isel({channel: 0}, drop=True).coords)


def _prefix_ends(length: int, based: bool, stages: list[Any]) -> Any:
    """The point at which each prefix of the transformed path ends."""
    points = np.arange(-1 if based else 0, length)
    for stage in stages:
        if stage == "basepoint":
            points = np.concatenate([[-1], points])
        elif stage == "lead_lag":
            points = np.repeat(points, 2)[1:]  # the lead moves first, then the lag
        elif stage == "reset":
            points = np.concatenate([points, points[-1:], points[-1:]])
    return np.maximum(points[1:], 0)
