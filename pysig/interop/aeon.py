"""The signature transformer of aeon, computed by pysig.

It has the parameters of `aeon.transformations.collection.signature_based.SignatureTransformer` and
returns the same features in the same order, so that a program changes one import.
"""

from __future__ import annotations

from typing import Any

from aeon.transformations.collection import BaseCollectionTransformer
from aeon.utils.validation import check_n_jobs

from pysig.interop._signature_method import Method

__all__ = ["SignatureTransformer"]


class SignatureTransformer(BaseCollectionTransformer):
    """Signatures of windows of augmented series, as a transformer of aeon.

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
        Log-signatures are in the Hall basis of `pysig.logsignature`, which is that of aeon.
    depth : int, default 4
        Truncation depth.
    n_jobs : int, default 1
        Threads; -1 for all processors.

    See Also
    --------
    pysig.interop.sklearn.SignatureTransformer : All options of pysig, for scikit-learn.

    Notes
    -----
    Series of different lengths are taken for "global" and "dyadic" windows, which aeon refuses.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.aeon import SignatureTransformer
    >>> X = np.random.default_rng(0).normal(size=(5, 2, 20))  # (cases, channels, time points)
    >>> SignatureTransformer(depth=2, window_depth=1).fit_transform(X).shape
    (5, 36)
    """

    _tags = {  # noqa: RUF012
        "output_data_type": "Tabular",
        "X_inner_type": ["numpy3D", "np-list"],
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": False,
        "capability:multithreading": True,
        "removes_unequal_length": True,
        "fit_is_empty": True,
        "algorithm_type": "feature",
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
        n_jobs: int = 1,
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
        """The features (cases, windows * size)."""
        method = Method(*[getattr(self, name) for name in Method._fields])
        paths = [case.T for case in X] if isinstance(X, list) else X.transpose(0, 2, 1)
        return method.features(paths, check_n_jobs(self.n_jobs))

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> Any:
        """Parameters for the checks of aeon."""
        return [
            {"depth": 3, "window_name": "global"},
            {"depth": 2, "window_depth": 1, "sig_tfm": "logsignature"},
        ]
