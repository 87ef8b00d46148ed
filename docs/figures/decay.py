"""Levels decay like 1/k!, so a truncated signature keeps most of the information."""

from math import factorial

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig
import pysig.data


def figure() -> Figure:
    """Norms of the levels of one utterance, below L^k/k! with L the length of the path."""
    depth = 8
    vowels = pysig.data.load("japanese_vowels")
    path = vowels.paths[0, : vowels.lengths[0], :3]
    channels = path.shape[1]
    sizes = [pysig.signature_size(channels, k) for k in range(1, depth + 1)]
    levels = np.split(pysig.signature(path, depth), sizes[:-1])
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()

    result, axes = plt.subplots(figsize=(4.5, 2.8))
    k = np.arange(1, depth + 1)
    axes.semilogy(k, [length**n / factorial(n) for n in k], "k--", label="$L^k / k!$")
    axes.semilogy(k, [np.linalg.norm(level) for level in levels], "o-", label="norm of level k")
    axes.set(xlabel="level k", xticks=k)
    axes.legend()
    return result
