"""Bases of log-signatures: sizes, elements, and exact changes of basis."""

from __future__ import annotations

from typing import Any

from pysig._api._checks import check_choice, check_integer
from pysig._api.words import check_exact_size, check_list
from pysig._combinatorics import hall as _hall
from pysig._combinatorics.hall import Bracket, Word
from pysig._plans import basis_tables
from pysig._plans.basis_tables import BASES
from pysig._plans.sparse_matrix import SparseMatrix

# Bytes of an element of a Hall set, measured, at least: its tables, and its pair in a list.
TABLE_BYTES, PAIR_BYTES = 80, 64


def check_basis(basis: Any, name: str = "basis") -> str:
    """Check that `basis` is one of BASES."""
    return check_choice(basis, name, BASES)


def _sizes(channels: Any, depth: Any) -> tuple[int, int]:
    return check_integer(channels, "channels", 1), check_integer(depth, "depth", 1)


def sizes_of_basis(channels: Any, depth: Any, fixed: int, letter: int = 0) -> tuple[int, int]:
    """Channels and depth of a list of all elements of a basis, which fits into memory."""
    channels, depth = _sizes(channels, depth)
    if channels == 1:
        return 1, 1  # the basis has no other levels
    check_list(channels, depth, fixed, letter, lyndon=True)
    return channels, depth


def logsignature_size(channels: int, depth: int, basis: str = "words") -> int:
    """Number of coordinates of a log-signature.

    Parameters
    ----------
    channels, depth : int
        Positive.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        Basis "expanded" has the size of a signature, the others the dimension of the free Lie
        algebra.

    Returns
    -------
    int
        Exact.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, or the size has more than 16,384 bits; the message names it.

    See Also
    --------
    signature_size : Number of coefficients of a signature.

    Notes
    -----
    Level k has ``sum(mobius(k // n) * channels**n for n dividing k) / k`` coordinates (Witt 1937).

    Examples
    --------
    >>> import pysig
    >>> pysig.logsignature_size(5, 4)
    205
    """
    channels, depth = _sizes(channels, depth)
    checked = check_basis(basis)
    check_exact_size(channels, depth)
    return basis_tables.coordinate_count(channels, depth, checked)


def lyndon_words(channels: int, depth: int) -> list[Word]:
    """Lyndon words, in the order of the coordinates of the bases "words" and "brackets".

    Parameters
    ----------
    channels, depth : int
        Positive.

    Returns
    -------
    list of tuple of int
        Letters are 0-based channel numbers. Sorted by level, then lexicographically.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a positive integer.
    MemoryError
        If the list does not fit into memory; the message names its bytes and the largest depth that
        fits.

    See Also
    --------
    lyndon_brackets : Lyndon brackets, in the order of the coordinates of the basis "brackets".
    words : All words, in the order of the coefficients of a signature.

    Examples
    --------
    >>> import pysig
    >>> pysig.lyndon_words(2, 3)
    [(0,), (1,), (0, 1), (0, 0, 1), (0, 1, 1)]
    """
    channels, depth = sizes_of_basis(channels, depth, 48, 8)
    levels = _hall.lyndon_words_by_level(channels, depth)
    return [word for level in levels for word in level]


def lyndon_brackets(channels: int, depth: int) -> list[Bracket]:
    """Lyndon brackets, in the order of the coordinates of the basis "brackets".

    Parameters
    ----------
    channels, depth : int
        Positive.

    Returns
    -------
    list of int or nested pairs
        Letters are 0-based channel numbers; ``(u, v)`` stands for ``u ⊗ v - v ⊗ u``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a positive integer.
    MemoryError
        If the list does not fit into memory; the message names its bytes and the largest depth that
        fits.

    See Also
    --------
    lyndon_words : Lyndon words, in the order of the coordinates of the bases "words" and
        "brackets".
    hall_basis : The standard Hall basis, in the order of the coordinates of the basis "hall".

    Notes
    -----
    Each Lyndon word has its standard bracketing: the right factor is its longest proper suffix
    that is a Lyndon word.

    Examples
    --------
    >>> import pysig
    >>> pysig.lyndon_brackets(2, 3)
    [0, 1, (0, 1), (0, (0, 1)), ((0, 1), 1)]
    """
    sizes = sizes_of_basis(channels, depth, TABLE_BYTES + PAIR_BYTES)
    return _hall.lyndon_set(*sizes).brackets()


