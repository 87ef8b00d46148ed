"""Files of paths: exact round trips, blocks within their budget, files whole or absent."""

import csv
import gzip
import io
import itertools
import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
import pysig.data
from pysig._io.arrayfile import ArrayReader
from pysig._io.blocks import Budget, InputError, Run, collect
from pysig._io.csvfile import CsvOptions, CsvReader
from pysig._io.progress import Progress
from pysig._io.sinks import Layout, Result, check_suffix, open_sink, replacing

# Files are slow, and the machine may be busy.
FILES = settings(deadline=None, max_examples=50)

WIDE = Budget(2**40, 1, 1)

# Text that a CSV file can carry as a name: the reader strips blanks, and surrogates are not UTF-8.
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")) | st.sampled_from(',;"()\n'),
    min_size=1,
    max_size=6,
).filter(lambda text: text == text.strip() and text)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw):
    """Names of channels and, for each id, a list of (time, values)."""
    names = draw(st.lists(TEXT, min_size=1, max_size=3, unique=True).filter(plausible_header))
    ids = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    paths = {}
    for key in ids:
        count = draw(st.integers(1, 5))
        times = sorted(draw(st.lists(NUMBER, min_size=count, max_size=count, unique=True)))
        row = st.lists(NUMBER, min_size=len(names), max_size=len(names))
        paths[key] = [(time, draw(row)) for time in times]
    return names, paths


def plausible_header(names):
    return not {"id", "time"}.intersection(names)


def write_csv(names, paths, **options):
    text = io.StringIO()
    writer = csv.writer(text, **options)
    writer.writerow(["id", "time", *names])
    for key, rows in paths.items():
        writer.writerows([key, repr(time), *map(repr, values)] for time, values in rows)
    return text.getvalue()


def read(path, budget=WIDE, **options):
    reader = CsvReader(path, path.name, CsvOptions(**options))
    try:
        return reader, list(reader.blocks(budget, lambda amount: None))
    finally:
        reader.close()


def rows_of(blocks):
    """Undo the blocks: for each id its (time, values), and the ids in order of appearance."""
    paths = {}
    for block in blocks:
        for k, (key, count) in enumerate(zip(block.ids, block.counts, strict=True)):
            assert block.begins == (key not in paths)
            rows = zip(
                block.times[k, :count].tolist(), block.points[k, :count].tolist(), strict=True
            )
            paths.setdefault(key, []).extend(rows)
    return paths


@FILES
@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    bom=st.booleans(),
    packed=st.booleans(),
)
def test_csv_is_read_exactly(tmp_path_factory, table, delimiter, ending, quoting, bom, packed):
    names, paths = table
    text = write_csv(names, paths, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    data = text.encode("utf-8-sig" if bom else "utf-8")
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(gzip.compress(data) if packed else data)
    reader, blocks = read(path, delimiter=delimiter)
    assert reader.channels == tuple(names)
    found = rows_of(blocks)
    assert found == paths
    assert list(found) == list(paths)


def test_the_comparison_of_rows_notices_a_wrong_digit(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,time,x\na,0,1.0\n")
    _, blocks = read(path)
    assert rows_of(blocks) == {"a": [(0.0, [1.0])]}
    assert rows_of(blocks) != {"a": [(0.0, [np.nextafter(1.0, 2.0)])]}


def run_of(key, times, points):
    return Run(key, np.arange(len(times)), np.array(times), np.array(points))


@FILES
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    channels=st.integers(1, 3),
    total=st.integers(1, 4000),
    path_bytes=st.sampled_from([0, 8, 1000]),
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=4),
)
def test_blocks_keep_every_row_and_the_budget(lengths, channels, total, path_bytes, cuts):
    """Paths come in runs of any lengths, and leave in blocks."""
    budget = Budget(total, 8 * (channels + 1), path_bytes)
    paths, runs = {}, []
    for key, length in enumerate(lengths):
        points = key + np.arange(length)[:, None] + 0.5 * np.arange(channels)
        paths[str(key)] = [(float(time), row) for time, row in enumerate(points.tolist())]
        start, sizes = 0, itertools.cycle(cuts)
        while start < length:
            part = slice(start, start + next(sizes))
            runs.append(run_of(str(key), np.arange(length, dtype=float)[part], points[part]))
            start = part.stop
    blocks = list(collect(runs, budget))
    found = rows_of(blocks)
    assert found == paths
    assert list(found) == list(paths)
    for block in blocks:
        batch, length = block.points.shape[:2]
        assert batch == 1 or budget.fits(batch, length)
        assert length <= budget.length
        assert batch == 1 or (block.begins and block.ends)
        assert not block.ends or length > 0


