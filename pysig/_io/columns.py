"""Names of channels, before and after a transform."""

from __future__ import annotations

from collections.abc import Sequence

from pysig._combinatorics.labels import names_after
from pysig._io.blocks import InputError


def channel_names(names: Sequence[str] | None, width: int) -> tuple[str, ...]:
    """The names of the channels of a file; the default names are 0, 1, ...

    >>> channel_names(None, 2)
    ('0', '1')
    """
    return tuple(names) if names is not None else tuple(str(k) for k in range(width))


def transformed_names(names: Sequence[str], stages: Sequence[str], time: str) -> tuple[str, ...]:
    """The names of the channels after the stages of a transform.

    >>> transformed_names(["x"], ["time", "lead_lag"], "time")
    ('lag_x', 'lag_time', 'lead_x', 'lead_time')
    """
    try:
        return names_after(names, ["time" if stage == "times" else stage for stage in stages], time)
    except ValueError as error:
        raise InputError(str(error)) from None
