"""The options of signature kernels that decide what is computed of each pair."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from pysig._api import _checks
from pysig._api.static_kernels import PointKernel, check_static_kernel
from pysig._backend import is_cupy
from pysig._plans.signature_kernel import LINEAR, MAX_ORDER, KernelPlan

METHODS = ("auto", "features", "recursion", "finite_difference")
# 4^10 cells for each pair of segments: more is a slip, and orders are cheaper.
MAX_DYADIC_ORDER = 10
# The term of level n is at most (length_x length_y)^n / n!^2: beyond this depth it is 0 for all
# paths whose kernel is finite.
MAX_KERNEL_DEPTH = 1000
# |K_P - K_{P+1}| relative to sqrt(Kxx Kyy): a tenth of what float32 resolves in long paths, and a
# value that orders up to 10 reach for float64.
DEFAULT_RTOL = {"float32": 1e-4, "float64": 1e-8}


class Choice(NamedTuple):
    """Checked options: the plan of the recursion, and what is not part of it."""

    plan: KernelPlan
    static: PointKernel
    method: str
    rtol: float | None  # not None: the order of the plan is to be chosen
    given_rtol: bool  # else it is the default
    levels: bool
    grid: bool
    normalize: bool | str

    @property
    def exact(self) -> bool:
        """Whether signatures give the same kernel."""
        plan = self.plan
        if self.rtol is not None or self.grid or plan.static.kind != LINEAR:
            return False
        return plan.scheme == "levels" and (plan.order >= plan.depth or self.method == "features")


def check_choice(depth: Any, options: Mapping[str, Any], dtype: Any) -> Choice:
    """Check everything that does not depend on the paths."""
    method = options["method"]
    if not isinstance(method, str) or method not in METHODS:
        names = ", ".join(map(repr, METHODS))
        raise ValueError(f"method: expected one of {names}, received {method!r}.")
    static = check_static_kernel(options["static_kernel"])
    if depth is not None:
        depth = _checks.check_integer(depth, "depth", 1)
        if depth > MAX_KERNEL_DEPTH:
            raise ValueError(
                f"depth: expected at most {MAX_KERNEL_DEPTH}, received "
                f"{_checks.integer_text(depth)}. Pass None and an order for all levels."
            )
    order = _check_order(options["order"])
    rtol = _check_rtol(options["rtol"], order)
    dyadic = _checks.check_integer(options["dyadic_order"], "dyadic_order", 0)
    if dyadic > MAX_DYADIC_ORDER:
        raise ValueError(
            f"dyadic_order: expected at most {MAX_DYADIC_ORDER}, received {dyadic}. A higher order "
            "costs less."
        )
    levels = _checks.check_flag(options["levels"], "levels")
    grid = _checks.check_flag(options["grid"], "grid")
    normalize = _check_normalize(options["normalize"])
    _check_together(method, depth, options, levels, grid, normalize)
    weights = _check_weights(options["weights"], depth)
    scheme, given = "square" if depth is None else "levels", False
    if method == "finite_difference":
        scheme, order = "finite_difference", 0
    elif order is None and depth is not None and rtol is None:
        order = _exact_order(depth, method)
    elif order is None:
        given = rtol is not None
        rtol = DEFAULT_RTOL[np.dtype(dtype).name] if rtol is None else rtol
    plan = KernelPlan(scheme, order or 0, depth or 0, dyadic, static.plan, weights)
    choice = Choice(plan, static, method, rtol, given, levels, grid, normalize)
    _check_features(choice, options)
    return choice


def _exact_order(depth: int, method: str) -> int:
    """The order at which the recursion is exact, if there is one."""
    if depth > MAX_ORDER and method != "features":
        raise ValueError(
            f"depth: expected at most {MAX_ORDER} without order or rtol, because the recursion is "
            f'exact up to this depth, received {depth}. Pass order, rtol or method="features".'
        )
    return min(depth, MAX_ORDER)


def _check_order(order: Any) -> int | None:
    if order is None:
        return None
    number = _checks.check_integer(order, "order", 1)
    if number > MAX_ORDER:
        raise ValueError(
            f"order: expected an integer from 1 to {MAX_ORDER}, received {number}. Raise "
            "dyadic_order for more accuracy."
        )
    return number


def _check_rtol(rtol: Any, order: int | None) -> float | None:
    if rtol is None:
        return None
    if isinstance(rtol, bool) or not isinstance(rtol, Real):
        raise TypeError(f"rtol: expected a number, received {_checks.describe(rtol)}.")
    if order is not None:
        raise ValueError(
            f"rtol: expected None, because order is given, received {rtol}. Leave one out."
        )
    value = float(rtol)
    if not 0 < value < 1:
        raise ValueError(f"rtol: expected a number between 0 and 1, received {value}.")
    return value


def _check_normalize(normalize: Any) -> bool | str:
    if isinstance(normalize, str) and normalize == "levels":
        return "levels"
    if not isinstance(normalize, (bool, np.bool_)):
        raise ValueError(
            f"normalize: expected True, False or 'levels', received {_checks.describe(normalize)}."
        )
    return bool(normalize)


def _check_together(
    method: str,
    depth: int | None,
    options: Mapping[str, Any],
    levels: bool,
    grid: bool,
    normalize: bool | str,
) -> None:
    """Raise for options that exclude each other."""
    if method == "finite_difference":
        for name in ("order", "rtol"):
            if options[name] is not None:
                raise ValueError(
                    f"{name}: expected None, because finite differences have no order, received "
                    f'{options[name]}. Use dyadic_order, or method="recursion".'
                )
        if depth is not None:
            raise ValueError(
                f"depth: expected None, because finite differences have no levels, received "
                f'{depth}. Use method="recursion".'
            )
    of_levels = {
        "levels": levels,
        "weights": options["weights"] is not None,
        "normalize": normalize == "levels",
    }
    for name, given in of_levels.items():
        if given and depth is None:
            shown = _checks.describe(options[name]) if name == "weights" else repr(options[name])
            raise ValueError(
                f"{name}: expected {None if name == 'weights' else False}, because depth is None "
                f"and an untruncated kernel has no last level, received {shown}. Pass depth."
            )
    if grid and (levels or normalize):
        other = "levels" if levels else "normalize"
        raise ValueError(
            f"grid: expected False together with {other}, received True. Leave one out."
        )


def _check_features(choice: Choice, options: Mapping[str, Any]) -> None:
    """Raise if `method` is "features" and the kernel is not one of signatures."""
    if choice.method != "features":
        return
    if choice.plan.static.kind != LINEAR:
        raise ValueError(
            f'method: expected "auto" or "recursion" with {choice.static}, received "features". '
            "Signatures give kernels of the static kernel Linear only."
        )
    if choice.plan.scheme != "levels":
        raise ValueError(
            'depth: expected an integer with method="features", received None. Pass depth.'
        )
    for name in ("order", "rtol"):
        if options[name] is not None:
            raise ValueError(
                f'{name}: expected None, because method="features" is exact, received '
                f"{options[name]}. Leave it out."
            )
    if choice.plan.dyadic_order:
        raise ValueError(
            'dyadic_order: expected 0, because method="features" is exact, received '
            f"{choice.plan.dyadic_order}. Leave it out."
        )
    if choice.grid:
        raise ValueError(
            'grid: expected False with method="features", received True. Use method="recursion".'
        )


def _check_weights(weights: Any, depth: int | None) -> tuple[float, ...] | None:
    """The weights of the levels 0 to depth."""
    if weights is None:
        return None
    assert depth is not None
    on_host = weights.get() if is_cupy(weights) else weights
    try:
        array = np.asarray(on_host)
        _checks.check_floating(array, "weights")
    except ValueError:
        raise ValueError(
            f"weights: expected an array, received {_checks.describe(weights)}."
        ) from None
    if array.shape != (depth + 1,):
        raise ValueError(
            f"weights: expected shape ({depth + 1},), a weight for each of the levels 0 to "
            f"{depth}, received {array.shape}."
        )
    values = tuple(float(value) for value in array)
    wrong = [value for value in values if not 0 <= value < np.inf]
    if wrong:
        raise ValueError(
            f"weights: expected non-negative finite numbers, received {wrong[0]}. Others do not "
            "give a positive semi-definite kernel."
        )
    return values
