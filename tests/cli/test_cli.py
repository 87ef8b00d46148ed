"""The command `pysig` gives what `pysig.signature` gives, whatever the format and the batches."""

import csv
import gzip
import importlib.util
import io
import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
import pysig.cli
import pysig.data


def table(text):
    """Header, first column and numbers of a CSV."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return header, [row[0] for row in rows], np.array([row[1:] for row in rows], dtype=float)


def write_long(path, paths, times=None, opener=open):
    """A long CSV of paths, a list of arrays (length, channels)."""
    with opener(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["id", "time", *"xyzuvw"[: paths[0].shape[1]]])
        for k, points in enumerate(paths):
            at = range(len(points)) if times is None else times[k]
            writer.writerows([f"p{k}", t, *row] for t, row in zip(at, points.tolist(), strict=True))


def write_table(path, columns):
    """A Parquet file."""
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pytest.importorskip("pyarrow").table(columns), path)


def arrays_close(actual, expected, dtype=np.float64):
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def test_the_comparison_notices_a_wrong_value():
    with pytest.raises(AssertionError):
        arrays_close(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9]))


OPTIONS = {
    "--stream": {"stream": True},
    "--inverse": {"inverse": True},
    "--scalar-term": {"scalar_term": True},
    "--basepoint=zero": {"basepoint": True},
    "--basepoint=0.5,-1": {"basepoint": np.array([0.5, -1.0])},
    "--method=cumsum": {"method": "cumsum"},
    "--workers=1": {"workers": 1},
}


@pytest.mark.quick
@pytest.mark.parametrize("option", [None, *OPTIONS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_arrays_give_what_the_function_gives(command, option, dtype):
    paths = np.random.default_rng(1).normal(size=(3, 2, 9, 2)) * 4
    paths = paths.astype(dtype)
    np.save("in.npy", paths)
    result = command(
        "signature", "in.npy", "--depth", 3, *([option] if option else []), "-o", "out.npy"
    )
    assert (result.status, result.out) == (0, "")
    assert result.err == "pysig: 6 paths of 9 points; 2 channels: 0, 1; no times\n"
    expected = pysig.signature(paths, 3, **OPTIONS.get(option, {}))
    actual = np.load("out.npy")
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 70), min_size=1, max_size=6),
    channels=st.integers(1, 3),
    flags=st.sets(st.sampled_from(["--stream", "--inverse", "--scalar-term", "--basepoint=zero"])),
    transform=st.sampled_from([None, ["times"], ["lead_lag"], ["times", "lead_lag"]]),
    memory=st.sampled_from(["1", "700", "3K", "64M"]),
    suffix=st.sampled_from([".csv", ".csv.gz", ".npz"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_series_of_different_lengths_in_any_batches(
    tmp_path_factory, lengths, channels, flags, transform, memory, suffix, seed
):
    """Small blocks cut long paths; Chen's identity joins them again."""
    folder = tmp_path_factory.mktemp("ragged")
    rng = np.random.default_rng(seed)
    paths = [rng.normal(size=(length, channels)) for length in lengths]
    times = [np.cumsum(rng.uniform(0.1, 1.0, size=length)) for length in lengths]
    write_long(folder / "in.csv", paths, times)
    out = folder / f"out{suffix}"
    arguments = [
        "signature",
        folder / "in.csv",
        "--depth",
        2,
        "--memory",
        memory,
        "-o",
        out,
        *flags,
        *([] if transform is None else ["--transform", ",".join(transform)]),
    ]
    assert pysig.cli.main([str(argument) for argument in arguments]) == 0

    options = {k: v for flag in flags for k, v in OPTIONS.get(flag, {}).items()}
    options["transform"] = None if transform is None else [*transform]
    expected = []
    for points, t in zip(paths, times, strict=True):
        stamps = [t[0], *t] if options.get("basepoint") else t  # the basepoint has the first time
        if transform:
            options["transform"] = [pysig.Time(stamps) if s == "times" else s for s in transform]
        rows = pysig.signature(points, 2, **options)
        # after lead-lag, every second prefix ends in a point
        half = "--stream" in flags and transform is not None and "lead_lag" in transform
        expected.append(rows[1::2] if half else rows)
    if suffix == ".npz":
        with np.load(out) as stored:
            actual = stored["signature"]
            assert stored["ids"].tolist() == [f"p{k}" for k in range(len(paths))]
            assert stored["lengths"].tolist() == lengths
            if "--stream" in flags:
                assert stored["prefixes"].tolist() == [len(rows) for rows in expected]
                actual = actual.reshape(-1, actual.shape[-1])
    else:
        opener = gzip.open if suffix == ".csv.gz" else open
        with opener(out, "rt", encoding="utf-8", newline="") as text:
            _, ids, actual = table(text.read())
        rows = [len(e) if "--stream" in flags else 1 for e in expected]
        assert ids == [f"p{k}" for k, count in enumerate(rows) for _ in range(count)]
        if "--stream" in flags:
            skipped = 0 if "--basepoint=zero" in flags else 1
            moments = [t for path in times for t in path[skipped:].tolist()]
            assert (actual[:, 0] if moments else np.array([])).tolist() == moments
            actual = actual[:, 1:] if moments else np.empty((0, expected[0].shape[-1]))
    arrays_close(actual, np.concatenate([np.atleast_2d(e) for e in expected]))