def test_padding_repeats_the_last_point():
    runs = [
        run_of("a", [0.0], [[1.0]]),
        run_of("b", [0.0], [[2.0]]),
        run_of("b", [1.0], [[3.0]]),
    ]
    (block,) = collect(runs, WIDE)
    assert block.points[0, :, 0].tolist() == [1.0, 1.0]
    assert block.lengths.tolist() == [1, 2]


@FILES
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 3)),
    total=st.integers(1, 3000),
    ragged=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_arrays_come_out_whole(tmp_path_factory, shape, total, ragged, seed):
    rng = np.random.default_rng(seed)
    paths = rng.normal(size=shape)
    lengths = rng.integers(1, shape[1], size=shape[0], endpoint=True)
    file = tmp_path_factory.mktemp("npz") / "a.npz"
    np.savez(file, paths=paths, **({"lengths": lengths} if ragged else {}))
    reader = ArrayReader(file, "a.npz")
    found = rows_of(reader.blocks(Budget(total, 8 * (shape[2] + 1), 8), lambda amount: None))
    for k in range(shape[0]):
        count = lengths[k] if ragged else shape[1]
        times, points = zip(*found[str(k)], strict=True)
        assert list(times) == list(range(count))
        np.testing.assert_array_equal(np.array(points), paths[k, :count])


def layout(size, dtype=np.float64, stream=False, shape=None):
    columns = [f"S({k})" for k in range(size)]
    return Layout("id", "time", ["x"], columns, size, 1, np.dtype(dtype), stream, shape)


@FILES
@given(
    dtype=st.sampled_from([np.float32, np.float64]),
    parts=st.lists(st.integers(0, 3), max_size=3),
    size=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_format_gives_back_the_same_numbers(tmp_path_factory, dtype, parts, size, seed):
    folder = tmp_path_factory.mktemp("out")
    rng = np.random.default_rng(seed)
    scale = rng.choice([1e-30, 1e-3, 1.0, 1e30], size=(sum(parts), size))
    values = (rng.normal(size=(sum(parts), size)) * scale).astype(dtype)
    ids = [f"path {k}" for k in range(len(values))]
    found = {}
    ends = np.cumsum([0, *parts])
    results = [
        Result(ids[a:b], np.full(b - a, 5), values[a:b]) for a, b in itertools.pairwise(ends)
    ]
    for suffix in (".csv", ".csv.gz", ".npy", ".npz"):
        write_all(folder / f"a{suffix}", layout(size, dtype), results)
        opener = gzip.open if suffix.endswith("gz") else open
        if suffix.startswith(".csv"):
            with opener(folder / f"a{suffix}", "rt", encoding="utf-8", newline="") as text:
                header, *rows = csv.reader(text)
            assert header == ["id", *(f"S({k})" for k in range(size))]
            assert [row[0] for row in rows] == ids
            found[suffix] = np.array([row[1:] for row in rows], dtype).reshape(-1, size)
        else:
            loaded = np.load(folder / f"a{suffix}")
            if suffix == ".npz":
                assert loaded["ids"].tolist() == ids
                assert loaded["lengths"].tolist() == [5] * len(ids)
                with loaded:
                    loaded = loaded["signature"]
            found[suffix] = loaded
    for suffix, array in found.items():
        assert array.dtype == dtype, suffix
        np.testing.assert_array_equal(array, values, err_msg=suffix)


def write_all(path, layout, results):
    """Write the results to a file of this name."""
    with replacing(path) as file:
        sink = open_sink(file, check_suffix(path), layout, path.parent)
        try:
            for result in results:
                sink.write(result)
            sink.finish()
        finally:
            sink.close()


def test_stream_of_paths_of_different_lengths(tmp_path):
    results = [
        Result(["a"], np.array([2]), np.ones((1, 1, 1)), np.array([[1.0]]), np.array([1])),
        Result(["b"], np.array([3]), np.full((1, 2, 1), 2.0), np.array([[1.0, 2]]), np.array([2])),
    ]
    write_all(tmp_path / "a.npz", layout(1, stream=True), results)
    with np.load(tmp_path / "a.npz") as stored:
        assert stored["signature"].tolist() == [[1.0], [2.0], [2.0]]
        assert stored["prefixes"].tolist() == [1, 2]
    with pytest.raises(InputError, match=r"'a' has 1 rows and 'b' has 2"):
        write_all(tmp_path / "a.npy", layout(1, stream=True), results)
    assert sorted(os.listdir(tmp_path)) == ["a.npz"]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".npy", ".npz"])
