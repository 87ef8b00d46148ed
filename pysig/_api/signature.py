"""The signature of a path."""

from __future__ import annotations

from math import prod
from typing import Any

from pysig._api import _checks
from pysig._api._fast_path import plain_call
from pysig._api.config import check_workers
from pysig._api.projection import check_projection, compute
from pysig._api.transform import check_transform
from pysig._backend import NUMPY, require
from pysig._plans.layout import plan_for
from pysig._plans.paths import Options, Paths
from pysig._plans.transform import channels_after, steps_after


def signature(
    path: Any,
    depth: int | None = None,
    *,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Signature of piecewise linear paths, truncated at `depth`.

    The coefficient of the word ``(i, j, ...)`` is the iterated integral of the channels i, j, ...
    along the path.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        Points of the paths; any number of leading batch dimensions. float32 and float64 are kept,
        integers become float64. A NumPy array (or what NumPy takes for one) is computed on the CPU,
        a CuPy array on its GPU. Strided views are read in place.
    depth : int
        The largest number of letters of a word, at least 1. With `words` it may be left out.
    stream : bool, optional
        Return the signatures of all prefixes: of the first two points, the first three, and so on.
    basepoint : bool or array_like, shape (..., channels), optional
        A point in front of every path: True means zero. With it the signature sees where the path
        starts.
    initial : array_like, shape (..., size), optional
        A signature to continue from, laid out as the result is (with the scalar if `scalar_term`,
        which is taken to be 1):
        the result is ``initial ⊗ S(path)``. With `inverse` it must be a signature, not any tensor.
    inverse : bool, optional
        Return the group inverse instead, which is the signature of the reversed path.
    scalar_term : bool, optional
        Keep the coefficient of the empty word, the constant 1, in front.
    words : sequence of tuple of int, optional
        Only the coefficients of these words, in this order; letters are 0-based channels. Only they
        and their prefixes are computed. See `anisotropic_words` for truncation by weight. `initial`
        then has these words, too, and they must hold their prefixes (`prefix_closure`).
    lengths : array_like of int, shape (...), optional
        Only the first ``lengths[b]`` points of path b count, at least 1; what is stored after them
        is not read (NaN, say). With `stream`, rows after the end repeat the last one.
    transform : str, Time, or sequence of these, optional
        What is done to the path first, never stored: "time" or `Time` adds a channel of time,
        "lead_lag" pairs the path with itself, one step behind, "basepoint" puts the origin in
        front, "reset" adds a channel that stands at 1 until the path is over and lets it return to
        the origin. A sequence is applied in its order. Shapes and coefficients are those of the
        transformed path, see `transformed_shape`; new channels come last.
    method : {"auto", "tile", "cumsum"}, optional
        "tile": word tiles that ride along the path in registers. "cumsum": level by level, running
        sums over time (Keras Sig). "auto" takes what a model of their costs prefers. They differ by
        rounding only.
    workers : int, optional
        Threads on the CPU, see `set_workers`; ignored on a GPU. The result does not depend on it.
    out : array, optional
        Where to write the result: its shape and dtype, memory of its own.

    Returns
    -------
    array, shape (..., size), with `stream` (..., length - 1, size)
        ``size = signature_size(channels, depth, scalar_term)``; level after level, words in
        lexicographic order. With `words` a column for each of them instead. With `stream` there is
        a row for every point of the transformed path but the first (the basepoint, if there is
        one). A path of one point has the trivial signature, zeros. NaN and infinity go to the
        coefficients that see them, of that path only.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    MemoryError
        If the result cannot fit; the message names the bytes and the largest depth that fits.

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
    absent = basepoint is initial is lengths is transform is out is words is None
    if absent and stream is inverse is scalar_term is False:
        computed = plain_call(NUMPY.host.fast_signature, method, workers, path, depth)
        if computed is not None:
            return computed
    if words is not None:
        projected = check_projection(
            "signature",
            path,
            depth,
            words,
            stream=stream,
            basepoint=basepoint,
            initial=initial,
            inverse=inverse,
            scalar_term=scalar_term,
            lengths=lengths,
            transform=transform,
            method=method,
            workers=workers,
        )
        inputs = {"path": path, "basepoint": basepoint, "initial": initial, "lengths": lengths}
        return compute(projected, out, inputs)
    backend, array = _checks.check_path(path)
    if depth is None:
        raise TypeError("depth: expected an integer, received NoneType None. Pass it, or words=.")
    depth = _checks.check_integer(depth, "depth", 1)
    stream, inverse = _checks.check_flag(stream, "stream"), _checks.check_flag(inverse, "inverse")
    scalar_term = _checks.check_flag(scalar_term, "scalar_term")
    method = _checks.check_method(method)
    if method != "auto":
        require(backend, f'signature: method="{method}"')
    threads = check_workers(workers)
    *batch, length, channels = array.shape
    base, checked = check_transform(transform, basepoint, array, backend)
    rows = (steps_after(checked, length - 1 + (base is not None)),) if stream else ()
    seen = channels_after(checked, channels)
    limit = None if out is not None else _checks.memory_limit(backend)
    _checks.check_memory(
        seen, depth, prod((*batch, *rows)), scalar_term, array.dtype.itemsize, limit
    )
    plan = plan_for(seen, depth, scalar_term)
    shape = (*batch, *rows, plan.size)
    result = _checks.check_out(
        out,
        shape,
        array,
        backend,
        # What only becomes an array here (a buffer, say) is read in place too.
        {
            "path": path if isinstance(path, backend.xp.ndarray) else array,
            "basepoint": basepoint,
            "initial": initial,
            "lengths": lengths,
        },
    )
    xp = backend.xp
    count = prod(batch)
    paths = Paths(
        array.reshape(count, length, channels),
        base,
        _checks.check_initial(initial, array, plan, backend),
        _checks.check_lengths(lengths, array, backend),
        transform=checked,
    )
    direct = result is not None and result.flags.c_contiguous
    if backend is NUMPY:
        direct = direct and result.flags.aligned
    target = result if direct else xp.empty(shape, array.dtype)
    backend.impl.signature(
        paths,
        target.reshape(count, *rows, plan.size),
        plan,
        Options(stream, inverse, method, threads),
    )
    if result is None:
        return target
    if not direct:
        result[...] = target
    return result