def hall_basis(channels: int, depth: int) -> list[Bracket]:
    """The standard Hall basis, in the order of the coordinates of the basis "hall".

    Parameters
    ----------
    channels, depth : int
        Positive.

    Returns
    -------
    list of int or nested pairs
        Letters are 0-based channel numbers; ``(u, v)`` stands for ``u ⊗ v - v ⊗ u``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a positive integer.
    MemoryError
        If the list does not fit into memory; the message names its bytes and the largest depth that
        fits.

    See Also
    --------
    lyndon_brackets : Lyndon brackets, in the order of the coordinates of the basis "brackets".
    change_of_basis : The exact matrix from coordinates in one basis to coordinates in another.

    Notes
    -----
    All letters are elements. ``(a, b)`` is an element if a and b are, ``a < b``, and b is a letter
    or ``b = (c, e)`` with ``c <= a``. The order is by level, left factor, right factor, as in
    iisignature.

    Examples
    --------
    >>> import pysig
    >>> pysig.hall_basis(2, 3)
    [0, 1, (0, 1), (0, (0, 1)), (1, (0, 1))]
    """
    sizes = sizes_of_basis(channels, depth, TABLE_BYTES + PAIR_BYTES)
    return _hall.standard_hall_set(*sizes).brackets()


def change_of_basis(channels: int, depth: int, source: str, target: str) -> SparseMatrix:
    """The exact matrix from coordinates in one basis to coordinates in another.

    Parameters
    ----------
    channels, depth : int
        Positive.
    source, target : {"words", "brackets", "hall", "expanded"}
        ``matrix @ coordinates_in_source == coordinates_in_target``. From "expanded" this holds for
        Lie elements such as log-signatures; other tensors have no coordinates in the other bases.

    Returns
    -------
    SparseMatrix
        Exact integers in compressed sparse rows: `shape`, `indptr`, `indices`, `data`. It
        multiplies arrays of one or two axes from either side (``matrix @ x``, ``x @ matrix``), and
        `toarray` or ``np.asarray`` returns the dense matrix. ``scipy.sparse.csr_array((m.data,
        m.indices, m.indptr), m.shape)`` converts to SciPy. The arrays are shared and read-only.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; the message names it.
    MemoryError
        If the tables do not fit into memory; raised before they are built.

    See Also
    --------
    logsignature : Log-signature of piecewise linear paths, truncated at `depth`.
    hall_basis : The standard Hall basis, in the order of the coordinates of the basis "hall".

    Notes
    -----
    All these matrices have integer entries: Lyndon brackets and Hall basis are bases of the free
    Lie algebra over the integers [1]_.

    References
    ----------
    .. [1] C. Reutenauer, "Free Lie Algebras", Oxford University Press 1993, chapters 4 and 5.

    Examples
    --------
    >>> import pysig
    >>> matrix = pysig.change_of_basis(2, 3, "brackets", "hall")
    >>> matrix @ [1, 2, 3, 4, 5]
    array([ 1,  2,  3,  4, -5])
    >>> matrix.toarray()
    array([[ 1,  0,  0,  0,  0],
           [ 0,  1,  0,  0,  0],
           [ 0,  0,  1,  0,  0],
           [ 0,  0,  0,  1,  0],
           [ 0,  0,  0,  0, -1]])
    """
    channels, depth = _sizes(channels, depth)
    source, target = check_basis(source, "source"), check_basis(target, "target")
    return basis_tables.change_of_basis(channels, depth, source, target)
