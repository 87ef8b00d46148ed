"""``python -m bench list``: operations, cases and peers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .cases import GROUPS
from .libraries import PEERS
from .operations import OPERATIONS


def main(argv: Sequence[str] | None = None) -> int:
    argparse.ArgumentParser(
        prog="python -m bench list",
        description="List operations, cases with their minimal cost, peers.",
    ).parse_args(argv)
    print("operations (minimal cost as a multiple of the signature's; libraries; default groups)")
    for operation in OPERATIONS.values():
        print(f"  {operation.name:24}{operation.does}")
        others = ", ".join(name for name in operation.calls if name not in ("reference", "pysig"))
        print(f"  {'':24}minimum {operation.work:g}; {others or 'pysig alone'}")
        print(f"  {'':24}groups: {', '.join(operation.groups)}")
    print("\ncases by group: BATCHxLENGTHxCHANNELS-Ndepth (multiply-adds of the signature)")
    for group, cases in GROUPS.items():
        print(f"  {group}")
        for case in cases:
            print(f"    {case.name:20}{case.madds:.3g}")
    print("\npeers")
    for peer in PEERS.values():
        print(f"  {peer.name:20}{peer.install}")
    return 0
