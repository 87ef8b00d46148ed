"""Writes logsignatures.json: log-signatures by other libraries, of paths that are stored beside
them.

Run it once with each peer: `python make_logsignatures.py iisignature` (0.24), `python
make_logsignatures.py pysiglib` (4.0.0). signatory, whose mode "words" pysiglib's method 1 equals,
no longer builds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("logsignatures.json")
SIZES = [(1, 4), (2, 3), (2, 8), (3, 5), (4, 4), (6, 3), (12, 2)]


def path_of(channels: int, depth: int) -> np.ndarray:
    """A path of short decimals, so that every library reads the same numbers."""
    random = np.random.default_rng([channels, depth])
    return np.round(np.cumsum(random.normal(size=(6, channels)), axis=0), 3)


def by_iisignature(path: np.ndarray, depth: int) -> dict[str, list[float]]:
    """Default basis and method H."""
    import iisignature

    channels = path.shape[1]
    if channels == 1:  # not supported there: the increment
        return {}
    default = iisignature.logsig(path, iisignature.prepare(channels, depth, "S"), "S")
    hall = iisignature.logsig(path, iisignature.prepare(channels, depth, "SH"), "S")
    return {"brackets": default.tolist(), "hall": hall.tolist()}


def by_pysiglib(path: np.ndarray, depth: int) -> dict[str, list[float]]:
    """Methods 1 and 2."""
    import pysiglib

    out = {}
    for name, method in (("words", 1), ("brackets by pysiglib", 2)):
        pysiglib.prepare_log_sig(path.shape[1], depth, method)
        values = np.asarray(pysiglib.log_sig(path, depth, method=method))
        out[name] = values.reshape(-1).tolist()
    return out


def main() -> None:
    """Merge the values of one library into the file."""
    peer = {"iisignature": by_iisignature, "pysiglib": by_pysiglib}[sys.argv[1]]
    stored = json.loads(FILE.read_text()) if FILE.exists() else []
    known = {(case["channels"], case["depth"]): case for case in stored}
    for channels, depth in SIZES:
        path = path_of(channels, depth)
        case = known.setdefault(
            (channels, depth),
            {"channels": channels, "depth": depth, "path": path.tolist(), "values": {}},
        )
        case["values"].update(peer(np.array(case["path"]), depth))
    lines = ",\n".join(json.dumps(case) for case in known.values())
    FILE.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
