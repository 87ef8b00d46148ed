"""Sliding signatures: objects of the extension."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._extension import core


def _class_of(dtype: Any) -> Any:
    single = np.dtype(dtype) == np.float32
    return core.SlidingSignature32 if single else core.SlidingSignature64


def new_sliding(channels: int, depth: int, dtype: Any, worst_case: bool) -> Any:
    """A sliding signature without points."""
    return _class_of(dtype)(channels, depth, worst_case)


def restored_sliding(data: bytes, dtype: Any) -> Any:
    """The sliding signature whose `serialise` returned `data`."""
    return _class_of(dtype).deserialise(data)
