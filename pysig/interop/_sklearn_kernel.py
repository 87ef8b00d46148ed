"""Signature kernels for support vector machines and Gaussian processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

import pysig
from pysig.interop._sklearn_input import Paths, array_module, paths_alone

NESTED = "static_kernel__"


class SignatureKernel(Kernel):
    """Signature kernel of paths, as a kernel of scikit-learn.

    It is a function of two sets of paths, for ``SVC(kernel=...)``, and a kernel of Gaussian
    processes with gradients by the parameters of the static kernel.

    Parameters
    ----------
    depth : int or None, default 4
        Truncation depth. None: all levels; then pass `order`.
    order : int, default None
        The order of the kernel, see `pysig.signature_kernel`. None: exact up to `depth`.
    static_kernel : kernel of pysig.kernels, default None
        Kernel of points. None: their inner product.
    static_bounds : tuple (low, high), "fixed", or dict of these, default (1e-3, 1e3)
        Bounds of the parameters of `static_kernel` in the optimisation of Gaussian processes; a
        dict has them by name.
    normalize : bool or "levels", default True
        See `pysig.signature_kernel`.
    weights : sequence of float, default None
        Factors of the levels 0 to `depth`.
    dyadic_order : int, default 0
        See `pysig.signature_kernel`.
    channels : int, default 1
        Number of channels of 2-D input, whose rows hold one path each, point after point.
    stages : str, pysig.Time, or sequence of these, default "time"
        The argument `transform` of `pysig.signature_kernel`, such as ``("basepoint", "time")``.
        None: none.
    n_jobs : int, default None
        Threads, see `pysig.set_workers`. None: the default of pysig.

    See Also
    --------
    pysig.signature_kernel_matrix : The function that it computes.

    Notes
    -----
    scikit-learn's Gaussian processes accept 2-D input only: pass rows with `channels`, or
    `path_objects` of anything else. A parameter of the static kernel that is zero is fixed.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.sklearn import SignatureKernel
    >>> from sklearn.svm import SVC
    >>> rng = np.random.default_rng(0)
    >>> paths = rng.normal(size=(40, 20, 2)).cumsum(axis=1)
    >>> paths[::2] += np.linspace(0, 9, 20)[:, None]
    >>> model = SVC(kernel=SignatureKernel(3)).fit(paths, np.arange(40) % 2)
    >>> model.score(paths, np.arange(40) % 2) > 0.9
    True
    """

    def __init__(
        self,
        depth: int | None = 4,
        *,
        order: int | None = None,
        static_kernel: Any = None,
        static_bounds: Any = (1e-3, 1e3),
        normalize: Any = True,
        weights: Any = None,
        dyadic_order: int = 0,
        channels: int = 1,
        stages: Any = "time",
        n_jobs: int | None = None,
    ) -> None:
        self.depth = depth
        self.order = order
        self.static_kernel = static_kernel
        self.static_bounds = static_bounds
        self.normalize = normalize
        self.weights = weights
        self.dyadic_order = dyadic_order
        self.channels = channels
        self.stages = stages
        self.n_jobs = n_jobs

    # ---- values ----

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """The kernels of all pairs of paths.

        Parameters
        ----------
        X, Y : array_like or sequence of array_like
            Paths. Without Y, or if it is X, those of X with themselves.
        eval_gradient : bool, optional
            Whether to return the gradient by the logarithms of the hyperparameters, too.

        Returns
        -------
        array, shape (n_X, n_Y)
            The kernels.
        array, shape (n_X, n_X, n_dims)
            Their gradient, if `eval_gradient`.
        """
        if eval_gradient and Y is not None:
            raise ValueError("Gradient can only be evaluated when Y is None.")
        x = paths_alone(self, X)
        y = None if Y is None or Y is X else paths_alone(self, Y)
        if y is not None and y.channels != x.channels:
            raise ValueError(
                f"X has {x.channels} channels, but Y has {y.channels} channels. Pass paths in the "
                "same space."
            )
        lengths = x.lengths if y is None else _pair_of_lengths(x, y)
        options = {**self.options, "lengths": lengths}
        data = None if y is None else y.data
        gram = pysig.signature_kernel_matrix(x.data, data, self.depth, **options)
        return (gram, self._gradient(x, gram, options)) if eval_gradient else gram

    def _gradient(self, x: Paths, gram: Any, options: dict[str, Any]) -> Any:
        """Derivatives by the logarithms of the parameters that are not fixed."""
        free = [h.name[len(NESTED) :] for h in self.hyperparameters if not h.fixed]
        gradient = array_module(gram).empty((*gram.shape, len(free)), gram.dtype)
        for k, name in enumerate(free):
            moves = {name: float(getattr(self.static_kernel, name))}
            gradient[..., k] = pysig.signature_kernel_matrix_jvp(
                x.data, None, None, None, self.depth, parameters_tangent=moves, **options
            )
        return gradient

    def diag(self, X: Any) -> Any:
        """The kernels of paths with themselves.

        Parameters
        ----------
        X : array_like or sequence of array_like
            Paths.

        Returns
        -------
        array, shape (n_X,)
            The diagonal of ``self(X)``.
        """
        x = paths_alone(self, X)
        options = {**self.options, "lengths": _pair_of_lengths(x, x)}
        return pysig.signature_kernel(x.data, x.data, self.depth, **options)

    def is_stationary(self) -> bool:
        """False: the kernel is not a function of a difference of paths.

        Returns
        -------
        bool
            Always False.
        """
        return False

    @property
    def requires_vector_input(self) -> bool:
        """False: paths are not vectors of fixed length."""
        return False

    @property
    def options(self) -> dict[str, Any]:
        """The keywords of `pysig.signature_kernel`."""
        if self.depth is None and self.order is None:
            raise ValueError(
                "order: expected an integer from 1 to 16, because depth is None, received None. "
                "Training and prediction need kernels of one order."
            )
        return {
            "order": self.order,
            "static_kernel": self.static_kernel,
            "normalize": self.normalize,
            "weights": self.weights,
            "dyadic_order": self.dyadic_order,
            "transform": self.stages,
            "workers": self.n_jobs,
        }

    # ---- parameters ----

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, those of the static kernel as ``static_kernel__bandwidth``.

        Parameters
        ----------
        deep : bool, optional
            Whether to include those of the static kernel.

        Returns
        -------
        dict
            The parameters.
        """
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep and hasattr(self.static_kernel, "get_params"):
            inner = self.static_kernel.get_params()
            params.update({NESTED + name: value for name, value in inner.items()})
        return params

    def set_params(self, **params: Any) -> SignatureKernel:
        """Set parameters by name; a changed static kernel is a new object.

        Parameters
        ----------
        **params
            Parameters, as in `get_params`.

        Returns
        -------
        SignatureKernel
            The kernel itself.
        """
        inner = {
            name[len(NESTED) :]: value.item() if isinstance(value, np.generic) else value
            for name, value in params.items()
            if name.startswith(NESTED)
        }
        super().set_params(**{k: v for k, v in params.items() if not k.startswith(NESTED)})
        if inner:
            known = self.get_params()
            for name in inner:
                if NESTED + name not in known:
                    raise ValueError(
                        f"Invalid parameter {NESTED + name!r} for kernel {type(self).__name__}. "
                        "Check the list of available parameters with "
                        "`kernel.get_params().keys()`."
                    )
            self.static_kernel = replace(self.static_kernel, **inner)
        return self

    @property
    def hyperparameters(self) -> list[Any]:
        """The differentiable parameters of the static kernel."""
        names = getattr(self.static_kernel, "GRADIENTS", {})
        return [Hyperparameter(NESTED + name, "numeric", self._bounds_of(name)) for name in names]

    def _bounds_of(self, name: str) -> Any:
        if getattr(self.static_kernel, name) == 0:
            return "fixed"  # its logarithm does not exist
        bounds = self.static_bounds
        if isinstance(bounds, Mapping):
            names = list(self.static_kernel.GRADIENTS)
            if not set(bounds) <= set(names):
                raise ValueError(
                    f"static_bounds: expected names among {', '.join(names)}, received "
                    f"{', '.join(map(repr, bounds))}."
                )
            bounds = bounds.get(name, (1e-3, 1e3))
        if isinstance(bounds, str) and bounds == "fixed":
            return "fixed"
        array = None if isinstance(bounds, str) else np.asarray(bounds)
        if array is None or array.shape != (2,) or not 0 < array[0] <= array[1] < np.inf:
            raise ValueError(
                'static_bounds: expected (low, high) with 0 < low <= high, "fixed", or a dict of '
                f"these, received {self.static_bounds!r}."
            )
        return tuple(array.tolist())

    def __repr__(self) -> str:
        default = SignatureKernel()
        own = self.get_params(deep=False)
        shown = [
            f"{name}={value!r}"
            for name, value in own.items()
            if repr(value) != repr(getattr(default, name, value))
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _pair_of_lengths(x: Paths, y: Paths) -> Any:
    """The argument `lengths` of two sets of paths."""
    if x.lengths is None and y.lengths is None:
        return None
    return x.lengths, y.lengths
