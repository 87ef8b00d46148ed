"""The options of the command `pysig`."""

from __future__ import annotations

import argparse
import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pysig
from pysig._cli.signature import STAGES
from pysig._cli.windows import add_windows

DESCRIPTION = """\
Signatures of paths in files. Each command has its own --help with examples.
"""

INPUT_HELP = """\
IN may be
  .csv, .csv.gz   a header, then one row per point. A column called `id` names the path of
                  each row, a column called `time` orders the points; every other column
                  is a channel. Paths may have different lengths. Without `id` the
                  file is one path.
  .parquet        the same table; needs pyarrow
  .feather        the same table; needs pyarrow
  .npy            an array (..., length, channels)
  .npz            the same in an archive, with optional arrays `lengths`, `ids`, `times`
                  and `channels` beside it
  @NAME           a data set shipped with pysig (see `pysig data`)
  -               CSV on standard input
Several files are read one after the other; a table without ids is one path, named after
the file. A line on standard error states how the input was understood.
"""

SIGNATURE_HELP = f"""\
Compute the signature of every path in IN, up to words of --depth letters.

{INPUT_HELP}"""

LOGSIGNATURE_HELP = f"""\
Compute the log-signature of every path in IN, up to level --depth.

{INPUT_HELP}"""

MEMORY_HELP = """\
Memory does not grow with the input: files are read incrementally or memory-mapped, and paths
are processed in blocks of --memory. A path longer than that is cut into chunks, which Chen's
identity joins. (An .npz is loaded whole, and --sort holds all rows.) The output file appears
only when it is complete.
"""

SIGNATURE_EXAMPLES = f"""\
examples:
  pysig signature @japanese_vowels --depth 3 -o vowels.csv
      A row for each of 640 utterances: its id, then columns S(c1), S(c2), ..., S(c1,c1), ...
      S(c1,c2) is the coefficient of the word c1 c2: the integral of c1 against dc2.
  pysig signature walks/*.csv --depth 4 --time -o walks.npz
      One path per file. Time becomes the last channel.
  pysig signature panel.csv --id patient --time-column hour --ignore ward --depth 2
      Other names for the id and time columns, and a column that is not a channel.
      Without -o the CSV is written to standard output.
  pysig signature ticks.parquet --depth 3 -o ticks.feather
      From Parquet to Feather; time stamps are those of the table.
  pysig signature paths.npy --depth 5 --dtype float32 --device gpu -o features.npy
      An array of shape (..., length, channels) becomes one of shape (..., size).
  pysig signature ticks.csv --depth 3 --stream -o prefixes.csv
      A row for every prefix of every path, with the time of its last point.
  pysig signature quotes.csv --depth 3 --window 60s --stride 10s -o windows.csv
      A row for every window of a minute, with the time of its end.
  pysig signature ticks.csv --words "lead_x,lag_x;lag_x,lead_x" --transform lead_lag
      Two coefficients of the path after lead-lag; their difference is its quadratic variation.

{MEMORY_HELP}"""

LOGSIGNATURE_EXAMPLES = f"""\
examples:
  pysig logsignature @basic_motions --depth 3 -o motions.csv
      A row per recording, one column per Lyndon word: L(accel_x), ..., L(accel_x,accel_y), ...
  pysig logsignature ticks.csv --depth 3 --basis brackets --time
      Coordinates of Lyndon brackets, with time as the last channel.

{MEMORY_HELP}"""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors take one line. Options are not abbreviated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "allow_abbrev": False})

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


def point(text: str) -> list[float]:
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
        raise argparse.ArgumentTypeError(
            f"expected names like x,y,z, received {text!r}; a column without a name is called by "
            "its number, 1 for the first"
        )
    return names


def words(text: str) -> list[str]:
    """Words separated by semicolons; a name that contains one is in double quotes.

    >>> words('x; "a;b",x')
    ['x', '"a;b",x']
    """
    parts = re.findall(r'(?:[^;"]|"(?:[^"]|"")*")+', text)
    return [part.strip() for part in parts]


def names(text: str) -> list[str]:
    """Names of stages, separated by commas."""
    return [part.strip() for part in text.split(",")]


