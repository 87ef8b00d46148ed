"""Files of `SignatureIndex`: a header as JSON, then arrays at multiples of 64 bytes.

Arrays are little-endian. They can be mapped into memory without being read.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from pysig._api._checks import describe

MAGIC = b"pysigidx"
FORMAT = 1
ALIGNMENT = 64
_DTYPES = {"float32": "<f4", "float64": "<f8", "int64": "<i8"}


def _padding(size: int) -> int:
    return -size % ALIGNMENT


def write(path: Any, facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write a file, which appears when it is complete."""
    target = _target(path)
    described = {name: [array.dtype.name, list(array.shape)] for name, array in arrays.items()}
    header = json.dumps({"format": FORMAT, **facts, "arrays": described}).encode()
    header += b" " * _padding(len(MAGIC) + 8 + len(header))
    try:
        _replace(target, MAGIC + len(header).to_bytes(8, "little") + header, arrays)
    except OSError as error:  # it names the temporary file
        if error.errno is None:
            raise
        raise type(error)(error.errno, error.strerror, str(target)) from None


def _target(path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"file: expected the path of a file, received {describe(path)}. Pass a str or a Path."
        )
    return Path(path)


def _replace(target: Path, head: bytes, arrays: Mapping[str, Any]) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        try:
            file.write(head)
            for array in arrays.values():
                stored = np.ascontiguousarray(array, _DTYPES[array.dtype.name])
                file.write(stored.data.cast("B") if stored.size else b"")
                file.write(b"\0" * _padding(stored.nbytes))
            file.close()
            os.replace(file.name, target)
        except BaseException:
            file.close()
            Path(file.name).unlink(missing_ok=True)
            raise


def read(path: Any, mmap: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The facts and arrays of a file; with `mmap` the arrays are mapped, read-only."""
    source = _target(path)
    with source.open("rb") as file:
        start = file.read(len(MAGIC) + 8)
        size = int.from_bytes(start[len(MAGIC) :], "little")
        if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + 8:
            raise _wrong(source, "it has another format")
        if size > source.stat().st_size:
            raise _wrong(source, "it is cut off")
        try:
            facts = json.loads(file.read(size))
        except (ValueError, RecursionError):
            facts = None
    if not isinstance(facts, dict):
        raise _wrong(source, "its header is damaged")
    if facts.get("format") != FORMAT:
        raise _wrong(source, f"its format {facts.get('format')} is unknown to this version")
    try:
        described = {name: (dtype, tuple(s)) for name, (dtype, s) in facts.pop("arrays").items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _wrong(source, "its header is damaged") from None
    offset, arrays = len(MAGIC) + 8 + size, {}
    for name, (dtype, shape) in described.items():
        if not isinstance(dtype, str) or dtype not in _DTYPES or not are_sizes(*shape):
            raise damaged(source)
        stored = np.dtype(_DTYPES[dtype])
        length = prod(shape) * stored.itemsize
        if offset + length > source.stat().st_size:
            raise _wrong(source, "it is cut off")
        if not length:
            array: Any = np.empty(shape, stored)
        elif mmap:
            array = np.memmap(source, stored, "r", offset, shape)
        else:
            array = np.fromfile(source, stored, prod(shape), offset=offset).reshape(shape)
        arrays[name] = array if mmap else array.astype(dtype, copy=False)
        offset += length + _padding(length)
    if offset < source.stat().st_size:
        raise _wrong(source, "it has more bytes than its header says")
    return facts, arrays


def are_sizes(*values: Any) -> bool:
    """Whether all values are integers of at least 0, as JSON reads them."""
    return all(type(value) is int and value >= 0 for value in values)


def damaged(path: Any) -> ValueError:
    """The error for arrays of wrong sizes."""
    return _wrong(Path(path), "sizes and arrays do not fit together")


def _wrong(path: Path, reason: str) -> ValueError:
    return ValueError(
        f"file: expected a file of SignatureIndex.save, received {str(path)!r}: {reason}. Save the "
        "index again."
    )
