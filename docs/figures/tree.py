"""The tree of words of two letters, and the part of it that one tile of words owns."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig

DEPTH = 4
PREFIX = (1,)
COLOURS = {"above": "0.75", "path": "C1", "running": "C0", "registers": "C3"}
LABELS = {
    "path": "prefix: advanced by every tile below it",
    "running": "visited depth first: chain of a block of time",
    "registers": "last two letters: in registers",
}


def role(word: tuple[int, ...]) -> str:
    """The role of a word in the tile of PREFIX."""
    if word == PREFIX[: len(word)]:
        return "path"
    if word[: len(PREFIX)] != PREFIX:
        return "above"
    return "running" if len(word) < DEPTH - 1 else "registers"


def place(word: tuple[int, ...]) -> tuple[float, int]:
    """Position of a word: the middle of its subtree, and its level counted downwards."""
    index = sum(letter / 2 ** (k + 1) for k, letter in enumerate(word))
    return index + 0.5 ** (len(word) + 1), -len(word)


def figure() -> Figure:
    """All words of up to DEPTH letters as a tree."""
    result, axes = plt.subplots(figsize=(7.5, 3))
    for word in pysig.words(2, DEPTH, scalar_term=True):
        if word:
            ends = zip(place(word[:-1]), place(word), strict=True)
            axes.plot(*ends, color=COLOURS[role(word)], linewidth=1, zorder=1)
        text = "".join(map(str, word)) or "( )"
        colour = COLOURS[role(word)]
        axes.annotate(text, place(word), ha="center", va="center", fontsize=8, color=colour)
        axes.plot(*place(word), "o", color="white", markersize=16, zorder=2)
    for name, label in LABELS.items():
        axes.plot([], [], color=COLOURS[name], label=label)
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    axes.set_axis_off()
    return result
