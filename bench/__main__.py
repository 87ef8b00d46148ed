"""``python -m bench``: the entry point of all measurements."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from .worker import prefer_installed

COMMANDS = {
    "cpu": ("bench.cpu", "time pysig on the CPU, alone or against other libraries (the default)"),
    "gpu": ("bench.gpu", "time pysig on a CUDA device through CuPy"),
    "embedding": ("bench.embedding", "time pushing a point from C++ and Cython"),
    "list": ("bench.list_cases", "list operations, cases and their minimal cost, peers"),
    "plot": ("bench.plot", "figures from stored results"),
    "targets": ("bench.targets", "compare stored results with the goals of the project"),
    "docs": ("bench.docs", "write the tables of docs/benchmarks.md from stored results"),
}

HELP = """\
usage: python -m bench [COMMAND] [options]

Time pysig, compare it with other libraries and with the peak of this machine. Run it in the
repository root, where pysig is installed (`pip install .[bench]`).

commands
{commands}

`python -m bench COMMAND --help` explains a command. Without a command, options go to `cpu`:

  python -m bench --quick            a first look, under a minute
  python -m bench                    everything on the CPU, one thread
  python -m bench --vs               the same against every peer that is installed
  python -m bench gpu                on the GPU

A multiply-add (madd) is the unit of work. A signature costs batch * (length - 1) * (d + ... + d^N)
of them, whatever the implementation; the peak of a core, units times lanes times clock, is
measured.
Answers are compared with the reference before anything is timed.
"""


def main(argv: Sequence[str]) -> int:
    if argv and argv[0] in ("-h", "--help"):
        lines = (f"  {name:9}{does}" for name, (_, does) in COMMANDS.items())
        print(HELP.format(commands="\n".join(lines)))
        return 0
    if argv and not argv[0].startswith("-"):
        command, rest = argv[0], list(argv[1:])
    else:
        command, rest = "cpu", list(argv)
    if command not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"python -m bench: no command {command!r}; expected one of: {known}", file=sys.stderr)
        return 2
    prefer_installed()
    status: int | None = importlib.import_module(COMMANDS[command][0]).main(rest)
    return status or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
