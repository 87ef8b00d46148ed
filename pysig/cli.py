"""The command `pysig`: signatures of paths in files, without writing a program.

Exit status: 0 if all went well, 2 for bad use or bad data (one sentence on standard error, and
nothing written), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pysig.data
from pysig._cli import data, info, signature
from pysig._cli.parser import build_parser, joined
from pysig._io.blocks import InputError
from pysig._io.files import Source


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
            run(build_parser().parse_args(joined(sys.argv[1:] if arguments is None else arguments)))
            sys.stdout.flush()
        return 0
    except BrokenPipeError:  # the reader of the output, such as `head`, closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except InputError as error:
        message = str(error)
    except OverflowError as error:
        message = f"a number is out of range ({error}); give a smaller one"
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
