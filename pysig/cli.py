"""The command `pysig`: signatures of paths in files, without writing a program.

Exit status: 0 if all went well, 2 for bad use or bad data (one sentence on standard error, and
nothing written), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import math
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pysig
import pysig.data
from pysig._cli import data, info, signature
from pysig._io.blocks import InputError
from pysig._io.files import Source

DESCRIPTION = """\
Signatures of paths in files. Each command has its own --help with examples.
"""

SIGNATURE_HELP = """\
Compute the signature of every path in IN, up to words of --depth letters.

IN may be
  .csv, .csv.gz   a header, then one row per point. A column called `id` names the path of
                  each row, a column called `time` orders the points; every other column
                  is a channel. Paths may have different lengths. Without `id` the
                  file is one path.
  .npy            an array (..., length, channels)
  .npz            the same in an archive, with optional arrays `lengths`, `ids`, `times`
                  and `channels` beside it
  @NAME           a data set shipped with pysig (see `pysig data`)
  -               CSV on standard input
Several files are read one after the other; a CSV file without ids is one path, named after
the file.
"""

SIGNATURE_EXAMPLES = """\
examples:
  pysig signature @japanese_vowels --depth 3 -o vowels.csv
      A row for each of 640 utterances: its id, then columns S(c1), S(c2), ..., S(c1,c1), ...
      S(c1,c2) is the coefficient of the word c1 c2: the integral of c1 against dc2.
  pysig signature walks/*.csv --depth 4 --time -o walks.npz
      One path per file. Time becomes the first channel.
  pysig signature panel.csv --id patient --time-column hour --ignore ward --depth 2
      Other names for the id and time columns, and a column that is not a channel.
      Without -o the CSV is written to standard output.
  pysig signature paths.npy --depth 5 --dtype float32 --device gpu -o features.npy
      An array of shape (..., length, channels) becomes one of shape (..., size).
  pysig signature ticks.csv --depth 3 --stream -o prefixes.csv
      A row for every prefix of every path, with the time of its last point.

Memory does not grow with the input: files are read incrementally or memory-mapped, and paths
are processed in blocks of --memory. A path longer than that is cut into chunks, which Chen's
identity joins. (An .npz is loaded whole, and --sort holds all rows.) The output file appears
only when it is complete.
"""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def positive(text: str) -> int:
    """A positive integer."""
    if not re.fullmatch(r"\+?[0-9]+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)


def nonzero(text: str) -> int:
    """A number of threads: positive, or negative to count from the number of CPUs."""
    if not re.fullmatch(r"[+-]?[0-9]+", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected an integer other than 0, received {text!r}")
    return int(text)


def byte_size(text: str) -> int:
    """A number of bytes such as 500K, 64M or 2G.

    >>> byte_size("64M")
    67108864
    """
    match = re.fullmatch(r"([0-9]+)([KMGT]?)(i?B)?", text, re.IGNORECASE)
    if match is None or int(match[1]) < 1:
        raise argparse.ArgumentTypeError(f"expected a size such as 64M or 2G, received {text!r}")
    return int(match[1]) << 10 * " KMGT".index(match[2].upper() or " ")


def basepoint(text: str) -> list[float]:
    """`zero`, returned as the empty list, or numbers separated by commas."""
    if text == "zero":
        return []
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise argparse.ArgumentTypeError(f"expected zero, or numbers like 0,0.5, received {text!r}")
    return numbers


def delimiter(text: str) -> str:
    r"""One character, or the word `tab`."""
    if text in ("tab", "\\t"):
        return "\t"
    if len(text) != 1 or text in '"\r\n' or text.isalnum():
        raise argparse.ArgumentTypeError(f"expected one character or tab, received {text!r}")
    return text


def columns(text: str) -> list[str]:
    """Names separated by commas; a name that contains a comma is in double quotes."""
    names = next(csv.reader([text], skipinitialspace=True), [])
    if not all(names) or not names:
        raise argparse.ArgumentTypeError(f"expected names like x,y,z, received {text!r}")
    return names


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command `pysig`."""
    parser = Parser(
        prog="pysig", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"pysig {pysig.__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    add_signature(commands)
    add_data(commands)
    commands.add_parser(
        "info",
        help="print versions, instruction set, threads and GPU",
        description="Print versions, instruction set, threads, and the GPU if there is one.",
    )
    return parser


def add_signature(commands: Any) -> None:
    """The command `pysig signature`."""
    parser = commands.add_parser(
        "signature",
        help="signatures of paths in CSV, .npy or .npz files",
        description=SIGNATURE_HELP,
        epilog=SIGNATURE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_files(parser)
    add_options(parser.add_argument_group("what to compute (as in pysig.signature)"))
    add_reading(parser.add_argument_group("how to read the input"))
    add_resources(parser.add_argument_group("resources"))


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add input, output and depth."""
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="files of paths, see above")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="output file; the suffix .csv, .csv.gz, .npy or .npz selects the format "
        "(default: CSV on standard output)",
    )
    add(
        "--depth",
        type=positive,
        required=True,
        metavar="N",
        help="number of letters of the longest words",
    )


def add_options(group: argparse._ArgumentGroup) -> None:
    """Add the options of `pysig.signature`."""
    add = group.add_argument
    add("--stream", action="store_true", help="signatures of all prefixes of each path")
    add(
        "--time",
        action="store_true",
        help="add time as the first channel: the time column, or the "
        "index of the point if there is none",
    )
    add(
        "--basepoint",
        type=basepoint,
        metavar="zero|X,Y,...",
        help="a point in front of every path",
    )
    add("--inverse", action="store_true", help="compute the group inverse")
    add("--scalar-term", action="store_true", help="keep the constant 1, the column S(), in front")
    add(
        "--dtype",
        choices=("float32", "float64"),
        help="compute in this type (default: that of the input; float64 for CSV and integers)",
    )
    add("--method", choices=("auto", "tile", "cumsum"), default="auto", help="(default: auto)")
    add("--device", choices=("cpu", "gpu"), default="cpu", help="gpu needs CuPy (default: cpu)")
    add("--workers", type=nonzero, metavar="N", help="threads on the CPU (default: all)")


def add_reading(group: argparse._ArgumentGroup) -> None:
    """Add the options that describe the input."""
    add = group.add_argument
    add(
        "--id",
        metavar="NAME",
        help="the CSV column that names the path of a row (default: id, if any)",
    )
    add(
        "--time-column",
        metavar="NAME",
        help="the CSV column of times, numbers or ISO dates (default: time, if any)",
    )
    add(
        "--channels",
        type=columns,
        metavar="NAME,...",
        help="the CSV columns that are channels, in this order (default: all others)",
    )
    add(
        "--ignore",
        type=columns,
        default=(),
        metavar="NAME,...",
        help="CSV columns that are not channels",
    )
    add(
        "--delimiter",
        type=delimiter,
        default=",",
        metavar="CHAR",
        help="the character between CSV fields, or the word tab (default: a comma)",
    )
    add(
        "--no-header",
        dest="header",
        action="store_false",
        help="the CSV has no header; its columns are called 1, 2, ...",
    )
    add(
        "--sort",
        action="store_true",
        help="sort the CSV rows by id and time, in memory",
    )
    add(
        "--allow-nan",
        action="store_true",
        help="let NaN, infinity and missing values through; they "
        "reach the coefficients of their own path only",
    )
    add("--key", metavar="NAME", help="the array of paths in an .npz (default: the only one)")


def add_resources(group: argparse._ArgumentGroup) -> None:
    """Add memory and progress."""
    add = group.add_argument
    add(
        "--memory",
        type=byte_size,
        default=byte_size("64M"),
        metavar="SIZE",
        help="bytes of input and output in memory at once (default: 64M)",
    )
    add("-q", "--quiet", action="store_true", help="no progress bar")


def add_data(commands: Any) -> None:
    """The command `pysig data`."""
    parser = commands.add_parser(
        "data",
        help="list the shipped data sets, or write one out as CSV",
        description="List the data sets shipped with pysig, or write one out as CSV.",
        epilog="example:\n  pysig data japanese_vowels -o vowels.csv",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a data set (default: list them)")
    parser.add_argument("--labels", action="store_true", help="its labels instead of its points")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT.csv", help="(default: standard output)"
    )


def source(text: str) -> Source:
    """The file for an input argument."""
    if text == "-":
        return Source(None, "standard input")
    if not text.startswith("@"):
        return Source(Path(text), text)
    if text[1:] not in pysig.data.names():
        raise InputError(data.unknown(text[1:]))
    return Source(pysig.data.file(text[1:]), text)


def run(args: argparse.Namespace) -> None:
    """Run the selected command."""
    if args.command == "info":
        info.run()
    elif args.command == "data":
        data.run(args)
    else:
        signature.run(args, [source(text) for text in args.inputs])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    try:
        with termination():
            run(build_parser().parse_args(arguments))
            sys.stdout.flush()
        return 0
    except BrokenPipeError:  # the reader of the output, such as `head`, closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except InputError as error:
        message = str(error)
    except MemoryError:
        message = "not enough memory; give a smaller --memory or --depth"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{error.filename}: {reason}" if error.filename else reason
    except KeyboardInterrupt:
        sys.stderr.write("\npysig: interrupted, nothing was written\n")
        return 130
    sys.stderr.write(f"pysig: error: {message}\n")
    return 2


@contextlib.contextmanager
def termination() -> Iterator[None]:
    """Turn SIGTERM into SystemExit, so that unfinished files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