def test_one_long_array_is_cut_and_joined(command):
    path = np.random.default_rng(2).normal(size=(5000, 3)).cumsum(axis=0) / 70
    np.save("in.npy", path)
    for option in ([], ["--inverse"], ["--stream"], ["--stream", "--inverse", "--scalar-term"]):
        args = ["signature", "in.npy", "--depth", 3, "-o", "out.npy", *option]
        assert command(*args, "--memory", "20K").status == 0
        options = {k: v for flag in option for k, v in OPTIONS[flag].items()}
        arrays_close(np.load("out.npy"), pysig.signature(path, 3, **options))


def test_blocks_stay_small(command, monkeypatch):
    """What is handed to the library at once is bounded by --memory, however large the file."""
    seen = []
    compute = pysig.signature

    def spy(path, depth, **options):
        seen.append(path.nbytes)
        return compute(path, depth, **options)

    monkeypatch.setattr(pysig, "signature", spy)
    np.save("in.npy", np.random.default_rng(3).normal(size=(300, 50, 4)))
    assert (
        command("signature", "in.npy", "--depth", 2, "-o", "out.npy", "--memory", "50K").status == 0
    )
    assert len(seen) > 5
    assert max(seen) <= 50 * 1024
    arrays_close(np.load("out.npy"), compute(np.load("in.npy"), 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_csv_columns_are_named_by_words(command, dtype):
    paths = [np.random.default_rng(4).normal(size=(n, 2)) for n in (4, 6)]
    write_long("in.csv", paths)
    result = command("signature", "in.csv", "--depth", 2, "--scalar-term", "--dtype", dtype)
    header, ids, values = table(result.out)
    assert header == ["id", "S()", "S(x)", "S(y)", "S(x,x)", "S(x,y)", "S(y,x)", "S(y,y)"]
    assert ids == ["p0", "p1"]
    for row, points in zip(values, paths, strict=True):
        expected = pysig.signature(points.astype(dtype), 2, scalar_term=True)
        arrays_close(row, expected, np.dtype(dtype))


def test_time_comes_last_and_float32_keeps_it(command):
    """Two moments of 2024, counted from 1970, are the same float32; from the start they differ."""
    Path("in.csv").write_text(
        "id,time,x\na,2024-01-31T09:30:00Z,0\na,2024-01-31T09:30:02Z,1\n"
        "b,2024-01-31T12:00:00Z,0\nb,2024-01-31T13:00:01+01:00,1\n"
    )
    result = command("signature", "in.csv", "--depth", 1, "--time", "--dtype", "float32")
    assert result.out == "id,S(x),S(time)\na,1.0,2.0\nb,1.0,1.0\n"


def test_columns_are_chosen_by_name(command):
    Path("in.csv").write_text(
        "patient;hour;left, hand;ward;right\n7;0;1;A;2\n7;0.5;2;A;4\n8;1;1;B;1\n8;2;0;B;1\n"
    )
    common = ["signature", "in.csv", "--delimiter", ";", "--depth", 1, "--id", "patient"]
    result = command(*common, "--time-column", "hour", "--ignore", "ward", "--time")
    assert result.err == (
        "pysig: 2 paths of 2 points; 2 channels: left, hand, right; id: patient; time: hour\n"
    )
    header, ids, values = table(result.out)
    assert header == ["patient", 'S("left, hand")', "S(right)", "S(hour)"]
    assert ids == ["7", "8"]
    assert values.tolist() == [[1, 2, 0.5], [-1, 0, 1]]
    result = command(*common, "--channels", 'right,"left, hand"')
    assert table(result.out)[0] == ["patient", "S(right)", 'S("left, hand")']
    assert table(result.out)[2].tolist() == [[2, 1], [0, -1]]


def test_a_file_without_a_header(command):
    Path("in.csv").write_text("a\t0\t1\na\t1\t3\n")
    options = ["--no-header", "--delimiter", "tab", "--id", 1, "--time-column", 2]
    result = command("signature", "in.csv", "--depth", 2, *options)
    assert result.out == '1,S(3),"S(3,3)"\na,2.0,2.0\n'


def test_sort_gathers_interleaved_rows(command):
    Path("in.csv").write_text("id,time,x\nb,1,5\na,2,9\nb,0,3\na,1,2\n")
    assert command("signature", "in.csv", "--depth", 1).status == 2
    result = command("signature", "in.csv", "--depth", 1, "--sort")
    assert result.out == "id,S(x)\nb,2.0\na,7.0\n"


def test_missing_values_pass_if_allowed(command):
    Path("in.csv").write_text("id,x,y\na,0,1\na,,2\nb,0,1\nb,1,2\n")
    result = command("signature", "in.csv", "--depth", 1, "--allow-nan")
    assert result.out == "id,S(x),S(y)\na,nan,1.0\nb,1.0,1.0\n"


def test_one_path_a_file(command):
    Path("a.csv").write_text("x,y\n0,0\n1,2\n")
    Path("b.csv").write_text("x,y\n0,0\n1,2\n3,3\n")
    result = command("signature", "a.csv", "b.csv", "--depth", 1)
    assert result.out == "id,S(x),S(y)\na.csv,1.0,2.0\nb.csv,3.0,3.0\n"
    np.save("c.npy", np.array([[0.0, 0.0], [4.0, 5.0]]))
    np.save("d.npy", np.arange(12.0).reshape(2, 3, 2))
    result = command("signature", "c.npy", "d.npy", "--depth", 1)
    assert table(result.out)[1] == ["c.npy", "d.npy[0]", "d.npy[1]"]
    assert table(result.out)[2].tolist() == [[4, 5], [4, 4], [4, 4]]


def test_archives_bring_names_times_and_lengths(command):
    rng = np.random.default_rng(5)
    paths = rng.normal(size=(3, 8, 2))
    lengths, times = np.array([8, 1, 5]), np.cumsum(rng.uniform(0.1, 1, size=8))
    paths[2, 5:] = np.nan
    np.savez(
        "in.npz", other=np.ones(3), paths=paths, lengths=lengths, times=times,
        ids=np.array(["a", "b", "c"]), channels=np.array(["u", "v"]),
    )  # fmt: skip
    result = command("signature", "in.npz", "--key", "paths", "--depth", 2, "--time")
    header, ids, values = table(result.out)
    assert header[:4] == ["id", "S(u)", "S(v)", "S(time)"]
    assert ids == ["a", "b", "c"]
    for k, n in enumerate(lengths):
        points = np.column_stack([paths[k], times])[:n]
        arrays_close(values[k], pysig.signature(points, 2))


@pytest.mark.parametrize("flags", [["--basepoint=1,2", "--time"], ["--stream", "--inverse"]])
def test_on_a_gpu(command, cupy, flags):
    """Whole batches, and a path that is cut and carried on, with everything on the device."""
    rng = np.random.default_rng(9)
    write_long("in.csv", [rng.normal(size=(n, 2)) for n in (3, 9, 40)])
    for memory in ("64M", "700"):
        arguments = ["signature", "in.csv", "--depth", 2, "--memory", memory, *flags]
        on_gpu = command(*arguments, "--device", "gpu")
        assert on_gpu.status == 0
        header, ids, values = table(on_gpu.out)
        assert (header, ids) == table(command(*arguments).out)[:2]
        arrays_close(values, table(command(*arguments).out)[2])


def test_fortran_order_and_no_paths(command):
    paths = np.asfortranarray(np.random.default_rng(6).normal(size=(4, 5, 2)))
    np.save("in.npy", paths)
    assert command("signature", "in.npy", "--depth", 2, "-o", "out.npy").status == 0
    arrays_close(np.load("out.npy"), pysig.signature(paths, 2))
    np.save("none.npy", np.empty((0, 5, 2)))
    assert command("signature", "none.npy", "--depth", 2, "-o", "none_out.npy").status == 0
    assert np.load("none_out.npy").shape == (0, 6)


def test_shipped_data_by_name(command):
    assert command("signature", "@japanese_vowels", "--depth", 2, "-o", "v.npz").status == 0
    data = pysig.data.load("japanese_vowels")
    with np.load("v.npz") as stored:
        assert stored["ids"].tolist() == data.ids.tolist()
        assert stored["channels"].tolist() == list(data.channels)
        arrays_close(stored["signature"], pysig.signature(data.paths, 2, lengths=data.lengths))
    assert command("data", "@japanese_vowels", "-o", "vowels.csv").status == 0
    assert Path("vowels.csv").read_bytes() == gzip.decompress(
        pysig.data.file("japanese_vowels").read_bytes()
    )
    result = command("data", "basic_motions", "--labels")
    assert result.out == pysig.data.labels_file("basic_motions").read_text()
    result = command("data")
    assert all(name in result.out for name in pysig.data.names())


def test_info_and_version(command):
    result = command("info")
    assert result.status == 0
    names = {line.split("  ")[0] for line in result.out.splitlines()}
    assert {
        "pysig",
        "python",
        "numpy",
        "instruction set",
        "workers",
        "cupy",
        "gpu",
        "tqdm",
    } <= names
    assert command("--version").out == f"pysig {pysig.__version__}\n"


@pytest.mark.parametrize(("name", "count"), [("signature", 8), ("logsignature", 2)])
def test_the_examples_of_the_help_run(command, name, count):
    """Every example that --help shows, on files of the kind that it speaks of."""
    os.mkdir("walks")
    for file in ("a", "b"):
        Path(f"walks/{file}.csv").write_text("time,x,y\n0,0,0\n1,1,2\n2,1,3\n")
    Path("panel.csv").write_text("patient,hour,x,ward\n1,0,0,A\n1,1,1,A\n")
    Path("ticks.csv").write_text("id,time,x\na,0,1\na,1,2\na,2,5\n")
    Path("quotes.csv").write_text("time,x\n2026-01-05T09:00:00,1\n2026-01-05T09:01:30,2\n")
    np.save("paths.npy", np.random.default_rng(7).normal(size=(2, 5, 2)))
    arrow = importlib.util.find_spec("pyarrow") is not None
    if arrow:
        write_table("ticks.parquet", {"id": ["a", "a"], "time": [0, 1], "x": [1.0, 2.0]})
    text = command(name, "--help").out
    examples = re.findall(rf"^  (pysig {name} .*)$", text, re.MULTILINE)
    assert len(examples) == count
    for example in examples:
        if "parquet" in example and not arrow:
            continue
        words = shlex.split(example.replace("--device gpu", "--device cpu"))[1:]
        files = [sorted(str(p) for p in Path().glob(w)) if "*" in w else [w] for w in words]
        result = command(*(word for group in files for word in group))
        assert result.status == 0, example
        assert result.err.startswith("pysig: ")
    if name == "signature":
        assert Path("vowels.csv").exists()
        assert np.load("features.npy").dtype == np.float32
