"""Lines of a text file, one by one for careful parsing or in blocks of bytes for fast parsing."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from typing import IO, Any


class Lines:
    """An iterator over the lines of UTF-8 text, which is unpacked if it begins as gzip does.

    A byte order mark is dropped. Comments become empty lines, so that lines are counted as an
    editor counts them. Between lines, `block` takes many of them as bytes, and `put_back` returns
    them.
    """

    def __init__(self, raw: IO[bytes], comment: str | None) -> None:
        start: Any = io.BufferedReader(raw)
        packed = start.peek(2)[:2] == b"\x1f\x8b"
        self.stream: Any = io.BufferedReader(gzip.GzipFile(fileobj=start)) if packed else start
        head = self.stream.peek(1 << 16)
        if head.startswith(codecs.BOM_UTF8):
            self.stream.read(len(codecs.BOM_UTF8))
        self.comment = comment
        self.count = 0  # lines that were read; whoever parses a block adds its lines
        self.waiting: Iterator[bytes] = iter(())
        self.text: io.TextIOWrapper | None = None
        if b"\n" not in head and b"\r" in head:  # lines end as they once did on the Macintosh
            self.text = io.TextIOWrapper(self.stream, encoding="utf-8", newline="")
        # the fast parser knows neither quotes nor comments
        self.has_blocks = self.text is None and comment is None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.text is not None:
            line = next(self.text)
        else:
            found = next(self.waiting, None)
            found = self.stream.readline() if found is None else found
            if not found:
                raise StopIteration
            line = found.decode("utf-8")
        self.count += 1
        if self.comment is not None and line.lstrip().startswith(self.comment):
            return "\n"
        return line

    def block(self, size: int) -> bytes:
        """At least `size` bytes up to the end of a line; fewer at the end of the file."""
        data: bytes = self.stream.read(size)
        return data + self.stream.readline() if len(data) == size else data

    def put_back(self, block: bytes) -> None:
        """The lines of `block` come next."""
        self.waiting = iter(io.BytesIO(block))
