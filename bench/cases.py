"""The shapes that are timed, on the CPU and on the GPU, and their minimal cost.

A path array has shape (batch, length, channels). One step of the signature costs one multiply-add
per coefficient once the chain of its prefix is known (Horner's form), so that

    multiply-adds = batch * (length - 1) * (channels + channels**2 + ... + channels**depth)

is the minimal cost, to which every time is related, whatever the implementation does.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

ITEMSIZE = {"float32": 4, "float64": 8}


@dataclass(frozen=True)
class Case:
    """One shape of input; ``batch=None`` is a single path without a batch axis."""

    batch: int | None
    length: int
    channels: int
    depth: int

    @property
    def name(self) -> str:
        """The name used on the command line and in results, such as ``128x100x5-N4``."""
        batch = "" if self.batch is None else f"{self.batch}x"
        return f"{batch}{self.length}x{self.channels}-N{self.depth}"

    @property
    def paths(self) -> int:
        return 1 if self.batch is None else self.batch

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the path array."""
        leading = () if self.batch is None else (self.batch,)
        return (*leading, self.length, self.channels)

    @property
    def level_sizes(self) -> tuple[int, ...]:
        return tuple(self.channels**level for level in range(1, self.depth + 1))

    @property
    def size(self) -> int:
        """Coefficients of one signature, the empty word left out."""
        return sum(self.level_sizes)

    @property
    def madds(self) -> int:
        """Minimal cost of the signature of this case, in multiply-adds."""
        return self.paths * (self.length - 1) * self.size

    @property
    def elements(self) -> int:
        """Numbers in the path array."""
        return self.paths * self.length * self.channels


def _cases(text: str) -> tuple[Case, ...]:
    """Cases from ``batch length channels depth`` quadruples, one per line; ``-`` means no batch."""
    rows = [line.split() for line in text.strip().splitlines()]
    return tuple(Case(None if b == "-" else int(b), int(n), int(d), int(k)) for b, n, d, k in rows)


CORE = _cases("""
    128    100  5  4
    1     1000  5  5
    32    1000 10  4
    32     128  8  4
    128   1024  4  6
    16     256  2 10
    1   100000  3  4
    1      128 40  3
    512     50  3  3
    8       64  6  7
""")

# The published comparison of pysiglib's authors.
AUTHORS = tuple(Case(256, 10000, channels, depth) for depth in (2, 3) for channels in (2, 4, 8, 16))

GPU = _cases("""
    256   1000  8  4
    1     1000  8  4
    1   100000  4  5
    4096   100  5  4
    256    100  8  6
""")

DERIVATIVE = _cases("""
    128  100 5 4
    32   128 8 4
    1   1000 5 5
    128 1024 4 5
""")

# The training parts of the shipped data sets, and the case of the paper.
TRAINING = _cases("""
    128 100  5 4
    40  100  6 3
    270  29 12 3
""")

LOGSIGNATURE = _cases("""
    128  100 5 4
    32   128 3 8
    1   1000 4 6
""")

# Lines of two points: nearly all the time goes into the tables of the bases.
TABLES = _cases("""
    - 2  2 15
    - 2  3 10
    - 2  5  7
    - 2 10  5
""")

# The answer must not fit the last-level cache, or it is not memory that is measured.
STREAM = _cases("128 100 5 4\n 512 100 5 4")

# One long path, whose windows are more numbers than the last-level cache of most machines holds.
WINDOWS = _cases("1 100000 5 4\n 1 100000 2 3")

# Matrices of signature kernels of two halves of a batch; the depth is the order.
KERNELS = tuple(Case(128, length, 5, order) for length in (64, 256) for order in (3, 4, 5))
# The same by finite differences, which have no order.
KERNELS_DIFFERENCES = tuple(Case(128, length, 5, 1) for length in (64, 256))

TINY = _cases("- 20 2 3")

# Many series, as of data sets for classification.
DATA = _cases("1000 100 3 3\n 640 29 12 2\n 100 5000 4 4")

# Sweeps of one quantity over three decades, the others fixed.
SWEEP_BATCH = tuple(Case(batch, 100, 5, 4) for batch in (8, 24, 80, 240, 800, 2400, 8000))
SWEEP_LENGTH = tuple(Case(16, n + 1, 5, 4) for n in (30, 100, 300, 1000, 3000, 10000, 30000))
SWEEP_KERNEL_BATCH = tuple(Case(b, 33, 5, 3) for b in (8, 24, 80, 240, 800, 2400, 8000))
SWEEP_KERNEL_LENGTH = tuple(Case(8, n + 1, 5, 3) for n in (30, 100, 300, 1000, 3000, 10000, 30000))
SWEEP_SIZE = tuple(Case(32, 100, d, 4) for d in (3, 4, 5, 6, 8, 10, 13, 18))

GROUPS: dict[str, tuple[Case, ...]] = {
    "core": CORE,
    "authors": AUTHORS,
    "gpu": GPU,
    "derivative": DERIVATIVE,
    "training": TRAINING,
    "logsignature": LOGSIGNATURE,
    "tables": TABLES,
    "stream": STREAM,
    "windows": WINDOWS,
    "kernels": KERNELS,
    "kernels-differences": KERNELS_DIFFERENCES,
    "data": DATA,
    "tiny": TINY,
    "sweep-batch": SWEEP_BATCH,
    "sweep-length": SWEEP_LENGTH,
    "sweep-size": SWEEP_SIZE,
    "sweep-kernel-batch": SWEEP_KERNEL_BATCH,
    "sweep-kernel-length": SWEEP_KERNEL_LENGTH,
}

# Cases of a quick look: the case of the paper, one long path, two channels, one tiny call.
QUICK = (CORE[0], CORE[1], CORE[5], TINY[0])

BY_NAME = {case.name: case for group in GROUPS.values() for case in group}


def select(patterns: list[str]) -> list[Case]:
    """Cases named by groups, names or shell patterns of names, each once, in table order."""
    chosen: dict[str, Case] = {}
    for pattern in patterns:
        if pattern in GROUPS:
            found = {case.name: case for case in GROUPS[pattern]}
        else:
            found = {name: BY_NAME[name] for name in fnmatch.filter(BY_NAME, pattern)}
        if not found:
            raise ValueError(
                f"no case or group is called {pattern!r}; "
                f"groups: {', '.join(GROUPS)}; cases: {', '.join(BY_NAME)}"
            )
        chosen.update(found)
    return list(chosen.values())