def joined(arguments: Sequence[str]) -> list[str]:
    """Join `--basepoint` and its numbers: argparse takes -1,0 for an option.

    >>> joined(["--basepoint", "-1,0", "-q"])
    ['--basepoint=-1,0', '-q']
    """
    given = list(arguments)
    for k in range(len(given) - 1, 0, -1):
        if given[k - 1] == "--basepoint" and re.match(r"-\.?\d", given[k]):
            given[k - 1 : k + 1] = [f"--basepoint={given[k]}"]
    return given


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command `pysig`."""
    parser = Parser(
        prog="pysig", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"pysig {pysig.__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    add_paths(commands, "signature", SIGNATURE_HELP, SIGNATURE_EXAMPLES)
    add_paths(commands, "logsignature", LOGSIGNATURE_HELP, LOGSIGNATURE_EXAMPLES)
    add_data(commands)
    commands.add_parser(
        "info",
        help="print versions, instruction set, threads and GPU",
        description="Print versions, instruction set, threads, and the GPU if there is one.",
    )
    return parser


def add_paths(commands: Any, name: str, description: str, examples: str) -> None:
    """The command `pysig signature` or `pysig logsignature`."""
    parser = commands.add_parser(
        name,
        help=f"{name}s of paths in CSV, Parquet, Feather, .npy or .npz files",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_files(parser)
    add_options(parser.add_argument_group(f"what to compute (as in pysig.{name})"), name)
    add_windows(parser.add_argument_group(f"sliding windows (as in pysig.{name}_windows)"))
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
        help="output file; the suffix .csv, .csv.gz, .parquet, .feather, .npy or .npz selects the "
        "format (default, and for -: CSV on standard output)",
    )
    add("--depth", type=positive, metavar="N", help="number of letters of the longest words")


def add_options(group: argparse._ArgumentGroup, name: str) -> None:
    """Add the options of `pysig.signature` or `pysig.logsignature`."""
    add = group.add_argument
    if name == "signature":
        add(
            "--words",
            type=words,
            metavar="X;X,Y",
            help="only these words, instead of --depth: letters are names of channels, separated "
            "by commas, words are separated by semicolons",
        )
        add("--scalar-term", action="store_true", help="keep the constant 1, the column S()")
    else:
        add(
            "--basis",
            choices=("words", "brackets", "hall", "expanded"),
            default="words",
            help="the basis of the coordinates (default: words, the Lyndon words)",
        )
    add("--stream", action="store_true", help="signatures of all prefixes of each path")
    add(
        "--time",
        action="store_true",
        help="add time as the last channel: the times of the file, in seconds if they are dates; "
        "without times, equal steps from 0 to 1",
    )
    add(
        "--transform",
        type=names,
        metavar="STAGE,...",
        help=f"transform the path: {', '.join(STAGES)}; `times` are those of the file",
    )
    add(
        "--basepoint",
        type=point,
        metavar="zero|X,Y,...",
        help="a point in front of every path",
    )
    add("--inverse", action="store_true", help="compute the group inverse")
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
        help="the column that names the path of a row (default: id, if any)",
    )
    add(
        "--time-column",
        metavar="NAME",
        help="the column of times, numbers or ISO dates (default: time, if any)",
    )
    add(
        "--channels",
        type=columns,
        metavar="NAME,...",
        help="the columns that are channels, in this order (default: all others)",
    )
    add(
        "--ignore",
        type=columns,
        default=(),
        metavar="NAME,...",
        help="columns that are not channels",
    )
    add(
        "--delimiter",
        type=delimiter,
        default=",",
        metavar="CHAR",
        help="the character between CSV fields, or the word tab (default: a comma)",
    )
    add("--comment", metavar="CHAR", help="skip CSV lines that begin with this character")
    add(
        "--no-header",
        dest="header",
        action="store_false",
        help="the CSV has no header; its columns are called 1, 2, ...",
    )
    add(
        "--sort",
        action="store_true",
        help="sort the rows by id and time, in memory",
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
    add("-q", "--quiet", action="store_true", help="no progress bar and no line on the input")


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
