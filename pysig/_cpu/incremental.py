"""Incremental signatures: objects of the extension."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._extension import core


def _class_of(dtype: Any) -> Any:
    single = np.dtype(dtype) == np.float32
    return core.IncrementalSignature32 if single else core.IncrementalSignature64


def new_incremental(channels: int, depth: int, dtype: Any) -> Any:
    """An incremental signature without points."""
    return _class_of(dtype)(channels, depth)


def restored_incremental(data: bytes, dtype: Any) -> Any:
    """The incremental signature whose `serialise` returned `data`."""
    return _class_of(dtype).deserialise(data)
