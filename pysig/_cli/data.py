"""The command `pysig data`: list the shipped data sets, or write one out."""

from __future__ import annotations

import gzip
import shutil
from argparse import Namespace

import pysig.data
from pysig._io.blocks import InputError
from pysig._io.sinks import replacing, spooling


def run(args: Namespace) -> None:
    """List all data sets, or copy the points (or labels) of one as CSV."""
    if args.name is None:
        width = max(map(len, pysig.data.names()))
        for name in pysig.data.names():
            print(f"{name:<{width}}  {pysig.data.DESCRIPTIONS[name]}")
        return
    name = args.name.removeprefix("@")
    if name not in pysig.data.names():
        raise InputError(unknown(name))
    source = pysig.data.labels_file(name) if args.labels else pysig.data.file(name)
    if args.output is not None and not args.output.name.lower().endswith(".csv"):
        raise InputError(
            f"{args.output}: the data is written as CSV; give a name that ends in .csv"
        )
    output = spooling() if args.output is None else replacing(args.output)
    with source.open("rb") as packed, output as file:
        data = gzip.GzipFile(fileobj=packed) if source.suffix == ".gz" else packed
        shutil.copyfileobj(data, file, 1 << 20)


def unknown(name: str) -> str:
    """The error message for an unknown data set."""
    return (
        f"@{name}: no such data set; pysig ships {', '.join('@' + n for n in pysig.data.names())}"
    )
