"""Signatures of blocks of paths: what the commands `signature` and `logsignature` compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pysig
from pysig._io.blocks import Block, InputError
from pysig._io.sinks import Result
from pysig._io.times import seconds_since

#: Stages of a transform that a long path can be cut for: chunks join by Chen's identity.
LOCAL_STAGES = frozenset({"times", "lead_lag"})


@dataclass(frozen=True)
class Task:
    """What to compute. `stages` are those of `transform`; "times" are the times of the file."""

    log: bool
    depth: int | None
    size: int
    dtype: np.dtype[Any]
    stages: Sequence[str]
    words: Sequence[tuple[int, ...]] | None
    stream: bool
    inverse: bool
    basepoint: NDArray[Any] | None
    options: dict[str, Any]
    xp: Any


class Signer:
    """Signatures of blocks. Chen's identity joins the chunks of a long path."""

    def __init__(self, task: Task) -> None:
        self.task, self.xp = task, task.xp
        self.last: tuple[NDArray[Any], NDArray[Any]] = (np.empty(0), np.empty(0))
        self.count: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        self.carry: Any = None
        self.overflow = False  # whether a coefficient is not finite
        self.paths, self.shortest, self.longest = 0, 0, 0

    def __call__(self, block: Block) -> Result | None:
        """Signatures of a block; None for a chunk that does not end its path, unless streaming."""
        whole = block.begins and block.ends
        points = self._points(block)
        values = self._whole(points, block) if whole else self._chunk(points, block)
        counts = block.counts if whole else self.count
        if block.ends:
            self._record(counts)
        if values is None:
            return None
        if not self.task.stream:
            return Result(block.ids, counts, values)
        skipped = int(block.begins and self.task.basepoint is None)
        return Result(
            block.ids,
            block.counts,
            values,
            block.times[:, skipped:],
            block.counts - skipped,
            block.begins,
            block.ends,
        )

    def _record(self, counts: NDArray[np.int64]) -> None:
        if counts.size:
            smallest = int(counts.min())
            self.shortest = min(self.shortest, smallest) if self.paths else smallest
            self.longest = max(self.longest, int(counts.max()))
        self.paths += len(counts)

    def _points(self, block: Block) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            points = block.points.astype(self.task.dtype, copy=False)
        if points.dtype != block.points.dtype:
            lost = np.isinf(points) & np.isfinite(block.points)
            if lost.any():
                raise InputError(
                    f"--dtype {points.dtype}: {block.points[lost][0]:.6g} is too large for it; "
                    "leave --dtype out, or rescale the channel"
                )
        return points

    def _transform(self, times: NDArray[Any], begins: bool) -> Any:
        """The argument `transform`. The time of the basepoint is that of the first point."""
        if not self.task.stages:
            return None
        if "times" not in self.task.stages:
            return list(self.task.stages)
        if times.dtype.kind in "mM":  # dates count from the first point, in seconds
            times = seconds_since(times, times[:, :1])
        if begins and self.task.basepoint is not None:
            times = np.concatenate([times[:, :1], times], axis=1)
        stamps = pysig.Time(self.xp.asarray(times))
        return [stamps if stage == "times" else stage for stage in self.task.stages]

    def _sign(self, points: NDArray[Any], log: bool, words: Any, **options: Any) -> Any:
        options = {**self.task.options, **options}
        if words is not None:
            options["words"] = words
        depth = None if words is not None else self.task.depth
        compute: Any = pysig.logsignature if log else pysig.signature
        if not log:
            options.pop("basis", None)
        try:
            values = compute(self.xp.asarray(points), depth, **options)
        except (TypeError, ValueError, MemoryError) as error:
            raise InputError(str(error)) from None
        if options.get("stream") and "lead_lag" in self.task.stages:
            return values[..., 1::2, :]  # the prefixes that end in a point
        return values

    def _host(self, values: Any) -> NDArray[Any]:
        host: NDArray[Any] = values if self.xp is np else self.xp.asnumpy(values)
        return host

    def _options(self, times: NDArray[Any], begins: bool = True) -> dict[str, Any]:
        base = self.task.basepoint if begins else None
        return {
            "basepoint": None if base is None else self.xp.asarray(base),
            "transform": self._transform(times, begins),
        }

    def _whole(self, points: NDArray[Any], block: Block) -> NDArray[Any]:
        task, lengths = self.task, block.lengths
        if lengths is None:
            options = self._options(block.times)
            return self._host(
                self._sign(
                    points,
                    task.log,
                    task.words,
                    stream=task.stream,
                    inverse=task.inverse,
                    **options,
                )
            )
        parts = []
        for group in by_length(lengths):
            longest = int(lengths[group].max())
            options = self._options(block.times[group, :longest])
            part = self._sign(
                points[group, :longest],
                task.log,
                task.words,
                stream=task.stream,
                inverse=task.inverse,
                lengths=self.xp.asarray(lengths[group]),
                **options,
            )
            parts.append((group, self._host(part)))
        rows = max(part.shape[1] for _, part in parts)
        values = np.zeros((len(points), *((rows,) if task.stream else ()), task.size), task.dtype)
        for group, part in parts:
            if task.stream:
                values[group, : part.shape[1]] = part
            else:
                values[group] = part
        return values

    def _chunk(self, points: NDArray[Any], block: Block) -> NDArray[Any] | None:
        """The next chunk of one long path: ``S(all) = S(before) ⊗ S(chunk)``."""
        task, times = self.task, block.times
        far = next((stage for stage in task.stages if stage not in LOCAL_STAGES), None)
        if far is not None:
            raise InputError(
                f"{block.ids[0]}: the path does not fit into --memory, and the transform {far!r} "
                "needs it whole; give a larger --memory"
            )
        words = None if task.words is None else pysig.prefix_closure(task.words)
        if not block.begins:
            points = np.concatenate([self.last[0], points], axis=1)
            times = np.concatenate([self.last[1], times], axis=1)
        options = self._options(times, block.begins)
        if not block.begins:
            options["initial"] = self.carry
        self.last = points[:, -1:].copy(), times[:, -1:].copy()
        self.count = block.counts if block.begins else self.count + block.counts
        values = None
        if task.stream or block.ends:
            values = self._host(
                self._sign(
                    points, task.log, words, stream=task.stream, inverse=task.inverse, **options
                )
            )
            if words is not None and task.words is not None:
                at = {word: k for k, word in enumerate(words)}
                values = values[..., [at[word] for word in task.words]]
        if not block.ends:
            self.carry = self._sign(points, False, words, **options)
        return values


def by_length(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Groups of indices whose lengths differ by a factor of two at most, to limit padding."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or lengths[order[end]] > 2 * lengths[order[start]]:
            yield order[start:end]
            start = end
