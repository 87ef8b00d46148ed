"""Tables as people have them: other names, dates, ties, indices of pandas, Parquet and Feather."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import pysig

pytestmark = pytest.mark.quick


def cells(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def run_on(command, text, *options, name="signature"):
    """The rows of the output for a CSV of this text, and the line on standard error."""
    Path("a.csv").write_text(text, newline="")
    result = command(name, "a.csv", *options)
    assert result.status == 0, result.err
    return cells(result.out), result.err


def test_a_column_that_is_ignored_or_a_channel_is_neither_id_nor_time(command):
    text = "id,time,x\n1,0,5\n2,1,7\n"
    rows, line = run_on(command, text, "--depth", 1, "--ignore", "id,time")
    assert rows == [["id", "S(x)"], ["a.csv", "2.0"]]
    assert line == "pysig: 1 path of 2 points; 1 channel: x; no id; no time\n"
    rows, _ = run_on(command, text, "--depth", 1, "--channels", "id,x")
    assert rows == [["id", "S(id)", "S(x)"], ["a.csv", "1.0", "2.0"]]


@pytest.mark.parametrize(("one", "two"), [("ID", "Time"), ("Id", "TIME")])
def test_ids_and_times_are_found_in_any_case(command, one, two):
    rows, line = run_on(command, f"{one},{two},x\n1,0,5\n1,4,7\n2,0,1\n", "--depth", 1, "--time")
    assert rows == [[one, "S(x)", f"S({two})"], ["1", "2.0", "4.0"], ["2", "0.0", "0.0"]]
    assert f"id: {one}; time: {two}" in line


def test_names_that_may_be_ids_are_channels_if_they_are_named(command):
    rows, _ = run_on(command, "group,x\n1,2\n3,5\n", "--depth", 1, "--channels", "group,x")
    assert rows[1] == ["a.csv", "2.0", "3.0"]


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ("20240131", "20240201", 86400.0),
        ("20240131T000000Z", "20240131T000001.5Z", 1.5),
        ("2024-01-31", "2024-02-01 00:00", 86400.0),
        ("2024-01-31T00:00:00.000000001", "2024-01-31T00:00:00.000000011", 1e-8),
        ("2024-01-31T00:00:00+01:00", "2024-01-31T00:00:00Z", 3600.0),
        ("2024-01-31T00:00:00-0130", "2024-01-31T00:00:00Z", -5400.0),
        ("1704067200000000100", "1704067200000000164", 64.0),
        ("0.25", "1", 0.75),
    ],
)
def test_times_are_subtracted_exactly(command, first, second, difference):
    text = f"time,x\n{first},0\n{second},1\n"
    if difference < 0:
        text = f"time,x\n{second},1\n{first},0\n"
    rows, _ = run_on(command, text, "--depth", 1, "--time")
    assert float(rows[1][2]) == abs(difference)


def test_equal_times_are_allowed(command):
    text = "time,x\n1,0\n1,3\n2,4\n"
    rows, _ = run_on(command, text, "--depth", 2, "--time")
    path = np.array([[0.0, 1], [3, 1], [4, 2]])
    np.testing.assert_allclose(np.array(rows[1][1:], dtype=float), pysig.signature(path, 2))
    rows, _ = run_on(command, "time,x\n2,4\n1,0\n1,3\n", "--depth", 1, "--sort")
    assert rows[1] == ["a.csv", "4.0"]


def test_the_index_of_a_data_frame_is_ignored(command):
    text = ",x,y\n0,1.0,2\n1,3.0,5\n"
    rows, _ = run_on(command, text, "--depth", 1)
    assert rows == [["id", "S(x)", "S(y)"], ["a.csv", "2.0", "3.0"]]
    rows, _ = run_on(command, text, "--depth", 1, "--channels", "1,x")
    assert rows[0] == ["id", "S(1)", "S(x)"]
    rows, _ = run_on(
        command, ",x\n2024-01-01,1\n2024-01-02,3\n", "--depth", 1, "--time-column", 1, "--time"
    )
    assert rows == [["id", "S(x)", "S(1)"], ["a.csv", "2.0", "86400.0"]]
    rows, _ = run_on(command, ",x\na,1\na,3\nb,0\n", "--depth", 1, "--id", 1)
    assert rows == [["1", "S(x)"], ["a", "2.0"], ["b", "0.0"]]
    rows, _ = run_on(command, ",x\na,1\nb,3\n", "--depth", 1, "--ignore", 1)
    assert rows == [["id", "S(x)"], ["a.csv", "2.0"]]


def test_blank_lines_and_comments_are_skipped(command):
    text = "\n# by hand\nid,x\n\na,1\n  \n# a remark\na,3\n\n"
    rows, _ = run_on(command, text, "--depth", 1, "--comment", "#")
    assert rows == [["id", "S(x)"], ["a", "2.0"]]
    Path("a.csv").write_text(text + "a,oops\n")
    result = command("signature", "a.csv", "--depth", 1, "--comment", "#")
    assert "a.csv, line 10, column 'x': 'oops' is not a number" in result.err


def test_booleans_are_numbers(command):
    rows, _ = run_on(command, "x,y\nTrue,false\nFALSE,true\n", "--depth", 1)
    assert rows[1] == ["a.csv", "-1.0", "1.0"]


def test_negative_numbers_of_a_basepoint_need_no_equals_sign(command):
    rows, _ = run_on(command, "x,y\n1,2\n", "--depth", 1, "--basepoint", "-1,0.5")
    assert rows[1] == ["a.csv", "2.0", "1.5"]


def test_options_are_not_abbreviated(command):
    Path("a.csv").write_text("x\n1\n2\n")
    result = command("signature", "a.csv", "--dep", 2)
    assert result.status == 2
    assert "--dep" in result.err


def test_a_minus_writes_to_standard_output(command):
    rows, _ = run_on(command, "x\n1\n2\n", "--depth", 1, "-o", "-")
    assert rows == [["id", "S(x)"], ["a.csv", "1.0"]]
    assert not Path("-").exists()


def test_formats_are_found_by_their_first_bytes(command):
    with open("plain", "wb") as file:
        np.save(file, np.array([[1.0], [3.0]]))
    result = command("signature", "plain", "--depth", 1)
    assert result.out == "id,S(0)\n0,2.0\n"


def test_paths_of_one_point_are_mentioned(command):
    _, line = run_on(command, "id,x\n1,5\n2,7\n", "--depth", 1)
    assert line.endswith("; every path has one point, so all coefficients are 0\n")
    _, line = run_on(command, "id,x\n1,5\n2,7\n", "--depth", 1, "--basepoint", "zero")
    assert "every path" not in line


def test_quiet_leaves_the_line_out(command):
    _, line = run_on(command, "id,x\n1,5\n2,7\n", "--depth", 1, "-q")
    assert line == ""


def test_words_are_given_by_names(command):
    text = 'id,x,"left, hand"\na,0,1\na,2,5\na,3,4\n'
    rows, _ = run_on(command, text, "--words", 'x; "left, hand",x', "--memory", "200")
    assert rows[0] == ["id", "S(x)", 'S("left, hand",x)']
    path = np.array([[0.0, 1], [2, 5], [3, 4]])
    expected = pysig.signature(path, None, words=[(0,), (1, 0)])
    np.testing.assert_allclose(np.array(rows[1][1:], dtype=float), expected)


def test_words_of_a_long_path_are_joined_over_chunks(command):
    path = np.random.default_rng(1).normal(size=(500, 3)).cumsum(axis=0) / 20
    np.save("a.npy", path)
    result = command(
        "signature", "a.npy", "--words", "0,1;2,1,0", "--memory", "2K", "-o", "out.npy"
    )
    assert result.status == 0
    expected = pysig.signature(path, None, words=[(0, 1), (2, 1, 0)])
    np.testing.assert_allclose(np.load("out.npy"), expected[None].reshape(2), rtol=1e-12)


TRANSFORMS = {
    "time": (["time"], ["x", "y", "time"]),
    "times": (["times"], ["x", "y", "time"]),
    "lead_lag": (["lead_lag"], ["lag_x", "lag_y", "lead_x", "lead_y"]),
    "basepoint": (["basepoint"], ["x", "y"]),
    "reset": (["reset"], ["x", "y", "reset"]),
    "times,reset": (["times", "reset"], ["x", "y", "time", "reset"]),
    "lead_lag,time": (["lead_lag", "time"], ["lag_x", "lag_y", "lead_x", "lead_y", "time"]),
}


@pytest.mark.parametrize("given", TRANSFORMS)
@pytest.mark.parametrize("name", ["signature", "logsignature"])
def test_transforms_are_those_of_the_function(command, given, name):
    stages, channels = TRANSFORMS[given]
    path = np.array([[1.0, 2], [3, 1], [2, 2]])
    times = np.array([10, 11, 14])
    text = "time,x,y\n" + "".join(
        f"{t},{x},{y}\n" for t, (x, y) in zip(times, path.tolist(), strict=True)
    )
    rows, _ = run_on(command, text, "--depth", 2, "--transform", given, name=name)
    letter = "S" if name == "signature" else "L"
    assert rows[0][1 : 1 + len(channels)] == [f"{letter}({channel})" for channel in channels]
    transform = [pysig.Time(times) if stage == "times" else stage for stage in stages]
    expected = getattr(pysig, name)(path, 2, transform=transform)
    np.testing.assert_allclose(np.array(rows[1][1:], dtype=float), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("basis", "names"),
    [
        ("words", ["L(x)", "L(y)", "L(x,y)", "L(x,x,y)", "L(x,y,y)"]),
        ("brackets", ["L(x)", "L(y)", "L[x,y]", "L[x,[x,y]]", "L[[x,y],y]"]),
        ("hall", ["L(x)", "L(y)", "L[x,y]", "L[x,[x,y]]", "L[y,[x,y]]"]),
        ("expanded", None),
    ],
)
def test_logsignatures_in_every_basis(command, basis, names):
    path = np.random.default_rng(3).normal(size=(40, 2)).cumsum(axis=0)
    text = "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in path.tolist())
    for memory in ("64M", "500"):  # cut into chunks
        options = ("--depth", 3, "--basis", basis, "--memory", memory)
        rows, _ = run_on(command, text, *options, name="logsignature")
        if names is not None:
            assert rows[0][1:] == names
        expected = pysig.logsignature(path, 3, basis=basis)
        np.testing.assert_allclose(
            np.array(rows[1][1:], dtype=float), expected, rtol=1e-10, atol=1e-10
        )
    assert command("logsignature", "a.csv", "--depth", 2, "-o", "a.npz").status == 0
    with np.load("a.npz") as stored:
        np.testing.assert_allclose(stored["logsignature"][0], pysig.logsignature(path, 2))


# ---- Parquet and Feather ----


def write_frame(path, columns):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(columns)
    if str(path).endswith(".parquet"):
        pytest.importorskip("pyarrow.parquet").write_table(table, path, row_group_size=3)
    else:
        pytest.importorskip("pyarrow.feather").write_feather(table, path, chunksize=3)


def read_table(path):
    if str(path).endswith(".parquet"):
        return pytest.importorskip("pyarrow.parquet").read_table(path)
    return pytest.importorskip("pyarrow.feather").read_table(path)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_a_table_gives_what_the_csv_gives(command, suffix):
    write_frame(
        f"a{suffix}",
        {
            "symbol": ["b", "b", "b", "b", "a", "a"],
            "ts": np.array([0, 1, 2, 4, 0, 1], "datetime64[s]").astype("datetime64[us]"),
            "price": np.array([1, 2, 4, 3, 5, 6], np.int64),
            "size": [1.5, 2.5, 1.5, 0.5, 0.5, 9.5],
        },
    )
    Path("a.csv").write_text(
        "symbol,ts,price,size\nb,1970-01-01T00:00:00,1,1.5\nb,1970-01-01T00:00:01,2,2.5\n"
        "b,1970-01-01T00:00:02,4,1.5\nb,1970-01-01T00:00:04,3,0.5\n"
        "a,1970-01-01T00:00:00,5,0.5\na,1970-01-01T00:00:01,6,9.5\n"
    )
    common = ["--id", "symbol", "--time-column", "ts", "--depth", 2, "--time"]
    for flags in ([], ["--stream"], ["--memory", "100"]):
        expected = cells(command("signature", "a.csv", *common, *flags).out)
        result = command("signature", f"a{suffix}", *common, *flags)
        assert result.err.endswith("2 channels: price, size; id: symbol; time: ts\n")
        assert cells(result.out) == expected
        assert command("signature", "a.csv", *common, *flags, "-o", f"out{suffix}").status == 0
        table = read_table(f"out{suffix}")
        assert table.column_names == expected[0]
        ids, *columns = [column.to_pylist() for column in table.columns]
        assert ids == [row[0] for row in expected[1:]]
        first = 1 if "--stream" in flags else 0
        for k, column in enumerate(columns[first:], 1 + first):
            assert column == [float(row[k]) for row in expected[1:]]
        if first:
            assert [t.isoformat() for t in columns[0]] == [row[1] for row in expected[1:]]


def test_a_table_of_float32_stays_float32(command):
    write_frame("a.parquet", {"x": np.array([0, 1, 3], np.float32)})
    assert command("signature", "a.parquet", "--depth", 2, "-o", "out.npy").status == 0
    assert np.load("out.npy").dtype == np.float32


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"x": [1.0, None]}, [], "a.parquet, row 2, column 'x': a missing value; fill it in"),
        ({"x": [1.0, float("nan")]}, [], "row 2, column 'x': nan is not finite"),
        ({"time": [0.0, float("nan")], "x": [1, 2]}, [], "row 2, column 'time': nan is not finite"),
        ({"id": ["a", None], "x": [1, 2]}, [], "row 2, column 'id': the id is missing"),
        ({"time": [1, 0], "x": [1, 2]}, [], "row 2, column 'time': the time of 'a.parquet' goes"),
        ({"time": ["1", "2"], "x": [1, 2]}, [], "column 'time': string is not a type of times"),
        ({"stock": ["a", "b"], "x": [1, 2]}, [], "if it names the paths, give --id stock"),
        ({"when": np.array([0, 1], "datetime64[s]"), "x": [1, 2]}, [], "give --time-column when"),
        ({"x": [[1], [2]]}, [], "is not a type of numbers; if the column is not a channel"),
        ({"symbol": [1, 2], "x": [1, 2]}, [], "column 'symbol' may be the path of each row"),
        ({"x": []}, [], "not a type of numbers"),
        ({"x": np.array([], float)}, [], "a.parquet: a header but no rows"),
        ({"x": [1.0]}, ["--key", "x"], "--key x: not an .npz file"),
    ],
)
def test_errors_of_tables_name_the_place(command, columns, options, message):
    write_frame("a.parquet", columns)
    result = command("signature", "a.parquet", "--depth", 2, "-o", "out.csv", *options)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not Path("out.csv").exists()


def test_missing_values_of_tables_pass_if_allowed(command):
    write_frame("a.parquet", {"id": ["a", "a", "b", "b"], "x": [1.0, None, 2.0, 3.0]})
    result = command("signature", "a.parquet", "--depth", 1, "--allow-nan")
    assert result.out == "id,S(x)\na,nan\nb,1.0\n"


def test_damaged_tables(command):
    pytest.importorskip("pyarrow")
    for magic in (b"PAR1", b"ARROW1"):
        Path("a.bin").write_bytes(magic + bytes(100))
        result = command("signature", "a.bin", "--depth", 1)
        assert result.status == 2
        assert "a.bin: not a readable table" in result.err
    Path("a.bin").write_bytes(b"FEA1" + bytes(100))
    assert "save it again as version 2" in command("signature", "a.bin", "--depth", 1).err


def test_without_pyarrow_the_error_names_it(command, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    Path("a.parquet").write_bytes(b"PAR1" + bytes(100))
    Path("a.csv").write_text("x\n1\n2\n")
    for arguments in (["a.parquet"], ["a.csv", "-o", "out.feather"]):
        result = command("signature", *arguments, "--depth", 1)
        assert result.status == 2
        assert "need pyarrow; install it with pip install pyarrow" in result.err
