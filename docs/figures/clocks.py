"""One curve run through with two clocks: the channels differ as functions of time, S does not."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig


def curve(u: np.ndarray) -> np.ndarray:
    """Points of a curve in the plane."""
    return np.stack([np.cos(4 * u) * (1 + u), np.sin(6 * u) + u], axis=-1)


def figure() -> Figure:
    """Channels against time for both clocks, the curve, and both signatures."""
    t = np.linspace(0, 1, 4001)
    paths = {"steady": curve(t), "hesitant": curve(t**3 * (10 - 15 * t + 6 * t**2))}

    result, axes = plt.subplots(1, 3, figsize=(8, 2.6))
    for (clock, path), style in zip(paths.items(), ("-", "--"), strict=True):
        for channel in range(2):
            label = f"channel {channel}, {clock}"
            axes[0].plot(t, path[:, channel], style, color=f"C{channel}", label=label)
        axes[1].plot(*path.T, style, color="0.2" if style == "-" else "C1", label=clock)
    axes[0].set(xlabel="time", title="two time series")
    axes[0].legend(fontsize=6)
    axes[1].set(xlabel="channel 0", ylabel="channel 1", title="one curve")

    words = pysig.words(2, 3)
    place = np.arange(len(words))
    for shift, (clock, path) in zip((-0.2, 0.2), paths.items(), strict=True):
        axes[2].bar(place + shift, pysig.signature(path, 3), 0.4, label=clock)
    axes[2].set_xticks(place, ["".join(map(str, word)) for word in words], rotation=90)
    axes[2].set(xlabel="word", title="one signature")
    axes[2].legend(fontsize=6)
    return result
