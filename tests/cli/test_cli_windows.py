"""`--window`: rows are those of `signature_windows`, whatever the unit and the memory."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import pysig
from pysig._cli.windows import length

CHANNELS = 2


@pytest.fixture
def random_walks(rng):
    return [rng.normal(size=(n, CHANNELS)).cumsum(axis=0).round(3) for n in (40, 7, 1, 23)]


def write_stamped(path, walks, times):
    with open(path, "w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["id", "time", "x", "y"])
        for k, points in enumerate(walks):
            for time, row in zip(times[k], points.tolist(), strict=True):
                writer.writerow([f"p{k}", time, *row])


def read_windows(text):
    """Ids, ends and numbers of a CSV."""
    _, *rows = csv.reader(io.StringIO(text, newline=""))
    numbers = np.array([row[2:] for row in rows], dtype=float)
    return [row[0] for row in rows], [row[1] for row in rows], numbers


def irregular(rng, walks, unit):
    """Times of each path: dates, integers or fractions; two points have one time."""
    times = []
    for points in walks:
        ticks = np.cumsum(rng.integers(0, 30, len(points)))
        if unit == "dates":
            times.append(np.datetime64("2026-01-05T09:00:00") + ticks.astype("m8[s]"))
        else:
            times.append(ticks if unit == "integers" else ticks * 0.25)
    return times


CASES = {
    "points": ([], {}),
    "stride": (["--stride", "4"], {"stride": 4}),
    "partial": (["--stride", "3", "--start", "partial"], {"stride": 3, "start": "partial"}),
    "previous": (["--include-previous"], {"include_previous": True}),
    "inverse": (["--inverse", "--scalar-term"], {"inverse": True, "scalar_term": True}),
    "basepoint": (["--basepoint", "1,2"], {"basepoint": np.array([1.0, 2.0])}),
    "lead-lag": (["--transform", "lead_lag"], {"transform": "lead_lag"}),
    "reset": (["--transform", "reset"], {"transform": "reset"}),
}


@pytest.mark.parametrize("memory", [[], ["--memory", "1K"]])
@pytest.mark.parametrize("case", CASES)
def test_windows_of_points(command, random_walks, case, memory):
    arguments, options = CASES[case]
    times = [np.arange(len(points)) for points in random_walks]
    write_stamped("a.csv", random_walks, times)
    run = command("signature", "a.csv", "--depth", 2, "--window", 5, *arguments, *memory)
    assert run.status == 0, run.err
    ids, ends, numbers = read_windows(run.out)
    expected = [pysig.signature_windows(points, 2, 5, **options) for points in random_walks]
    assert ids == [f"p{k}" for k, rows in enumerate(expected) for _ in rows]
    np.testing.assert_allclose(numbers, np.concatenate(expected), rtol=1e-12, atol=1e-12)
    own = {name: options[name] for name in ("stride", "start") if name in options}
    bounds = [pysig.window_bounds(len(points), 5, **own) for points in random_walks]
    assert ends == [str(end - 1) for own in bounds for end in own[:, 1]]


@pytest.mark.parametrize("memory", [[], ["--memory", "1K"]])
@pytest.mark.parametrize("stride", [None, "40"])
@pytest.mark.parametrize("unit", ["dates", "integers", "fractions"])
@pytest.mark.parametrize("closed", ["right", "left"])
def test_windows_of_times(command, rng, random_walks, unit, stride, closed, memory):
    times = irregular(rng, random_walks, unit)
    write_stamped("a.csv", random_walks, times)
    suffix = "s" if unit == "dates" else "t"
    arguments = ["--window", f"90{suffix}", "--start", "partial", "--closed", closed, *memory]
    options = {"start": "partial", "closed": closed, "window": 90.0}
    if stride is not None:
        arguments += ["--stride", f"{stride}{suffix}"]
        options["stride"] = float(stride)
    if unit == "dates":
        options |= {name: np.timedelta64(int(options[name]), "s") for name in ("window", "stride")
                    if name in options}  # fmt: skip
    run = command("signature", "a.csv", "--depth", 2, "--time", *arguments)
    assert run.status == 0, run.err
    ids, ends, numbers = read_windows(run.out)
    expected = []
    for points, own in zip(random_walks, times, strict=True):
        seconds = (own - own[0]).astype(float)
        expected.append(
            pysig.signature_windows(points, 2, times=own, transform=pysig.Time(seconds), **options)
        )
    assert ids == [f"p{k}" for k, rows in enumerate(expected) for _ in rows]
    np.testing.assert_allclose(numbers, np.concatenate(expected), rtol=1e-11, atol=1e-11)
    if stride is None:
        assert ends == [str(time).removesuffix(".0") for own in times for time in own]


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".npy"])
def test_formats(command, random_walks, suffix):
    if suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
    times = [np.arange(len(points)) for points in random_walks]
    write_stamped("a.csv", random_walks, times)
    expected = [pysig.logsignature_windows(points, 2, 5, basis="hall") for points in random_walks]
    run = command(
        "logsignature", "a.csv", "--depth", 2, "--window", 5, "--basis", "hall", "-o", f"b{suffix}"
    )
    if suffix == ".npy":
        assert run.status == 2
        assert "has 36 rows and 'p1' has 3, which does not form an array" in run.err
        return
    assert run.status == 0, run.err
    if suffix == ".parquet":
        table = parquet.read_table("b.parquet")
        assert table.column_names[:2] == ["id", "time"]
        numbers = np.stack([column.to_numpy() for column in table.columns[2:]], axis=1)
    else:
        with np.load("b.npz") as archive:
            numbers = archive["logsignature"]
            assert archive["prefixes"].tolist() == [len(rows) for rows in expected]
    np.testing.assert_allclose(numbers, np.concatenate(expected), rtol=1e-12, atol=1e-12)


def test_words_of_windows(command, random_walks):
    write_stamped("a.csv", random_walks, [np.arange(len(points)) for points in random_walks])
    run = command("signature", "a.csv", "--words", "x,y;y", "--window", 5)
    expected = [pysig.signature_windows(p, None, 5, words=[(0, 1), (1,)]) for p in random_walks]
    np.testing.assert_allclose(
        read_windows(run.out)[2], np.concatenate(expected), rtol=1e-12, atol=1e-12
    )


def test_an_array_of_paths(command, rng):
    array = rng.normal(size=(3, 20, 2))
    np.save("a.npy", array)
    run = command("signature", "a.npy", "--depth", 2, "--window", 4, "-o", "b.npy")
    assert run.status == 0, run.err
    np.testing.assert_allclose(np.load("b.npy"), pysig.signature_windows(array, 2, 4), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("50", "", 50),
        ("60s", "s", 60),
        ("1.5h", "h", 1.5),
        (".5 ms", "ms", 0.5),
        ("5MIN", "min", 5),
    ],
)
def test_lengths(text, unit, number):
    found = length(text)
    assert (found.unit, found.number) == (unit, number)
    if unit not in ("", "t"):
        seconds = {"s": 1, "h": 3600, "ms": 1e-3, "min": 60}[unit]
        assert found.value(True, "--window") == np.timedelta64(round(number * seconds * 1e9), "ns")


ERRORS = {
    "unit": (["--window", "60q"], "expected a number of points such as 50, or a length of time"),
    "zero": (["--window", "0"], "expected a number of points such as 50"),
    "negative": (["--window=-3s"], "expected a number of points such as 50"),
    "fraction": (["--window", "2.5"], "expected a number of points such as 50"),
    "stride alone": (["--stride", "3"], "--stride: it describes windows; give --window, too"),
    "start alone": (["--start", "full"], "--start: it describes windows"),
    "closed alone": (["--closed", "left"], "--closed: it describes windows"),
    "previous alone": (["--include-previous"], "--include-previous: it describes windows"),
    "stream": (["--window", "5", "--stream"], "--stream: prefixes and windows exclude each other"),
    "mixed": (["--window", "5", "--stride", "3s"], "--stride 3s: expected a number of points, as"),
    "mixed time": (
        ["--window", "5t", "--stride", "3"],
        "--stride 3: expected a length of time, as",
    ),
    "closed": (
        ["--window", "5", "--closed", "left"],
        "--closed left: a window of a number of points",
    ),
    "numbers": (
        ["--window", "5s"],
        "--window 5s: the times of the file are numbers; give for exam",
    ),
    "basepoint": (
        ["--window", "5", "--time", "--basepoint", "zero"],
        "--basepoint: it has no time in a window",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(command, random_walks, case):
    arguments, message = ERRORS[case]
    write_stamped("a.csv", random_walks, [np.arange(len(points)) for points in random_walks])
    run = command("signature", "a.csv", "--depth", 2, "-o", "b.csv", *arguments)
    assert run.status == 2
    assert message in run.err
    with pytest.raises(FileNotFoundError):
        open("b.csv", encoding="utf-8").close()


def test_errors_of_dates(command, random_walks):
    write_stamped(
        "a.csv",
        random_walks,
        [np.datetime64("2026-01-05") + np.arange(len(p)) for p in random_walks],
    )
    run = command("signature", "a.csv", "--depth", 2, "--window", "5t")
    assert "--window 5t: the times of the file are dates; give a unit such as 60s" in run.err
    with open("b.csv", "w", encoding="utf-8") as text:
        text.write("x,y\n1,2\n2,3\n")
    run = command("signature", "b.csv", "--depth", 2, "--window", "5s")
    assert "--window 5s: b.csv has no times; give --time-column, or a number of points" in run.err


@pytest.mark.parametrize(
    ("options", "rows"),
    [(["--window", 10**20], ""), (["--window", 2, "--stride", 10**20], "a.csv,1,1.0\n")],
)
def test_numbers_beyond_64_bits(command, options, rows):
    Path("a.csv").write_text("x\n1\n2\n")
    result = command("signature", "a.csv", "--depth", 1, *options)
    assert (result.status, result.out) == (0, f"id,time,S(x)\n{rows}")
