"""Signatures of windows of paths as features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import pysig
from pysig._api._checks import check_integer
from pysig._api._memory import available_memory, shortage
from pysig._api._windows import BYTES
from pysig._backend import NUMPY
from pysig.interop._sklearn_input import Paths
from pysig.interop._sklearn_transformer import SignatureTransformer, like


class WindowSignatureTransformer(SignatureTransformer):
    """Signatures of parts of paths as features.

    A path is divided into windows of equal numbers of steps, whatever its length, so that all paths
    have the same features. Neighbouring windows share a point.

    Parameters
    ----------
    depth : int, default 3
        Truncation depth.
    windows : int, default 2
        Number of divisions, see `scheme`.
    scheme : {"dyadic", "consecutive", "expanding"}, default "dyadic"
        "dyadic": the whole path, its halves, and so on, `windows` times: ``2**(windows + 1) - 1``
        windows. "consecutive": `windows` parts. "expanding": from the first point to the end of
        each of `windows` parts.
    channels, basis, words, stages, basepoint, scaling, channel_names, n_jobs
        See `SignatureTransformer`. The stages act within each window.

    Attributes
    ----------
    n_channels_, n_features_in_, feature_names_in_, channel_names_in_
        See `SignatureTransformer`.

    See Also
    --------
    SignatureTransformer : One row of features for each path.
    pysig.signature_windows : The function that it computes.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.sklearn import WindowSignatureTransformer
    >>> path = np.array([[[0.0], [1.0], [3.0], [2.0], [5.0]]])
    >>> features = WindowSignatureTransformer(1, windows=1, stages=None)
    >>> features.fit_transform(path)
    array([[5., 3., 2.]])
    >>> features.get_feature_names_out().tolist()
    ['w0__S(0)', 'w1__S(0)', 'w2__S(0)']
    """

    def __init__(
        self,
        depth: int = 3,
        *,
        windows: int = 2,
        scheme: str = "dyadic",
        channels: int = 1,
        basis: str | None = None,
        words: Any = None,
        stages: Any = "time",
        basepoint: bool = False,
        scaling: Any = None,
        channel_names: Sequence[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            depth,
            channels=channels,
            basis=basis,
            words=words,
            stages=stages,
            basepoint=basepoint,
            scaling=scaling,
            channel_names=channel_names,
            n_jobs=n_jobs,
        )
        self.windows = windows
        self.scheme = scheme

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the features, such as ``w0__S(x,time)`` for the first window.

        Parameters
        ----------
        input_features : sequence of str, optional
            See `SignatureTransformer`.

        Returns
        -------
        ndarray of str
            A name for each column, window by window.
        """
        names = super().get_feature_names_out(input_features)
        count = self._count
        return np.asarray([f"w{k}__{name}" for k in range(count) for name in names], dtype=object)

    @property
    def _levels(self) -> Any:
        levels = super()._levels
        self._check_fits(1, 8 * len(levels))
        return np.tile(levels, self._count)

    def _features(self, paths: Paths, times: Any) -> Any:
        features = self._computed(paths.checked(), times)
        if self._factors_ is not None:
            features *= like(self._factors_, features)
        return features

    def _computed(self, paths: Paths, times: Any) -> Any:
        options = self._options(paths, times)
        counts = paths.counts
        self._check_fits(len(counts), BYTES)
        bounds = self._bounds(counts)
        if self.basis is not None:
            options["basis"] = self.basis
            rows = pysig.logsignature_intervals(paths.data, self.depth, bounds, **options)
        elif self.words is not None:
            options["words"] = self._word_tuples
            rows = pysig.signature_intervals(paths.data, None, bounds, **options)
        else:
            rows = pysig.signature_intervals(paths.data, self.depth, bounds, **options)
        return rows.reshape(len(rows), -1)

    @property
    def _count(self) -> int:
        """The number of windows; at least 2**63 where it is larger."""
        if self.scheme not in ("dyadic", "consecutive", "expanding"):
            raise ValueError(
                'scheme: expected "dyadic", "consecutive" or "expanding", received '
                f"{self.scheme!r}. Pass one of these."
            )
        windows = check_integer(self.windows, "windows", 0 if self.scheme == "dyadic" else 1)
        return 2 ** (min(windows, 63) + 1) - 1 if self.scheme == "dyadic" else windows

    def _check_fits(self, paths: int, size: int) -> None:
        """MemoryError if windows of `size` bytes do not fit."""
        needed, available = paths * self._count * size, available_memory(NUMPY)
        if needed > (2**63 - 1 if available is None else available):
            shown = needed if needed < 2**64 else "more than 2**64 bytes"
            raise MemoryError(
                f"windows: the features of all windows {shortage(shown, available)} Reduce windows "
                "or depth."
            )

    def _bounds(self, counts: Any) -> Any:
        """The windows (paths, windows, 2) of paths of these numbers of points."""
        if self.scheme == "dyadic":
            levels = [_parts(counts, 2**k) for k in range(int(self.windows) + 1)]
            return np.concatenate(levels, axis=1)
        bounds = _parts(counts, int(self.windows))
        if self.scheme == "expanding":
            bounds[:, :, 0] = 0
        return bounds


def _parts(counts: Any, parts: int) -> Any:
    """Windows (paths, parts, 2) of points: equal numbers of steps, with the points at both ends."""
    ends = np.rint(np.linspace(0, counts - 1, parts + 1, axis=1)).astype(np.int64)
    return np.stack([ends[:, :-1], ends[:, 1:] + 1], axis=2)
