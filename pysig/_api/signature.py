"""The signature of a path."""

from __future__ import annotations

from typing import Any, NoReturn

from pysig._api._call import SignatureCall
from pysig._api._fast_path import fast_call, fast_call_into
from pysig._api._options import SignatureOptions, complete, takes
from pysig._api._projection import ProjectionCall
from pysig._api._types import Array, ArrayLike
from pysig._backend import NUMPY

_fast_signature = NUMPY.host.fast_signature


@takes(SignatureOptions)
def signature(
    path: Array | ArrayLike,
    depth: int | None = None,
    *,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    offsets: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
    out: Any = None,
    **unknown: NoReturn,
) -> Array:
    """Signature of piecewise linear paths, truncated at `depth`.

    The coefficient of the word ``(i, j, ...)`` is the iterated integral of the channels i, j, ...
    along the path.

    Parameters
    ----------
    path : array_like, shape (..., length, channels), or sequence of array_like
        Points of the paths; any number of leading batch dimensions. float32 and float64 are kept,
        integers become float64. An array_like is computed on the CPU,
        a CuPy array on its GPU. Strided views are read in place. A list, tuple or object array of
        arrays of shape (length, channels) is a batch of paths of their own lengths.
    depth : int
        Truncation depth, the largest number of letters of a word, at least 1. With `words`, it may
        be left out.
    stream : bool, optional
        If True, return the signatures of all prefixes: of the first two points, three, and so on.
    basepoint : bool or array_like, shape (..., channels), optional
        A point in front of every path: True means zero. The signature then depends on where the
        path starts.
    initial : array_like, shape (..., size), optional
        A signature to continue from, laid out as the result is, with the scalar 1 in front if
        `scalar_term`: the result is ``initial ⊗ S(path)``. With `inverse` it must be a signature,
        not any tensor.
    inverse : bool, optional
        If True, return the group inverse, which is the signature of the reversed path.
    scalar_term : bool, optional
        If True, put the coefficient of the empty word, the constant 1, in front.
    words : sequence of tuple of int, optional
        Compute the coefficients of these words and their prefixes only, and return them in this
        order; letters are 0-based channels. See `anisotropic_words` for truncation by weight.
        `initial` then has the same words, and they must include all their prefixes
        (`prefix_closure`).
    lengths : array_like of int, shape (...), optional
        Number of points of each path, at least 1. Points after the first ``lengths[b]`` of path b
        are never read and may be NaN. With `stream`, rows after the end repeat the last one.
    offsets : array_like of int, shape (paths + 1,), optional
        For concatenated paths, `path` of shape (points, channels): path b is
        ``path[offsets[b] : offsets[b + 1]]``. Nothing is padded on the CPU. On a GPU, some paths at
        a time are.
    transform : str, Time, or sequence of these, optional
        Transformation applied on the fly before the signature; never materialised. "time" or `Time`
        adds a channel of time, "lead_lag" pairs the path with itself one step behind, "basepoint"
        puts the origin in front, "reset" adds a channel that is 1 until the path ends and lets it
        return to the origin. A sequence is applied in its order. Shapes and coefficients are those
        of the transformed path, see `transformed_shape`; new channels come last.
    method : {"auto", "tile", "cumsum"}, optional
        "tile": one pass over the path, with tiles of words held in registers. "cumsum": level by
        level, running sums over time (Keras Sig). "auto" chooses by a cost model. Results differ by
        rounding only.
    workers : int, optional
        Threads on the CPU, see `set_workers`; ignored on a GPU. The result does not depend on it.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (..., size), with `stream` (..., length - 1, size)
        ``size = signature_size(channels, depth, scalar_term)``; level after level, words in
        lexicographic order. With `words` a column for each of them instead. With `stream` there is
        a row for every point of the transformed path but the first (the basepoint, if there is
        one). A path of one point has the trivial signature, zeros. NaN and infinity propagate to
        the coefficients that depend on them, of that path only.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid. The message names it.
    MemoryError
        If the result does not fit into memory. The message names the bytes needed and available,
        and the largest depth that fits.

    See Also
    --------
    signature_vjp : Gradient of ``(cotangent * signature(path, depth, ...)).sum()`` (vector-Jacobian
        product).
    signature_jvp : Derivative of `signature` in a direction (Jacobian-vector product).
    signature_hvp : Derivative of `signature_vjp` in a direction (Hessian-vector product).
    logsignature : Log-signature of piecewise linear paths, truncated at `depth`.
    signature_windows : Signatures of sliding windows of a path, of a number of points or of a
        length of time.
    signature_kernel : Signature kernel, the inner product of the signatures of two paths.
    IncrementalSignature : The signature of a path whose points come one after the other.

    Notes
    -----
    Cost: about ``batch * (length - 1) * size`` multiply-adds; memory beyond the result is bounded,
    not proportional to the length. With `words` a step takes, for each of them and their prefixes,
    one multiply-add and one for each letter of its longest continuation.

    One step is ``S <- S ⊗ exp(x)`` in Horner form [1]_; "cumsum" is the reformulation of [2]_; the
    transforms are those of [3]_.

    References
    ----------
    .. [1] P. Kidger, T. Lyons, "Signatory: differentiable computations of the signature and
       logsignature transforms, on both CPU and GPU", ICLR 2021, arXiv:2001.00706.
    .. [2] R. Genet, H. Inzirillo, "Keras Sig: Efficient Path Signature Computation on GPU in Keras
       3", arXiv:2501.08455.
    .. [3] J. Morrill, A. Fermanian, P. Kidger, T. Lyons, "A Generalised Signature Method for
       Multivariate Time Series Feature Extraction", arXiv:2006.00873, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> pysig.signature(path, 2)
    array([1. , 2. , 0.5, 2. , 0. , 2. ])

    The area under the first channel before the second: word (0, 1).

    >>> float(pysig.signature(path, 2)[pysig.word_index((0, 1), channels=2)])
    2.0
    >>> pysig.signature(np.zeros((8, 100, 3)), 4).shape
    (8, 120)

    Paths of different lengths:

    >>> pysig.signature([path, path[:2]], 2).shape
    (2, 6)
    >>> pysig.signature(np.concatenate([path, path[:2]]), 1, offsets=[0, 3, 5])
    array([[1., 2.],
           [1., 0.]])

    Or that word alone:

    >>> pysig.signature(path, words=[(0, 1)])
    array([2.])

    With time as a third channel; with the path's own past as channels 0 and 1, which makes the
    area between channels 0 and 2 a half of its quadratic variation.

    >>> pysig.signature(path, 1, transform="time")
    array([1., 2., 1.])
    >>> s = pysig.signature(path, 2, transform="lead_lag")
    >>> float(s[pysig.word_index((2, 0), 4)] - s[pysig.word_index((0, 2), 4)])
    1.0
    """
    if unknown:
        complete(signature, unknown)  # raises
    unset = basepoint is initial is lengths is offsets is transform is words is None
    if unset and stream is inverse is scalar_term is False:
        if out is None:
            computed = fast_call(_fast_signature, method, workers, path, depth)
        else:
            computed = fast_call_into(out, _fast_signature, method, workers, path, depth)
        if computed is not None:
            return computed
    options = {
        "stream": stream,
        "basepoint": basepoint,
        "initial": initial,
        "inverse": inverse,
        "scalar_term": scalar_term,
        "words": words,
        "lengths": lengths,
        "offsets": offsets,
        "transform": transform,
        "method": method,
        "workers": workers,
    }
    if words is not None:
        return ProjectionCall("signature", path, depth, options).value(out)
    return SignatureCall("signature", path, depth, options, allocates=out is None).value(out)
