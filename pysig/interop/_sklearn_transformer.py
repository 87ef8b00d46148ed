"""Signatures of whole paths as features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import factorial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

import pysig
from pysig._api._checks import as_numeric, describe
from pysig._api._memory import check_memory
from pysig._backend import NUMPY
from pysig._combinatorics.labels import names_after
from pysig.interop._sklearn_input import Paths, read_paths


class SignatureTransformer(TransformerMixin, BaseEstimator):
    """Signatures or log-signatures as features.

    Parameters
    ----------
    depth : int, default 3
        Truncation depth.
    channels : int, default 1
        Number of channels of 2-D input, whose rows hold one path each, point after point.
    basis : {None, "words", "brackets", "hall", "expanded"}, default None
        Basis of the log-signature, see `pysig.logsignature`. None: the signature.
    words : sequence of tuple of int or of labels, default None
        Compute these words of the signature only. Labels name channels, such as ``"S(x,time)"``.
    stages : str, pysig.Time, or sequence of these, default "time"
        The argument `transform` of `pysig.signature`. None: none.
    basepoint : bool, default False
        If True, the features depend on where a path starts.
    scaling : {None, "factorial"} or sequence of float, default None
        Factor of each level. "factorial" multiplies level k by ``k!``, so that all levels have
        similar sizes. A sequence gives a factor for each level.
    channel_names : sequence of str, default None
        Names of the channels, for `get_feature_names_out`. None: the columns of data frames, else
        "0", "1", and so on.
    n_jobs : int, default None
        Threads, see `pysig.set_workers`. None: the default of pysig.

    Attributes
    ----------
    n_channels_ : int
        Channels of the paths.
    n_features_in_ : int
        Columns of 2-D input; channels of any other.
    feature_names_in_, channel_names_in_ : array of str
        Names of the columns of a data frame, and of data frames in a list; absent without names.

    See Also
    --------
    WindowSignatureTransformer : Signatures of parts of the paths.

    Notes
    -----
    A 3-D array may be padded by points of NaN. `transform` takes metadata, which scikit-learn
    routes with ``sklearn.set_config(enable_metadata_routing=True)``: `lengths`, the numbers of
    points of padded paths, and `times`, the times of the points for the stage "time".

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.sklearn import SignatureTransformer
    >>> paths = [np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])]
    >>> features = SignatureTransformer(depth=2, stages=None, channel_names=["x", "y"])
    >>> features.fit_transform(paths)
    array([[1. , 2. , 0.5, 1. , 1. , 2. ],
           [1. , 1. , 0.5, 1. , 0. , 0.5]])
    >>> features.get_feature_names_out().tolist()
    ['S(x)', 'S(y)', 'S(x,x)', 'S(x,y)', 'S(y,x)', 'S(y,y)']
    """

    def __init__(
        self,
        depth: int = 3,
        *,
        channels: int = 1,
        basis: str | None = None,
        words: Any = None,
        stages: Any = "time",
        basepoint: bool = False,
        scaling: Any = None,
        channel_names: Sequence[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.depth = depth
        self.channels = channels
        self.basis = basis
        self.words = words
        self.stages = stages
        self.basepoint = basepoint
        self.scaling = scaling
        self.channel_names = channel_names
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> SignatureTransformer:
        """Check parameters and paths; learn the number and the names of the channels.

        Parameters
        ----------
        X : array_like or sequence of array_like
            Paths.
        y : None
            Ignored.

        Returns
        -------
        SignatureTransformer
            The estimator itself.
        """
        self._prepare(read_paths(self, X, reset=True).checked())
        return self

    def transform(self, X: Any, *, lengths: Any = None, times: Any = None) -> Any:
        """Signatures of paths.

        Parameters
        ----------
        X : array_like or sequence of array_like
            Paths of the channels that `fit` has seen; other lengths are possible.
        lengths : array_like of int, shape (n,), optional
            Numbers of points of padded paths.
        times : array_like or sequence of array_like, optional
            Times of the points, see `pysig.Time`.

        Returns
        -------
        array, shape (n, features)
            In the dtype of `X`.
        """
        check_is_fitted(self, "n_channels_")
        return self._features(read_paths(self, X, reset=False, lengths=lengths), times)

    def fit_transform(
        self, X: Any, y: Any = None, *, lengths: Any = None, times: Any = None
    ) -> Any:
        """`fit` and `transform` in one pass.

        Parameters
        ----------
        X, lengths, times
            See `transform`.
        y : None
            Ignored.

        Returns
        -------
        array, shape (n, features)
            See `transform`.
        """
        paths = read_paths(self, X, reset=True, lengths=lengths)
        self._prepare(paths)
        return self._features(paths, times)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the features, such as ``S(x,time)``; ``L(x,y)`` for a log-signature.

        Parameters
        ----------
        input_features : sequence of str, optional
            Names of the channels; for 2-D input the names of its columns, which are only checked.

        Returns
        -------
        ndarray of str
            A name for each column.
        """
        check_is_fitted(self, "n_channels_")
        names = self._transformed_names(input_features)
        count = len(names)
        if self.basis is not None:
            found = pysig.logsignature_labels(count, self.depth, self.basis, names=names)
            labels = [f"L{label}" if label[:1] == "[" else f"L({label})" for label in found]
        else:
            words = None if self.words is None else self._word_tuples
            depth = self.depth if words is None else None
            found = pysig.labels(count, depth, words=words, names=names)
            labels = [f"S({label})" if label != "()" else "S()" for label in found]
        return np.asarray(labels, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # ---- parameters ----

    def _prepare(self, paths: Paths) -> None:
        """Check the parameters for these channels."""
        if self.basis is not None and self.words is not None:
            raise ValueError(
                "words: expected None, because basis is given, received "
                f"{self.words!r}. A log-signature has all its coordinates. Leave one out."
            )
        for name in ("words", "channel_names"):
            value = getattr(self, name)
            if isinstance(value, str) or not (value is None or isinstance(value, Iterable)):
                raise TypeError(
                    f"{name}: expected a sequence, received {describe(value)}. Pass a list."
                )
        levels = self._levels
        self._factors_ = None if self.scaling is None else self._factors(levels)
        self._n_features_out = len(levels)
        if self.channel_names is not None and len(self.channel_names) != paths.channels:
            raise ValueError(
                f"channel_names: expected {paths.channels} names, received "
                f"{len(self.channel_names)}. Name every channel."
            )

    @property
    def _stage_list(self) -> list[Any]:
        if self.stages is None:
            return []
        return list(self.stages) if isinstance(self.stages, (list, tuple)) else [self.stages]

    @property
    def _width(self) -> int:
        """Channels of the transformed path."""
        return pysig.transformed_shape(1, self.n_channels_, self.stages)[1]

    @property
    def _word_tuples(self) -> list[tuple[int, ...]]:
        if all(isinstance(word, str) for word in self.words):
            names = self._transformed_names(None)
            try:
                return pysig.words_of_labels(list(self.words), self._width, names=names)
            except ValueError as error:  # it names the argument `labels`
                raise ValueError(f"words{str(error).removeprefix('labels')}") from None
        return [tuple(word) for word in self.words]

    @property
    def _levels(self) -> Any:
        """The level of each feature."""
        if self.words is not None:
            return np.array([len(word) for word in self._word_tuples])
        width, depth = self._width, self.depth
        pysig.signature_size(width, depth)  # checks the depth
        check_memory(width, depth, 1, False, 8, NUMPY)
        sizes = [0] + [
            pysig.signature_size(width, k)
            if self.basis is None
            else pysig.logsignature_size(width, k, self.basis)
            for k in range(1, depth + 1)
        ]
        return np.repeat(np.arange(1, depth + 1), np.diff(sizes))

    def _factors(self, levels: Any) -> Any:
        highest = int(levels.max(initial=1))
        if isinstance(self.scaling, str):
            if self.scaling != "factorial":
                raise ValueError(
                    f'scaling: expected None, "factorial" or a sequence of numbers, received '
                    f"{self.scaling!r}. Pass a number for each level."
                )
            table = np.array([float(factorial(k)) for k in range(highest + 1)])
        else:
            given = as_numeric(self.scaling, "scaling", NUMPY)
            table = np.concatenate([[1.0], np.asarray(given, np.float64).ravel()])
            if len(table) <= highest:
                raise ValueError(
                    f"scaling: expected a factor for each of the {highest} levels, received "
                    f"{len(table) - 1}. Pass one number for each level."
                )
        return table[levels]

    def _transformed_names(self, input_features: Any) -> list[str]:
        names = ["time" if isinstance(stage, pysig.Time) else stage for stage in self._stage_list]
        return list(names_after(self._names(input_features), names))

    def _names(self, input_features: Any) -> list[str]:
        """Names of the channels."""
        count = self.n_channels_
        if input_features is not None:
            given = [str(name) for name in input_features]
            if len(given) == count and self.n_features_in_ == count:
                return given
            if len(given) != self.n_features_in_:
                raise ValueError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(given)}"
                )
            known = getattr(self, "feature_names_in_", None)
            if known is not None and given != list(known):
                raise ValueError("input_features is not equal to feature_names_in_")
        if self.channel_names is not None:
            return [str(name) for name in self.channel_names]
        known = getattr(self, "channel_names_in_", None)
        return [str(k) for k in range(count)] if known is None else list(known)

    # ---- work ----

    def _features(self, paths: Paths, times: Any) -> Any:
        if paths.has_single_points:
            paths = paths.checked()
        features = self._computed(paths, times)
        if isinstance(features, np.ndarray):
            # Level 1 is NaN if and only if a point is missing, or if it overflows.
            first = features if self.words is not None else features[:, : self._width]
            if not np.isfinite(first.sum()):
                features = self._computed(paths.checked(), times)
        if self._factors_ is not None:
            features *= like(self._factors_, features)
        return features

    def _options(self, paths: Paths, times: Any) -> dict[str, Any]:
        """Options of all functions of pysig."""
        return {
            "basepoint": None if self.basepoint is False else self.basepoint,
            "transform": self._stages_with(times),
            "lengths": paths.lengths,
            "workers": self.n_jobs,
        }

    def _computed(self, paths: Paths, times: Any) -> Any:
        options = self._options(paths, times)
        if self.basis is not None:
            return pysig.logsignature(paths.data, self.depth, basis=self.basis, **options)
        if self.words is not None:
            return pysig.signature(paths.data, words=self._word_tuples, **options)
        return pysig.signature(paths.data, self.depth, **options)

    def _stages_with(self, times: Any) -> Any:
        """The stages, with `times` for the stage "time"."""
        if times is None:
            return self.stages
        stages = self._stage_list
        if "time" not in [stage for stage in stages if isinstance(stage, str)]:
            raise ValueError(
                'times: expected None, because stages have no "time", received '
                f'{type(times).__name__}. Add the stage "time".'
            )
        return [
            pysig.Time(times) if isinstance(stage, str) and stage == "time" else stage
            for stage in stages
        ]


def like(factors: Any, features: Any) -> Any:
    """The factors in the dtype and on the device of the features."""
    if isinstance(features, np.ndarray):
        return factors.astype(features.dtype)
    import cupy

    return cupy.asarray(factors, features.dtype)
