"""Real data: coefficients of level 2 separate four activities recorded by a smart watch."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig
import pysig.data

CHOSEN = ((0, 5), (1, 5))


def figure() -> Figure:
    """One recording of each activity, and two coefficients of every recording."""
    data = pysig.data.load("basic_motions")
    s = pysig.signature(data.paths, depth=2)
    activities = list(dict.fromkeys(data.labels))

    result = plt.figure(figsize=(8, 3.2))
    grid = result.add_gridspec(len(activities), 2, width_ratios=(1, 1.2))
    scatter = result.add_subplot(grid[:, 1])
    first, second = (data.channels.index(name) for name in ("accel_x", "gyro_z"))
    places = [pysig.word_index(word, len(data.channels)) for word in CHOSEN]
    for k, activity in enumerate(activities):
        chosen = data.labels == activity
        axes = result.add_subplot(grid[k, 0])
        path = data.paths[np.argmax(chosen)]
        axes.plot(data.times[0], path[:, first], data.times[0], path[:, second], linewidth=0.8)
        axes.set_ylabel(activity, rotation=0, ha="right", va="center")
        axes.set(yticks=[], xlabel="seconds" if k == len(activities) - 1 else None)
        if k < len(activities) - 1:
            axes.set_xticklabels([])
        scatter.plot(*s[chosen][:, places].T, "o", markersize=4, alpha=0.8, label=activity)
    labels = [f"S({','.join(data.channels[letter] for letter in word)})" for word in CHOSEN]
    scatter.set(xlabel=labels[0], ylabel=labels[1])
    scatter.set_xscale("symlog", linthresh=10)
    scatter.set_yscale("symlog", linthresh=10)
    scatter.set_title("two coefficients of level 2")
    scatter.legend(fontsize=7)
    return result
