"""Writes bases.json: the names of the basis elements of iisignature, in its order. Needs
iisignature 0.24.
"""

from __future__ import annotations

import json
from pathlib import Path

import iisignature

SIZES = [(2, 1), (2, 7), (3, 5), (4, 4), (5, 3), (7, 2)]


def main() -> None:
    """Collect and write."""
    cases = [
        {
            "channels": channels,
            "depth": depth,
            "lyndon": list(iisignature.basis(iisignature.prepare(channels, depth, "S"))),
            "hall": list(iisignature.basis(iisignature.prepare(channels, depth, "SH"))),
        }
        for channels, depth in SIZES
    ]
    table = {"made by": f"iisignature {iisignature.version()}", "cases": cases}
    Path(__file__).with_name("bases.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
