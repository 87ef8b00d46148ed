"""A test of two samples of paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

import pysig
from pysig.interop._sklearn_input import Paths, read_paths
from pysig.interop._sklearn_kernel import SignatureKernel


class MMDTest(BaseEstimator):
    """Test whether paths of two classes have the same distribution.

    The statistic is the squared maximum mean discrepancy of the classes. Random permutations of the
    labels give its distribution under the hypothesis that both are equal, see `pysig.mmd_test`.

    Parameters
    ----------
    kernel : SignatureKernel, default None
        The kernel. None: ``SignatureKernel()``.
    channels : int, default 1
        Number of channels of 2-D input, whose rows hold one path each, point after point.
    unbiased : bool, default True
        The statistic, see `pysig.mmd`.
    n_permutations : int, default 999
        Number of permutations.
    random_state : int, RandomState, numpy.random.Generator or None, default None
        Seed of the permutations.

    Attributes
    ----------
    statistic_ : float
        The squared maximum mean discrepancy.
    pvalue_ : float
        The share of permutations, the labels themselves among them, with at least this statistic.
    null_distribution_ : ndarray, shape (n_permutations,)
        The statistics of the permutations.
    classes_ : ndarray, shape (2,)
        The labels.
    n_channels_, n_features_in_, feature_names_in_, channel_names_in_
        See `SignatureTransformer`.

    See Also
    --------
    pysig.mmd_test : The function that it computes.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.sklearn import MMDTest
    >>> rng = np.random.default_rng(0)
    >>> paths = rng.normal(size=(60, 20, 2)).cumsum(axis=1) / 5
    >>> labels = np.repeat(["before", "after"], 30)
    >>> MMDTest(random_state=0).fit(paths, labels).pvalue_ > 0.05
    True
    >>> paths[:30] += np.linspace(0, 1, 20)[:, None]
    >>> MMDTest(random_state=0).fit(paths, labels).pvalue_
    0.001
    """

    def __init__(
        self,
        kernel: Any = None,
        *,
        channels: int = 1,
        unbiased: bool = True,
        n_permutations: int = 999,
        random_state: Any = None,
    ) -> None:
        self.kernel = kernel
        self.channels = channels
        self.unbiased = unbiased
        self.n_permutations = n_permutations
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> MMDTest:
        """Compute the statistic and its p-value.

        Parameters
        ----------
        X : array_like or sequence of array_like
            Paths of both classes.
        y : array_like, shape (n,)
            The class of each path: two different labels.

        Returns
        -------
        MMDTest
            The estimator itself.
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None. Pass the class of each path."
            )
        kernel = SignatureKernel() if self.kernel is None else self.kernel
        if not isinstance(kernel, SignatureKernel):
            raise TypeError(
                f"kernel: expected a SignatureKernel or None, received {type(kernel).__name__}."
            )
        paths = read_paths(self, X, reset=True).checked()
        labels = column_or_1d(y, warn=True)
        if len(labels) != len(paths.counts):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"{[len(paths.counts), len(labels)]}"
            )
        check_classification_targets(labels)
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            plural = "class" if len(self.classes_) == 1 else "classes"
            raise ValueError(
                f"y: expected labels of 2 classes, received {len(self.classes_)} {plural}. For "
                "more classes, test pairs of them."
            )
        result = self._test(paths, index, kernel)
        self.statistic_, self.pvalue_, self.null_distribution_ = result
        return self

    def _test(self, paths: Paths, index: Any, kernel: SignatureKernel) -> Any:
        """The test of the paths of class 0 against those of class 1."""
        rows = [np.flatnonzero(index == k) for k in (0, 1)]
        if isinstance(paths.data, list):
            x, y = ([paths.data[row] for row in some] for some in rows)
        else:
            x, y = (paths.data[some] for some in rows)
        lengths = None
        if paths.lengths is not None:
            lengths = tuple(np.asarray(paths.lengths)[some] for some in rows)
        seed = self.random_state
        if not isinstance(seed, np.random.Generator):
            seed = int(check_random_state(seed).randint(np.iinfo(np.int32).max))
        return pysig.mmd_test(
            x,
            y,
            kernel.depth,
            unbiased=self.unbiased,
            n_permutations=self.n_permutations,
            seed=seed,
            lengths=lengths,
            **kernel.options,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)  # two labels
        return tags
