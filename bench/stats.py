"""Statistics of many short rounds on a shared machine.

A time is summarised by its minimum (the quietest moment) and its quartiles; two libraries are
compared round by round, because a disturbance affects both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

NOISY = 0.10  # quartile distance relative to the median above which a row is marked as noisy
SETTLED = 0.005  # relative standard error of the median at which no more rounds are needed


def quantile(values: Sequence[float], q: float) -> float:
    """Quantile with linear interpolation."""
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


def summary(values: Sequence[float]) -> dict[str, float]:
    """Minimum and quartiles, to six significant digits: more would be noise in the stored file."""
    numbers = {
        "min": min(values),
        "q25": quantile(values, 0.25),
        "median": quantile(values, 0.5),
        "q75": quantile(values, 0.75),
    }
    return {name: float(f"{number:.6g}") for name, number in numbers.items()}


def spread(values: Sequence[float]) -> float:
    """Distance of the quartiles, relative to the median."""
    return (quantile(values, 0.75) - quantile(values, 0.25)) / quantile(values, 0.5)


def settled(values: Sequence[float]) -> bool:
    """Whether the median is known to :data:`SETTLED`.

    The standard error of a median is 1.2533 sigma / sqrt(n) for normal noise, where sigma is the
    quartile distance over 1.349.
    """
    return 1.2533 * spread(values) / 1.349 / math.sqrt(len(values)) <= SETTLED


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Exponent p of the best fit y = c x**p: 1 for a cost that is linear."""
    logs = [(math.log(a), math.log(b)) for a, b in zip(x, y, strict=True)]
    mean_x = sum(a for a, _ in logs) / len(logs)
    mean_y = sum(b for _, b in logs) / len(logs)
    across = sum((a - mean_x) * (b - mean_y) for a, b in logs)
    return across / sum((a - mean_x) ** 2 for a, _ in logs)
