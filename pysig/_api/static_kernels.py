"""Static kernels: kernels of points, of which signature kernels make kernels of paths.

A static kernel is a frozen dataclass of its parameters. It is hashable and can be pickled, and it
has the methods by which scikit-learn searches over nested parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from numbers import Real
from typing import Any, ClassVar

from pysig._api import _checks
from pysig._plans import signature_kernel as _plan

MAX_DEGREE = 1000  # of Polynomial: 2^1024 is beyond float64


class PointKernel:
    """Base class of the static kernels; its subclasses are dataclasses."""

    # Names of the parameters that have a gradient, and their places in the plan.
    GRADIENTS: ClassVar[dict[str, int]] = {}

    @property
    def plan(self) -> _plan.StaticKernel:
        """The kernel as the backends take it."""
        raise NotImplementedError

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, for scikit-learn; `deep` has no effect."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def set_params(self, **params: Any) -> Any:
        """Change parameters in place and return the kernel; for scikit-learn, which clones it
        first.
        """
        names = self.get_params()
        for name in params:
            if name not in names:
                raise ValueError(
                    f"{name}: expected a parameter of {type(self).__name__} "
                    f"({', '.join(names)}), received {name!r}."
                )
        checked = replace(self, **params)  # type: ignore[type-var]
        for name in params:
            object.__setattr__(self, name, getattr(checked, name))
        return self

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """A deterministic name of the kernel, for Dask."""
        parts = (f"{name}={value!r}" for name, value in self.get_params().items())
        return (f"pysig.kernels.{type(self).__name__}", *parts)

    def _check_number(self, name: str, positive: bool = True) -> None:
        """Raise unless the parameter is a finite number, positive or not negative."""
        value: Any = getattr(self, name)
        kind = "positive" if positive else "non-negative"
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(
                f"{name}: expected a {kind} number, received {_checks.describe(value)}."
            )
        if not isfinite(value) or value < 0 or (positive and value == 0):
            raise ValueError(
                f"{name}: expected a {kind} finite number, received {_checks.describe(value)}. "
                "Other values do not give a positive semi-definite kernel."
            )


@dataclass(frozen=True)
class Linear(PointKernel):
    """Inner product of points, ``scale <x, y>``.

    With it the signature kernel is the inner product of signatures.

    Parameters
    ----------
    scale : float, optional
        Factor, positive. Level n of the signature kernel is multiplied by ``scale**n``.

    Raises
    ------
    TypeError, ValueError
        If `scale` is not a positive number.

    See Also
    --------
    pysig.signature_kernel : Signature kernel, the inner product of the signatures of two paths.
    Polynomial : Polynomial kernel of points, ``(scale <x, y> + gamma)^degree``.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> x, y = np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]])
    >>> float(pysig.signature_kernel(x, y, 2, static_kernel=pysig.kernels.Linear(0.5)))
    2.25
    """

    scale: float = 1.0
    GRADIENTS: ClassVar[dict[str, int]] = {"scale": 0}

    def __post_init__(self) -> None:
        self._check_number("scale")

    @property
    def plan(self) -> _plan.StaticKernel:
        """The kernel as the backends take it."""
        return _plan.StaticKernel(_plan.LINEAR, (float(self.scale), 0.0, 0.0))


@dataclass(frozen=True)
class RBF(PointKernel):
    """Gaussian kernel of points, ``exp(-|x - y|^2 / (2 bandwidth^2))``.

    The gamma of scikit-learn is ``1 / (2 bandwidth^2)``.

    Parameters
    ----------
    bandwidth : float, optional
        Length scale, positive; see `median_bandwidth`.

    Raises
    ------
    TypeError, ValueError
        If `bandwidth` is not a positive number.

    See Also
    --------
    median_bandwidth : Median of the distances between points of paths, a bandwidth for static
        kernels.
    pysig.signature_kernel : Signature kernel, the inner product of the signatures of two paths.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> paths = np.random.default_rng(0).normal(size=(4, 10, 3)).cumsum(axis=1)
    >>> kernel = pysig.kernels.RBF(pysig.kernels.median_bandwidth(paths))
    >>> pysig.signature_kernel_matrix(paths, static_kernel=kernel).shape
    (4, 4)
    """

    bandwidth: float = 1.0
    GRADIENTS: ClassVar[dict[str, int]] = {"bandwidth": 0}

    def __post_init__(self) -> None:
        self._check_number("bandwidth")

    @property
    def plan(self) -> _plan.StaticKernel:
        """The kernel as the backends take it."""
        return _plan.StaticKernel(_plan.RBF, (float(self.bandwidth), 0.0, 0.0))


_MATERN = {0.5: _plan.MATERN_12, 1.5: _plan.MATERN_32, 2.5: _plan.MATERN_52}


@dataclass(frozen=True)
class Matern(PointKernel):
    """Matérn kernel of points with ``r = |x - y| / bandwidth``.

    ``exp(-r)`` for nu = 1/2, ``(1 + u) exp(-u)`` with ``u = sqrt(3) r`` for 3/2, and ``(1 + u +
    u^2 / 3) exp(-u)`` with ``u = sqrt(5) r`` for 5/2.

    Parameters
    ----------
    bandwidth : float, optional
        Length scale, positive.
    nu : {0.5, 1.5, 2.5}, optional
        Smoothness.

    Raises
    ------
    TypeError, ValueError
        If `bandwidth` is not a positive number, or `nu` not one of the three.

    See Also
    --------
    median_bandwidth : Median of the distances between points of paths, a bandwidth for static
        kernels.
    pysig.signature_kernel : Signature kernel, the inner product of the signatures of two paths.

    Notes
    -----
    The kernel of nu = 1/2 has a kink where x = y. Its gradient there counts as zero.

    Examples
    --------
    >>> import pysig
    >>> pysig.kernels.Matern(2.0, nu=0.5)
    Matern(bandwidth=2.0, nu=0.5)
    """

    bandwidth: float = 1.0
    nu: float = 1.5
    GRADIENTS: ClassVar[dict[str, int]] = {"bandwidth": 0}

    def __post_init__(self) -> None:
        self._check_number("bandwidth")
        if isinstance(self.nu, bool) or self.nu not in _MATERN:
            raise ValueError(
                f"nu: expected 0.5, 1.5 or 2.5, received {_checks.describe(self.nu)}. Use RBF for "
                "the limit of large nu."
            )

    @property
    def plan(self) -> _plan.StaticKernel:
        """The kernel as the backends take it."""
        return _plan.StaticKernel(_MATERN[float(self.nu)], (float(self.bandwidth), 0.0, 0.0))


@dataclass(frozen=True)
class RationalQuadratic(PointKernel):
    """Rational quadratic kernel of points, ``(1 + |x - y|^2 / (2 alpha bandwidth^2))^-alpha``.

    A mixture of Gaussian kernels of different bandwidths.

    Parameters
    ----------
    bandwidth : float, optional
        Length scale, positive.
    alpha : float, optional
        Exponent, positive. For large alpha the kernel becomes `RBF`.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not a positive number.

    See Also
    --------
    median_bandwidth : Median of the distances between points of paths, a bandwidth for static
        kernels.
    pysig.signature_kernel : Signature kernel, the inner product of the signatures of two paths.

    Examples
    --------
    >>> import pysig
    >>> pysig.kernels.RationalQuadratic(2.0, alpha=0.5)
    RationalQuadratic(bandwidth=2.0, alpha=0.5)
    """

    bandwidth: float = 1.0
    alpha: float = 1.0
    GRADIENTS: ClassVar[dict[str, int]] = {"bandwidth": 0, "alpha": 1}

    def __post_init__(self) -> None:
        self._check_number("bandwidth")
        self._check_number("alpha")

    @property
    def plan(self) -> _plan.StaticKernel:
        """The kernel as the backends take it."""
        parameters = (float(self.bandwidth), float(self.alpha), 0.0)
        return _plan.StaticKernel(_plan.RATIONAL_QUADRATIC, parameters)


@dataclass(frozen=True)
class Polynomial(PointKernel):
    """Polynomial kernel of points, ``(scale <x, y> + gamma)^degree``.

    Parameters
    ----------
    degree : int, optional
        Power, from 1 to 1000.
    gamma : float, optional
        Constant, not negative.
    scale : float, optional
        Factor of the inner product, positive.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not such a number.

    See Also
    --------
    pysig.signature_kernel : Signature kernel, the inner product of the signatures of two paths.
    Linear : Inner product of points, ``scale <x, y>``.

    Examples
    --------
    >>> import pysig
    >>> pysig.kernels.Polynomial(2, gamma=0.5)
    Polynomial(degree=2, gamma=0.5, scale=1.0)
    """

    degree: int = 3
    gamma: float = 1.0
    scale: float = 1.0
    GRADIENTS: ClassVar[dict[str, int]] = {"gamma": 1, "scale": 2}

    def __post_init__(self) -> None:
        if _checks.check_integer(self.degree, "degree", 1) > MAX_DEGREE:
            raise ValueError(
                f"degree: expected at most {MAX_DEGREE}, received "
                f"{_checks.integer_text(int(self.degree))}. Higher powers overflow."
            )
        self._check_number("gamma", positive=False)
        self._check_number("scale")

    @property
    def plan(self) -> _plan.StaticKernel:
        """The kernel as the backends take it."""
        parameters = (float(self.degree), float(self.gamma), float(self.scale))
        return _plan.StaticKernel(_plan.POLYNOMIAL, parameters)


def check_static_kernel(kernel: Any, name: str = "static_kernel") -> PointKernel:
    """Check `static_kernel`, which messages call `name`; None is `Linear()`."""
    if kernel is None:
        return Linear()
    if not isinstance(kernel, PointKernel):
        names = ", ".join(cls.__name__ for cls in PointKernel.__subclasses__())
        if isinstance(kernel, type) and issubclass(kernel, PointKernel):
            advice = f"Write it with parentheses: {kernel.__name__}()."
        elif callable(kernel):
            advice = "Pass kernels of your own to signature_kernel_from_increments."
        elif isinstance(kernel, (list, tuple)):
            advice = "Only hsic takes a tuple, of the kernels of x and of y."
        else:
            advice = "Write a kernel as pysig.kernels.RBF(1.0)."
        raise TypeError(
            f"{name}: expected a kernel of pysig.kernels ({names}) or None, received "
            f"{_checks.describe(kernel)}. {advice}"
        )
    return kernel


def check_parameters_tangent(kernel: PointKernel, tangent: Any) -> tuple[float, float, float]:
    """Check `parameters_tangent`; how the parameters of the plan move."""
    moves = [0.0, 0.0, 0.0]
    if tangent is None:
        return tuple(moves)  # type: ignore[return-value]
    if not isinstance(tangent, Mapping):
        raise TypeError(
            "parameters_tangent: expected a dict of numbers by name of a parameter, received "
            f"{_checks.describe(tangent)}."
        )
    for name, value in tangent.items():
        if name not in kernel.GRADIENTS:
            raise ValueError(
                f"parameters_tangent: expected names among {', '.join(kernel.GRADIENTS)} of "
                f"{type(kernel).__name__}, received {name!r}."
            )
        number = value.item() if getattr(value, "shape", None) == () else value
        if isinstance(number, bool) or not isinstance(number, Real):
            raise TypeError(
                f"parameters_tangent[{name!r}]: expected a number, received "
                f"{_checks.describe(value)}."
            )
        moves[kernel.GRADIENTS[name]] = float(number)
    return tuple(moves)  # type: ignore[return-value]