def test_the_old_file_stays_if_anything_fails(tmp_path, suffix):
    target = tmp_path / f"a{suffix}"
    target.write_text("old")

    def results():
        yield Result(["a"], np.array([2]), np.ones((1, 1)))
        assert target.read_text() == "old"
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        write_all(target, layout(1), results())
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == [target.name]


def test_replacing_keeps_permissions_and_follows_links(tmp_path):
    target, link = tmp_path / "a.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with replacing(link) as file:
        file.write(b"new")
    assert target.read_text() == "new"
    assert link.is_symlink()
    if os.name == "posix":
        assert target.stat().st_mode & 0o777 == 0o640


def test_new_files_get_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_text("")
    with replacing(tmp_path / "a.csv") as file:
        file.write(b"x")
    assert (tmp_path / "a.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_suffix_selects_the_format(tmp_path):
    assert check_suffix(tmp_path / "A.CSV.GZ") == ".csv.gz"
    assert check_suffix(tmp_path / "a.b.npy") == ".npy"
    with pytest.raises(InputError, match="suffix selects"):
        check_suffix(tmp_path / "a.txt")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("tqdm", [True, False])
def test_progress_is_for_terminals_only(monkeypatch, tqdm):
    if tqdm:
        pytest.importorskip("tqdm", reason="tqdm, which draws the bar here, is not installed")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr("pysig._io.progress.DELAY", 0.0)
    monkeypatch.setattr("pysig._io.progress.INTERVAL", 0.0)
    for wanted, stream in ((True, io.StringIO()), (False, Terminal())):
        with Progress(10, wanted, stream) as tick:
            tick(5)
        assert stream.getvalue() == ""
    terminal = Terminal()
    with Progress(10, True, terminal) as tick:
        tick(5)
        tick(5)
    assert "%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")


@pytest.mark.parametrize(
    ("name", "count", "length", "channels", "labels"),
    [("japanese_vowels", 640, 29, 12, 9), ("basic_motions", 80, 100, 6, 4)],
)
def test_shipped_data(name, count, length, channels, labels):
    data = pysig.data.load(name)
    assert data.paths.shape == (count, length, channels)
    assert data.times.shape == (count, length)
    assert len(data.channels) == channels
    assert len(set(data.ids)) == count == len(data.labels) == len(data.split)
    assert len(set(data.labels)) == labels
    assert set(data.split) == {"train", "test"}
    assert data.lengths.max() == length
    assert np.isfinite(data.paths).all()


def test_shipped_vowels_are_the_published_ones():
    data = pysig.data.load("japanese_vowels")
    assert data.lengths.min() == 7
    assert data.lengths.sum() == 9961
    assert (data.split == "train").sum() == 270
    train = data.labels[data.split == "train"]
    assert [int((train == str(k)).sum()) for k in range(1, 10)] == [30] * 9
    test = data.labels[data.split == "test"]
    # the numbers of utterances that the data's own description gives for the nine speakers
    assert [int((test == str(k)).sum()) for k in range(1, 10)] == [
        31,
        35,
        88,
        44,
        29,
        24,
        40,
        50,
        29,
    ]
    assert data.paths[0, 0, :2].tolist() == [1.860936, -0.207383]


def test_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match='"basic_motions", "japanese_vowels"'):
        pysig.data.load("vowels")
