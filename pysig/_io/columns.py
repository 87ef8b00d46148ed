"""Names of channels, before and after a transform."""

from __future__ import annotations

from collections.abc import Sequence

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
    known = tuple(names)
    for stage in stages:
        if stage in ("time", "times"):
            known = (*known, time)
        elif stage == "lead_lag":
            known = tuple(f"{side}_{name}" for side in ("lag", "lead") for name in known)
        elif stage == "reset":
            known = (*known, "reset")
        twice = next((name for k, name in enumerate(known) if name in known[:k]), None)
        if twice is not None:
            raise InputError(f"{stage}: a channel is already called {twice!r}; rename it")
    return known
