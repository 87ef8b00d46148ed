"""Number of threads, instruction set, and paths of headers and libraries."""

from __future__ import annotations

import operator
import os
import platform
from collections.abc import Iterator
from contextvars import ContextVar, Token
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from pysig._api._checks import describe
from pysig._backend import NUMPY

core: Any = NUMPY.host.build  # properties of the compiled extension
_workers: ContextVar[int | None] = ContextVar("pysig_workers", default=None)


def _cpu_count() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def check_workers(workers: Any) -> int:
    """The number of threads: `get_workers()` for None; negative numbers count from all CPUs."""
    if workers is None:
        return get_workers()
    if isinstance(workers, (bool, np.bool_)) or not hasattr(workers, "__index__"):
        raise TypeError(
            f"workers: expected an integer (negative: counted from all CPUs) or None, received "
            f"{describe(workers)}."
        )
    number = operator.index(workers)
    if number < 0:
        number += 1 + _cpu_count()
    if number < 1:
        raise ValueError(
            f"workers: expected a positive integer, or a negative one down to {-_cpu_count()}, "
            f"received {workers}."
        )
    return min(number, 1024)


class set_workers:
    """Set the maximum number of CPU threads of a call, for the current thread (context).

    The setting takes effect at once. A ``with`` statement restores the previous value at its end.
    Results do not depend on the number of threads. Small calls always use one thread.

    Parameters
    ----------
    workers : int
        Positive, or negative to count from the number of CPUs: -1 means all.

    Raises
    ------
    TypeError, ValueError
        If `workers` is not such an integer.

    See Also
    --------
    get_workers : The maximum number of CPU threads of a call.

    Notes
    -----
    Idle threads sleep for one second and then exit. They also exit before a fork of the process.

    Examples
    --------
    >>> import pysig
    >>> with pysig.set_workers(2):
    ...     pysig.get_workers()
    2
    """

    def __init__(self, workers: int) -> None:
        number = check_workers(workers)
        self._token: Token[int | None] = _workers.set(number)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _workers.reset(self._token)


def get_workers() -> int:
    """The maximum number of CPU threads of a call.

    Returns
    -------
    int
        The value of `set_workers`, by default the number of CPUs of this process.

    See Also
    --------
    set_workers : Set the maximum number of CPU threads of a call, for the current thread (context).

    Examples
    --------
    >>> import pysig
    >>> pysig.get_workers() >= 1
    True
    """
    return _workers.get() or _cpu_count()


def get_include() -> str:
    """The directory of the C++ headers, for ``#include <pysig/pysig.hpp>``.

    Returns
    -------
    str
        The argument of the compiler option ``-I``.

    See Also
    --------
    get_library : The compiled library with the C ABI, for a linker or for `ctypes`.
    get_cmake_dir : The directory of the CMake package, for ``find_package(pysig)``.

    Examples
    --------
    >>> import os, pysig
    >>> os.path.exists(os.path.join(pysig.get_include(), "pysig", "pysig.hpp"))
    True
    """
    return str(Path(core.__file__).parent / "include")


def get_library() -> str:
    """The compiled library with the C ABI, for a linker or for `ctypes`.

    Returns
    -------
    str
        The path of the file, on Windows of the import library. To compile a program:
        ``cc program.c -I<get_include()> <get_library()>``.

    See Also
    --------
    get_include : The directory of the C++ headers, for ``#include <pysig/pysig.hpp>``.

    Examples
    --------
    >>> import os, pysig
    >>> os.path.exists(pysig.get_library())
    True
    """
    folder = Path(core.__file__).parent / "lib"
    names = ("libpysig.so.*", "libpysig.*.dylib", "pysig.lib")
    found = [path for name in names for path in folder.glob(name)]
    assert found, f"{folder} was installed without the library"
    return str(found[0])


def get_cmake_dir() -> str:
    """The directory of the CMake package, for ``find_package(pysig)``.

    Returns
    -------
    str
        The value for ``-Dpysig_DIR=...``. Projects built by scikit-build-core find the package
        without it.

    See Also
    --------
    get_include : The directory of the C++ headers, for ``#include <pysig/pysig.hpp>``.

    Examples
    --------
    >>> import os, pysig
    >>> os.path.exists(os.path.join(pysig.get_cmake_dir(), "pysigConfig.cmake"))
    True
    """
    return str(Path(core.__file__).parent / "lib" / "cmake" / "pysig")


def distribution_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("pysig-signatures")
    except PackageNotFoundError:  # pragma: no cover - run from a tree that was never installed
        return str(core.version)


def configuration() -> dict[str, str]:
    """The entries of `show_config` as a dictionary."""
    return dict(_configuration())


def _configuration() -> Iterator[tuple[str, str]]:
    yield "pysig", distribution_version()
    yield "python", platform.python_version()
    yield "numpy", np.__version__
    yield "platform", f"{platform.system()} {platform.machine()}"
    yield "compiler", core.compiler
    yield "instruction set", f"{core.isa()} ({core.vector_bits()} bits)"
    yield "instruction sets available", core.available_isas()
    yield "workers", str(get_workers())
    yield "include", get_include()
    yield "cupy", _cupy_state()


def _cupy_state() -> str:
    for name in ("cupy-cuda13x", "cupy-cuda12x", "cupy"):
        try:
            return f"{version(name)} ({name})"
        except PackageNotFoundError:
            continue
    return "not installed (pip install cupy-cuda13x)"


def show_config() -> None:
    """Print versions, compiler, instruction set, number of threads, and the version of CuPy.

    By default pysig uses the widest instruction set of the machine. The environment variable
    ``PYSIG_ISA`` (``baseline``, ``avx2``, ``avx512`` or ``neon``) selects another one; set it
    before the first call.

    See Also
    --------
    get_workers : The maximum number of CPU threads of a call.

    Examples
    --------
    >>> import pysig
    >>> pysig.show_config()  # doctest: +ELLIPSIS
    pysig ...
    """
    entries = configuration()
    width = max(map(len, entries))
    for name, value in entries.items():
        print(f"{name:<{width}}  {value}")
