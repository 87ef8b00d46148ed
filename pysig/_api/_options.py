"""The options of `signature`, declared once: types, defaults, and the check of their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Unpack
else:  # annotations are not evaluated; NumPy is the only dependency at run time
    Unpack = dict

from pysig._api._checks import hint

__all__ = [
    "DEFAULTS",
    "KERNEL_DEFAULTS",
    "GramOptions",
    "IncrementsGradientOptions",
    "IncrementsOptions",
    "IntervalOptions",
    "KernelGradientOptions",
    "KernelOptions",
    "LogsignatureIntervalOptions",
    "LogsignatureOptions",
    "PathOptions",
    "SignatureOptions",
    "Unpack",
    "complete",
    "takes",
]

Function = TypeVar("Function", bound=Callable[..., Any])


class PathOptions(TypedDict, total=False):
    """Options that say how points are read and how far along the path results go."""

    stream: bool
    basepoint: Any
    initial: Any
    inverse: bool
    lengths: Any
    offsets: Any
    transform: Any
    workers: int | None


class LogsignatureOptions(PathOptions, total=False):
    """Options of `logsignature` and its derivatives."""

    method: str


class SignatureOptions(LogsignatureOptions, total=False):
    """Options of the derivatives of `signature`; `signature` itself has `out`, too."""

    scalar_term: bool
    words: Any


class LogsignatureIntervalOptions(TypedDict, total=False):
    """Options of `logsignature_windows`, `logsignature_intervals` and their derivatives."""

    basepoint: Any
    inverse: bool
    lengths: Any
    transform: Any
    workers: int | None


class IntervalOptions(LogsignatureIntervalOptions, total=False):
    """Options of `signature_windows`, `signature_intervals` and their derivatives."""

    scalar_term: bool
    words: Any


DEFAULTS: dict[str, Any] = {
    "stream": False,
    "basepoint": None,
    "initial": None,
    "inverse": False,
    "scalar_term": False,
    "words": None,
    "lengths": None,
    "offsets": None,
    "transform": None,
    "method": "auto",
    "workers": None,
}


class GramOptions(TypedDict, total=False):
    """Options of signature kernels that statistics of Gram matrices have."""

    order: int | None
    rtol: float | None
    dyadic_order: int
    static_kernel: Any
    weights: Any
    normalize: Any
    lengths: Any
    basepoint: Any
    transform: Any
    method: str
    workers: int | None


class KernelGradientOptions(GramOptions, total=False):
    """Options of the derivatives of signature kernels."""

    levels: bool


class KernelOptions(KernelGradientOptions, total=False):
    """Options of signature kernels."""

    grid: bool


class IncrementsGradientOptions(TypedDict, total=False):
    """Options of the derivatives of signature kernels of given increments."""

    order: int | None
    dyadic_order: int
    weights: Any
    levels: bool
    method: str
    workers: int | None


class IncrementsOptions(IncrementsGradientOptions, total=False):
    """Options of signature kernels of given increments."""

    grid: bool


KERNEL_DEFAULTS: dict[str, Any] = {
    "order": None,
    "rtol": None,
    "dyadic_order": 0,
    "static_kernel": None,
    "weights": None,
    "levels": False,
    "grid": False,
    "normalize": False,
    "lengths": None,
    "basepoint": None,
    "transform": None,
    "method": "auto",
    "workers": None,
}


def takes(declared: type, defaults: Mapping[str, Any] = DEFAULTS) -> Callable[[Function], Function]:
    """Decorate a function of ``**options: Unpack[declared]``: `help` and `inspect.signature` show
    every option with its default, and no other keyword. `out` comes last.
    """
    names = getattr(declared, "__annotations__", {})
    shown = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=_text(names[name])
        )
        for name, value in defaults.items()
        if name in names
    ]

    def decorate(function: Function) -> Function:
        plain = inspect.signature(function)
        own = [p for p in plain.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = [p for p in shown if p.name not in plain.parameters]
        last = [p for p in own if p.name == "out"]
        parameters = [*(p for p in own if p.name != "out"), *more, *last]
        function.__signature__ = plain.replace(parameters=parameters)  # type: ignore[attr-defined]
        return function

    return decorate


def _text(annotation: Any) -> str:
    """The text of an annotation that is not evaluated."""
    return str(getattr(annotation, "__forward_arg__", annotation))


def complete(
    caller: Any, options: Mapping[str, Any], defaults: Mapping[str, Any] = DEFAULTS
) -> dict[str, Any]:
    """`options` with defaults for all others; TypeError for a name that `caller` does not take."""
    known = caller.__signature__.parameters
    for name in options:
        if name not in known:
            raise TypeError(
                f"{caller.__name__}() got an unexpected keyword argument {name!r}."
                f"{hint(_SYNONYMS.get(name, name), known)}"
            )
    return {**defaults, **options}


# Names in other libraries.
_SYNONYMS = {
    "degree": "depth",
    "level": "depth",
    "n_levels": "depth",
    "kernel": "static_kernel",
    "static": "static_kernel",
    "dyadic": "dyadic_order",
    "n_jobs": "workers",
    "num_threads": "workers",
}
