"""Streams of points: objects of the extension, which keep the signature of what was pushed."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._extension import core


def _class_of(dtype: Any) -> Any:
    return core.SignatureStream32 if np.dtype(dtype) == np.float32 else core.SignatureStream64


def stream(channels: int, depth: int, dtype: Any) -> Any:
    """A stream that nothing was pushed into."""
    return _class_of(dtype)(channels, depth)


def restored(data: bytes, dtype: Any) -> Any:
    """The stream whose `serialise` gave `data`."""
    return _class_of(dtype).deserialise(data)
