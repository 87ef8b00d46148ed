"""Levels 1 and 2 of a path in the plane: displacement, and the area between path and chord."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig


def figure() -> Figure:
    """The path with its displacement, and the same path with the area swept from its start."""
    t = np.linspace(0, 1, 200)[:, None]
    path = np.hstack([3 * t - 0.3 * np.sin(2 * np.pi * t), 2 * t**3 - 0.3 * np.sin(np.pi * t)])
    s = pysig.signature(path, 2)
    area = (s[pysig.word_index((0, 1), 2)] - s[pysig.word_index((1, 0), 2)]) / 2

    result, (left, right) = plt.subplots(1, 2, figsize=(7, 2.9), sharex=True, sharey=True)
    for axes in (left, right):
        axes.plot(*path.T, color="C0")
        axes.plot(*path[[0, -1]].T, "o", color="C0", markersize=4)
        axes.set(xlabel="channel 0", aspect="equal")
    left.set(ylabel="channel 1", title="level 1: displacement")
    arrow = {"arrowstyle": "->", "color": "C3"}
    (x0, y0), (x1, y1) = path[0], path[-1]
    left.annotate("", (x1, y0), (x0, y0), arrowprops=arrow)
    left.annotate("", (x1, y1), (x1, y0), arrowprops=arrow)
    left.annotate(f"S(0) = {s[0]:.2f}", (x1 / 4, y0), (0, 5), textcoords="offset points")
    left.annotate(f"S(1) = {s[1]:.2f}", (x1, y1 / 2), (-85, 0), textcoords="offset points")
    right.fill(*path.T, color="C3", alpha=0.25)
    right.plot(*path[[0, -1]].T, color="C3", linewidth=1)
    right.set_title(f"level 2: [S(0,1) - S(1,0)] / 2 = {area:.2f}")
    return result
