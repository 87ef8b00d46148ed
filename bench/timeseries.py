"""Compare the signature transformer of pysig with that of aeon: ``python -m bench.timeseries``.

Needs aeon and RoughPy (extra `test-timeseries`). The features are compared first. Rounds alternate
between the two, with `CALLS` calls of pysig for each of aeon, and the fastest call of each counts.
"""

from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np

import pysig.data

ROUNDS, CALLS = 3, 10
DATA = ("basic_motions", "japanese_vowels")
PARAMETERS: dict[str, dict[str, Any]] = {
    "defaults, depth 3": {"depth": 3},
    "global, depth 4": {"window_name": "global", "depth": 4},
    "log-signature, depth 3": {"sig_tfm": "logsignature", "depth": 3},
}


def cases(name: str) -> Any:
    """Series (cases, channels, time points); aeon needs one length, so long ones are cut."""
    data = pysig.data.load(name)
    if data.lengths is None:
        return data.paths.transpose(0, 2, 1)
    length = int(np.median(data.lengths))
    long = data.paths[np.asarray(data.lengths) >= length, :length]
    return np.ascontiguousarray(long.transpose(0, 2, 1))


def seconds(transformer: Any, series: Any) -> float:
    """CPU time of all threads, the fair measure on a busy machine."""
    start = process_time()
    transformer.fit_transform(series)
    return process_time() - start


def compare(series: Any, parameters: dict[str, Any]) -> tuple[float, float]:
    """The seconds of aeon and of pysig, after their features agree."""
    from aeon.transformations.collection.signature_based import SignatureTransformer as Theirs

    from pysig.interop.aeon import SignatureTransformer as Ours

    theirs, ours = Theirs(**parameters), Ours(**parameters)
    expected, found = theirs.fit_transform(series), ours.fit_transform(series)
    scale = np.abs(expected).max(axis=0)
    if not (np.abs(found - expected) <= 1e-8 * scale + 1e-10).all():
        raise AssertionError(f"the features of {parameters} differ")
    slow, fast = [], []
    for _ in range(ROUNDS):
        slow.append(seconds(theirs, series))
        fast += [seconds(ours, series) for _ in range(CALLS)]
    return min(slow), min(fast)


def main() -> None:
    """Print a line for each data set and each setting."""
    for name in DATA:
        series = cases(name)
        print(f"{name}: {' x '.join(map(str, series.shape))}")
        for label, parameters in PARAMETERS.items():
            slow, fast = compare(series, parameters)
            print(
                f"  {label:24} aeon {1e3 * slow:9.1f} ms, pysig {1e3 * fast:7.2f} ms: "
                f"{slow / fast:.0f} times faster"
            )


if __name__ == "__main__":
    main()
