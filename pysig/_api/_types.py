"""Types of arrays in the signatures of public functions.

A function of an array returns an array of the same library: CuPy for CuPy, NumPy for everything
else, such as lists. `Array` says so: it is solved by an array of a GPU, and is that of NumPy by
default (PEP 696).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import TypeVar
else:
    from typing import TypeVar as _TypeVar

    def TypeVar(name: str, *, bound: Any, default: Any) -> Any:
        """A variable without its default, which Python before 3.13 does not have."""
        return _TypeVar(name, bound=bound)


class DeviceArray(Protocol):
    """An array on a GPU, such as `cupy.ndarray`."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...


class Table(Protocol):
    """A data frame or a column of pandas or polars."""

    def to_numpy(self, *args: Any, **kwargs: Any) -> Any: ...


class HostArray(Protocol):
    """An array of another library in main memory."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


NDArray: TypeAlias = np.ndarray[Any, np.dtype[Any]]
ArrayLike: TypeAlias = NDArray | HostArray | Table | Sequence[Any]
Array = TypeVar("Array", bound=DeviceArray | NDArray, default=NDArray)
