"""The signature transformer of sktime, computed by pysig.

It has the parameters of `sktime.transformations.signature_based.SignatureTransformer`, except for
`backend`, and returns the same features in the same order, so that a program changes one import.
"""

from __future__ import annotations

from typing import Any

from sktime.transformations.base import BaseTransformer

from pysig.interop._signature_method import Method

__all__ = ["SignatureTransformer"]


class SignatureTransformer(BaseTransformer):
    """Signatures of windows of augmented series, as a transformer of sktime.

    Parameters
    ----------
    augmentation_list : str or tuple of str, default ("basepoint", "addtime")
        Augmentations in their order: "basepoint" puts the origin in front, "addtime" adds time from
        0 to 1 as the first channel, "leadlag" pairs the series with itself one step behind, "ir" is
        the invisibility-reset, "cumsum" takes sums of the points.
    window_name : {"global", "sliding", "expanding", "dyadic"}, default "dyadic"
        The windows of the augmented series: all of it, windows of a fixed length, those that begin
        at the first point, or the whole, its halves, quarters, and so on.
    window_depth : int, default 3
        For "dyadic": how often the series is halved.
    window_length, window_step : int, optional
        For "sliding" and "expanding": number of points of the first window, and from one window to
        the next.
    rescaling : {None, "pre", "post"}, optional
        "pre": multiply the augmented series by ``depth! ** (1 / depth)``. "post": multiply level k
        by ``k!``; for signatures.
    sig_tfm : {"signature", "logsignature"}, default "signature"
        Log-signatures are in the Hall basis of `pysig.logsignature`, which is that of sktime.
    depth : int, default 4
        Truncation depth.
    n_jobs : int, optional
        Threads. None: the setting of `pysig.set_workers`.

    See Also
    --------
    pysig.interop.sklearn.SignatureTransformer : All options of pysig, for scikit-learn.

    Notes
    -----
    Series of different lengths are taken for "global" and "dyadic" windows.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.sktime import SignatureTransformer
    >>> X = np.random.default_rng(0).normal(size=(5, 2, 20))  # (instances, channels, time points)
    >>> SignatureTransformer(depth=2, window_depth=1).fit_transform(X).shape
    (5, 36)
    """

    _tags = {  # noqa: RUF012
        "authors": "pysig",
        "scitype:transform-input": "Series",
        "scitype:transform-output": "Primitives",
        "scitype:instancewise": True,
        "X_inner_mtype": ["numpy3D", "df-list"],
        "y_inner_mtype": "None",
        "fit_is_empty": True,
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:unequal_length:removes": True,
        "capability:missing_values": False,
        "capability:categorical_in_X": False,
    }

    def __init__(
        self,
        augmentation_list: Any = ("basepoint", "addtime"),
        window_name: str = "dyadic",
        window_depth: int = 3,
        window_length: int | None = None,
        window_step: int | None = None,
        rescaling: str | None = None,
        sig_tfm: str = "signature",
        depth: int = 4,
        n_jobs: int | None = None,
    ) -> None:
        self.augmentation_list = augmentation_list
        self.window_name = window_name
        self.window_depth = window_depth
        self.window_length = window_length
        self.window_step = window_step
        self.rescaling = rescaling
        self.sig_tfm = sig_tfm
        self.depth = depth
        self.n_jobs = n_jobs
        super().__init__()

    def _transform(self, X: Any, y: Any = None) -> Any:
        """The features (instances, windows * size)."""
        method = Method(*[getattr(self, name) for name in Method._fields])
        if isinstance(X, list):
            return method.features([frame.to_numpy() for frame in X], self.n_jobs)
        return method.features(X.transpose(0, 2, 1), self.n_jobs)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> Any:
        """Parameters for the checks of sktime.

        Parameters
        ----------
        parameter_set : str, default "default"
            Name of the set; there is one.

        Returns
        -------
        list of dict
            Parameters of instances.
        """
        return [
            {"depth": 3, "window_name": "global"},
            {"depth": 2, "window_depth": 1, "sig_tfm": "logsignature"},
        ]
