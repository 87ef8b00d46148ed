"""Files of SignatureIndex with a damaged header, and files that cannot be written."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import pysig
from pysig._api._index_file import MAGIC

START = len(MAGIC) + 8


@pytest.fixture
def stored(tmp_path):
    file = tmp_path / "index"
    points = np.random.default_rng(0).normal(size=(300, 2))
    pysig.SignatureIndex(points, 2, times=np.arange(300.0)).save(file)
    return file


def header_of(file):
    data = file.read_bytes()
    size = int.from_bytes(data[len(MAGIC) : START], "little")
    return json.loads(data[START : START + size]), data[START + size :]


def write(file, facts, body):
    header = json.dumps(facts).encode() if not isinstance(facts, bytes) else facts
    header += b" " * (-(START + len(header)) % 64)
    file.write_bytes(MAGIC + len(header).to_bytes(8, "little") + header + body)


def check_refused(file):
    for mmap in (False, True):
        with pytest.raises(
            ValueError, match=r"^file: .*SignatureIndex\.save.* Save the index again"
        ):
            pysig.SignatureIndex.load(file, mmap=mmap)


NAMES = ["format", "channels", "depth", "leaf", "batch", "length", "times", "arrays"]
WRONG = [None, "x", -1, 0, [], {}, 1.5, [-1], 10**30, [["number"]]]


def test_a_header_that_is_written_as_it_was_is_read(stored):
    write(stored, *header_of(stored))
    assert pysig.SignatureIndex.load(stored).length == 300


@pytest.mark.parametrize("name", NAMES)
def test_a_header_without_a_fact(stored, name):
    facts, body = header_of(stored)
    del facts[name]
    write(stored, facts, body)
    check_refused(stored)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_header_with_a_wrong_fact(stored, name, wrong):
    facts, body = header_of(stored)
    if (name, wrong) == ("batch", []):
        return  # as it is
    write(stored, {**facts, name: wrong}, body)
    check_refused(stored)


@pytest.mark.parametrize(
    "points",
    [3, ["float64"], ["float64", "x"], ["float64", [1, -300, 2]], [3, [1, 2]], [["f"], [1]]],
    ids=str,
)
def test_a_header_with_a_wrong_array(stored, points):
    facts, body = header_of(stored)
    write(stored, {**facts, "arrays": {**facts["arrays"], "points": points}}, body)
    check_refused(stored)


@pytest.mark.parametrize(
    "times",
    [["weird", ""], ["number", "s"], ["number", "", False, 1], ["datetime64", "ns"], ["number"]],
    ids=str,
)
def test_a_header_with_wrong_times(stored, times):
    facts, body = header_of(stored)
    write(stored, {**facts, "times": times}, body)
    check_refused(stored)


@pytest.mark.parametrize("facts", [b"[1]", b"[" * 100_000, b"{", b"\xff"], ids=len)
def test_a_header_that_is_not_an_object(stored, facts):
    write(stored, facts, header_of(stored)[1])
    check_refused(stored)


@pytest.mark.parametrize("more", [b"abc", b"\0" * 64])
def test_bytes_after_the_end(stored, more):
    stored.write_bytes(stored.read_bytes() + more)
    with pytest.raises(ValueError, match=r"more bytes than its header says\. Save the index again"):
        pysig.SignatureIndex.load(stored)


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    index = pysig.SignatureIndex(np.zeros((9, 2)), 2)
    for target in (tmp_path / "missing" / "index", tmp_path):
        with pytest.raises(OSError, match=re.escape(str(target)) + "'$"):
            index.save(target)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", [None, 3])
def test_a_name_that_is_not_a_path(file):
    index = pysig.SignatureIndex(np.zeros((9, 2)), 2)
    for call in (index.save, pysig.SignatureIndex.load):
        with pytest.raises(TypeError, match=r"^file: expected the path of a file.*Pass a str"):
            call(file)
