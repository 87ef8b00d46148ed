"""Real data sets, shipped with pysig; `README.md` beside this names sources and licences.

>>> import pysig, pysig.data
>>> vowels = pysig.data.load("japanese_vowels")
>>> vowels.paths.shape, vowels.channels[:2], sorted(set(vowels.labels.tolist()))[-1]
((640, 29, 12), ('c1', 'c2'), '9')
>>> pysig.signature(vowels.paths, depth=3, lengths=vowels.lengths).shape
(640, 1884)
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pysig._api._checks import check_choice
from pysig._io.blocks import Budget
from pysig._io.csvfile import CsvOptions, CsvReader

__all__ = ["Dataset", "file", "labels_file", "load", "names"]

_HERE = Path(__file__).resolve().parent

#: One line for each data set.
DESCRIPTIONS = {
    "basic_motions": "80 recordings of a smart watch, 6 channels, 100 points; labels: 4 activities",
    "japanese_vowels": "640 utterances, 12 channels, 7 to 29 points; labels: 9 speakers",
}


@dataclass(frozen=True)
class Dataset:
    """A data set in arrays.

    Attributes
    ----------
    name : str
        Its name.
    paths : ndarray of float64, shape (count, length, channels)
        The paths, padded to the longest by repeating the last point. This padding does not change
        a signature.
    lengths : ndarray of int64, shape (count,)
        The number of points of each path, without the padding.
    times : ndarray of float64, shape (count, length)
        The time of each point, padded in the same way.
    channels : tuple of str
        Names of the channels.
    ids, labels, split : ndarray of str, shape (count,)
        Name of each path, its class, and "train" or "test" by the split of the source.
    """

    name: str
    paths: NDArray[np.float64]
    lengths: NDArray[np.int64]
    times: NDArray[np.float64]
    channels: tuple[str, ...]
    ids: NDArray[np.str_]
    labels: NDArray[np.str_]
    split: NDArray[np.str_]


def names() -> tuple[str, ...]:
    """The shipped data sets.

    Returns
    -------
    tuple of str
        Their names.

    See Also
    --------
    load : Read a shipped data set into arrays.

    Examples
    --------
    >>> names()
    ('basic_motions', 'japanese_vowels')
    """
    return tuple(DESCRIPTIONS)


def file(name: str) -> Path:
    """The long CSV (`id,time,channel...`, compressed with gzip) of a data set.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    pathlib.Path
        Where the file is.

    Raises
    ------
    ValueError
        If there is no such data set.

    See Also
    --------
    labels_file : The CSV of labels (`id,split,label`) of a data set.
    load : Read a shipped data set into arrays.

    Examples
    --------
    >>> file("basic_motions").name
    'basic_motions.csv.gz'
    """
    return _HERE / f"{_check(name)}.csv.gz"


def labels_file(name: str) -> Path:
    """The CSV of labels (`id,split,label`) of a data set.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    pathlib.Path
        Where the file is.

    Raises
    ------
    ValueError
        If there is no such data set.

    See Also
    --------
    file : The long CSV (`id,time,channel...`, compressed with gzip) of a data set.

    Examples
    --------
    >>> labels_file("basic_motions").name
    'basic_motions.labels.csv'
    """
    return _HERE / f"{_check(name)}.labels.csv"


def load(name: str) -> Dataset:
    """Read a shipped data set into arrays.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    Dataset
        Paths, padded, with lengths, times, ids and labels.

    Raises
    ------
    ValueError
        If there is no such data set.

    See Also
    --------
    names : The shipped data sets.
    file : The long CSV (`id,time,channel...`, compressed with gzip) of a data set.

    Examples
    --------
    >>> load("basic_motions").paths.shape
    (80, 100, 6)
    """
    reader = CsvReader(file(name), name, CsvOptions())
    try:
        (block,) = reader.blocks(Budget(2**40, 1, 1), _ignore)
    finally:
        reader.close()
    with labels_file(name).open(encoding="utf-8", newline="") as text:
        ids, split, labels = zip(*list(csv.reader(text))[1:], strict=True)
    assert list(ids) == list(block.ids)
    return Dataset(
        name,
        block.points,
        block.counts,
        block.times,
        reader.channels,
        np.array(ids),
        np.array(labels),
        np.array(split),
    )


def _check(name: str) -> str:
    return check_choice(name, "name", names())


def _ignore(amount: int) -> None:
    """No one watches the progress."""
