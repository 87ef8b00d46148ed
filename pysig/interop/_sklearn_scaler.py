"""Scaling of features by the sizes of their levels."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

import pysig

FLOATS = [np.float64, np.float32]
STATISTICS = ("rms", "max")
# S(x,time), L[x,[x,y]], w3__S(x): letters are separated by commas.
LABEL = re.compile(r"(?:w\d+__)?[SL][(\[](.*)[)\]]", re.DOTALL)


class SignatureScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide each level of signatures by its size in the training data.

    All features of a level have one factor. Relations between words of a level are kept, while
    `StandardScaler` gives all features the same variance.

    Parameters
    ----------
    depth : int, default None
        Depth of the signatures, from which the levels of the columns follow.
    basis : {None, "words", "brackets", "hall", "expanded"}, default None
        Basis of log-signatures of `depth`. None: signatures.
    levels : sequence of int, default None
        The level of each column. Without `depth` and `levels`, levels are read from names of
        columns such as ``"S(x,y)"``; without such names all columns are one level.
    statistic : {"rms", "max"}, default "rms"
        The size of a level: the root of the mean square of its features, or the largest absolute
        value.

    Attributes
    ----------
    scale_ : ndarray, shape (n_features,)
        The size that each column is divided by. 1 for a level of zeros.
    levels_ : ndarray of int, shape (n_features,)
        The level of each column.
    n_samples_seen_ : int
        Number of rows.
    n_features_in_, feature_names_in_
        See scikit-learn.

    See Also
    --------
    SignatureTransformer : Signatures of paths as features.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.sklearn import SignatureScaler
    >>> features = np.array([[1.0, 2.0, 10.0, 0.0, 0.0, 30.0], [3.0, 0.0, 0.0, 20.0, 10.0, 0.0]])
    >>> SignatureScaler(depth=2, statistic="max").fit_transform(features)
    array([[0.33333333, 0.66666667, 0.33333333, 0.        , 0.        ,
            1.        ],
           [1.        , 0.        , 0.        , 0.66666667, 0.33333333,
            0.        ]])
    """

    def __init__(
        self,
        depth: int | None = None,
        *,
        basis: str | None = None,
        levels: Any = None,
        statistic: str = "rms",
    ) -> None:
        self.depth = depth
        self.basis = basis
        self.levels = levels
        self.statistic = statistic

    def fit(self, X: Any, y: Any = None) -> SignatureScaler:
        """Learn the sizes of levels.

        Parameters
        ----------
        X : array_like, shape (n, features)
            Signatures or log-signatures.
        y : None
            Ignored.

        Returns
        -------
        SignatureScaler
            The estimator itself.
        """
        for name in ("n_samples_seen_", "_sizes_"):
            if hasattr(self, name):
                delattr(self, name)
        return self.partial_fit(X)

    def partial_fit(self, X: Any, y: Any = None) -> SignatureScaler:
        """Learn from more rows.

        Parameters
        ----------
        X, y
            See `fit`.

        Returns
        -------
        SignatureScaler
            The estimator itself.
        """
        if self.statistic not in STATISTICS:
            raise ValueError(f"statistic: expected 'rms' or 'max', received {self.statistic!r}.")
        first = not hasattr(self, "n_samples_seen_")
        array = validate_data(self, X, dtype=FLOATS, reset=first)
        if first:
            self.levels_ = self._levels_of_columns()
            self.n_samples_seen_ = 0
            self._sizes_ = np.zeros(array.shape[1])
        if self.statistic == "max":
            own = np.abs(array).max(axis=0)
            self._sizes_ = np.maximum(self._sizes_, own)
        else:
            self._sizes_ = self._sizes_ + np.square(array, dtype=np.float64).sum(axis=0)
        self.n_samples_seen_ += len(array)
        scale = np.ones(array.shape[1])
        for level in np.unique(self.levels_):
            columns = self.levels_ == level
            size = self._size(self._sizes_[columns])
            scale[columns] = size if size > 0 else 1.0
        self.scale_ = scale
        return self

    def transform(self, X: Any) -> Any:
        """Divide by the sizes.

        Parameters
        ----------
        X : array_like, shape (n, features)
            See `fit`.

        Returns
        -------
        ndarray, shape (n, features)
            In the dtype of `X`.
        """
        check_is_fitted(self)
        array = validate_data(self, X, dtype=FLOATS, reset=False)
        return array / self.scale_.astype(array.dtype)

    def inverse_transform(self, X: Any) -> Any:
        """Multiply by the sizes.

        Parameters
        ----------
        X : array_like, shape (n, features)
            The result of `transform`.

        Returns
        -------
        ndarray, shape (n, features)
            In the dtype of `X`.
        """
        check_is_fitted(self)
        array = validate_data(self, X, dtype=FLOATS, reset=False)
        return array * self.scale_.astype(array.dtype)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _size(self, sizes: Any) -> float:
        if self.statistic == "max":
            return float(sizes.max())
        return float(np.sqrt(sizes.sum() / (self.n_samples_seen_ * len(sizes))))

    def _levels_of_columns(self) -> Any:
        count = self.n_features_in_
        if self.levels is not None:
            levels = np.asarray(self.levels)
            if levels.shape != (count,):
                raise ValueError(
                    f"levels: expected a level for each of the {count} columns, received shape "
                    f"{levels.shape}."
                )
            return levels
        if self.depth is not None:
            return _levels_of(count, self.depth, self.basis)
        names = getattr(self, "feature_names_in_", None)
        matches = [LABEL.fullmatch(name) for name in ([] if names is None else names)]
        if not matches or None in matches:
            return np.zeros(count, int)
        return np.array([_letters(match[1]) for match in matches if match is not None])


def _letters(label: str) -> int:
    """The number of letters of a label; commas in quotes do not count."""
    return re.sub(r'"(?:[^"]|"")*"', "x", label).count(",") + 1 if label else 0


def _levels_of(columns: int, depth: int, basis: str | None) -> Any:
    """The levels of the columns of signatures of `depth`, of any number of channels."""

    def size(channels: int, level: int) -> int:
        if basis is None:
            return pysig.signature_size(channels, level)
        return pysig.logsignature_size(channels, level, basis)

    channels = 1
    while size(channels, depth) < columns:
        channels += 1
    if size(channels, depth) != columns:
        raise ValueError(
            f"depth: expected the depth of signatures of {columns} coefficients, received {depth}. "
            "Pass levels= for a choice of words."
        )
    sizes = [0, *(size(channels, level) for level in range(1, depth + 1))]
    return np.repeat(np.arange(1, depth + 1), np.diff(sizes))
