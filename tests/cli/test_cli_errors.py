"""When something is wrong: one sentence that names the place, status 2, nothing written."""

import errno
import gzip
import io
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import pysig
import pysig.cli
import pysig.data
from pysig._io.sinks import CsvSink, NpySink

pytestmark = pytest.mark.quick


def refused(result, message, kept=()):
    """Status 2, this one sentence, and no file but those that were there."""
    assert result.err.endswith("\n")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert (result.status, result.out) == (2, "")
    assert sorted(os.listdir()) == sorted(kept)


def test_the_check_of_refusals_notices_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = {"status": 2, "out": "", "err": "a.csv, line 2: bad\n"}
    refused(SimpleNamespace(**good), "line 2: bad")
    for wrong in (
        {"status": 0},
        {"out": "x"},
        {"err": "a\nline 2: bad\n"},
        {"err": "line 3: bad\n"},
    ):
        with pytest.raises(AssertionError):
            refused(SimpleNamespace(**{**good, **wrong}), "line 2: bad")
    Path("left").write_text("")
    with pytest.raises(AssertionError):
        refused(SimpleNamespace(**good), "line 2: bad")


LONG = "id,time,x,y\n"
CSV_ERRORS = {
    "empty file": ("", [], "a.csv: the file is empty"),
    "header only": (LONG, [], "a.csv: a header but no rows"),
    "no header": ("1,2\n3,4\n", [], "a.csv, line 1: numbers where the names of the columns "
                  "should be"),
    "no names": ("x,,\n1,2,3\n", [], "a.csv, line 1, column 3: a second column has no name"),
    "index of text": (",x\na,1\n", [], "a.csv, line 1, column 1: the column has no name and begins "
                      "with 'a'; give --id 1, --time-column 1 or --ignore 1"),
    "may be an id": ("Group,x\n1,2\n", [], "a.csv, line 1: column 'Group' may be the path of each "
                     "row; give --id Group, or --ignore Group, or name the channels"),
    "may be a time": ("timestamp,x\n1,2\n", [], "a.csv, line 1: column 'timestamp' may be the time "
                      "of each row; give --time-column timestamp, or --ignore"),
    "names of paths": ("x,stock\n1,S112\n", [], "column 'stock': 'S112' is not a number; if the "
                       "column names the paths, give --id stock; if the column is not a channel, "
                       "give --ignore stock"),
    "dates": ("id,x,when\n1,2,2024-01-31\n", [], "column 'when': '2024-01-31' is not a number; if "
              "the column holds the times, give --time-column when"),
    "comment": ("# made by hand\nx\n1\n", [], "a.csv, line 1: a comment; give --comment '#'"),
    "thousands": ('x\n"1,000"\n', [], "column 'x': '1,000' is not a number; remove the separators"),
    "dates and numbers": (LONG + "a,2024-01-01,0,0\na,3,0,0\n", [], "line 3, column 'time': '3' is "
                          "a number, but the times before it are dates"),
    "numbers and dates": (LONG + "a,3,0,0\na,2024-01-01,0,0\n", [], "line 3, column 'time': "
                          "'2024-01-01' is a date, but the times before it are numbers"),
    "early date": (LONG + "a,1066-10-14,0,0\n", [], "'1066-10-14' is not between the years 1678"),
    "no hour": (LONG + "a,2024-01-01T25:00,0,0\n", [], "is not a time; there is no such hour"),
    "too large for float32": ("x\n1e300\n1\n", ["--dtype", "float32"], "--dtype float32: 1e+300 is "
                              "too large for it; leave --dtype out"),
    "no such word": (LONG, ["--words", "x;x,z"], "--words: expected names of channels, "
                     "separated by commas, received 'x,z' at position 1. The names are x, y."),
    "no such stage": (LONG, ["--transform", "lag"], "--transform lag: expected time, "
                      "times, lead_lag"),
    "stage twice": (LONG, ["--transform", "time,time"], "--transform: time comes twice"),
    "two times": (LONG, ["--transform", "time", "--time"], "--time: the time is a stage of"),
    "late times": (LONG, ["--transform", "lead_lag,times"], "give them first"),
    "both times": (LONG, ["--transform", "times,time"], "expected one of time and times"),
    "times that are not there": ("x\n1\n", ["--transform", "times"], "--transform times: a.csv has "
                                 "no times; give --time-column, or take time"),
    "prefixes of a reset": (LONG, ["--transform", "reset", "--stream"], "--stream: a prefix has no "
                            "reset"),
    "a long path whole": ("x\n" + "1\n" * 100, ["--transform", "time", "--memory", "100"], "a.csv: "
                          "the path does not fit into --memory, and the transform 'time' needs it"),
    "name twice": ("x,y,x\n1,2,3\n", [], "a.csv, line 1, column 3: a second column is called 'x'"),
    "no channels": ("id,time\na,0\n", [], "a.csv, line 1: no channels; the columns are 'id', "
                    "'time'"),
    "semicolons": ("x;y\n1;2\n", [], "a.csv, line 1: one column called 'x;y'; the file seems to be "
                   "separated by ';': give --delimiter ';'"),
    "tabs": ("x\ty\n1\t2\n", [], "give --delimiter tab"),
    "field missing": (LONG + "a,0,1,2\na,1,3\n", [], "a.csv, line 3: 3 fields, expected 4 ('id' "
                      "to 'y')"),
    "field too many": (LONG + "a,0,1,2,9\n", [], "a.csv, line 2: 5 fields, expected 4"),
    "missing value": (LONG + "a,0,1,\n", [], "a.csv, line 2, column 'y': a missing value; fill "
                      "it in"),
    "missing word": (LONG + "a,0,NA,1\n", [], "a.csv, line 2, column 'x': a missing value ('NA')"),
    "nan": (LONG + "a,0,1,nan\n", [], "column 'y': a missing value ('nan')"),
    "infinity": (LONG + "a,0,-inf,1\n", [], "column 'x': '-inf' is not finite; give --allow-nan"),
    "too large": (LONG + "a,0,1e999,1\n", [], "column 'x': '1e999' is not finite"),
    "text": (LONG + "a,0,1,walking\n", [], "a.csv, line 2, column 'y': 'walking' is not a number; "
             "if the column is not a channel, give --ignore y"),
    "decimal comma": ('x\n1\n"2,5"\n', [], "a.csv, line 3, column 'x': '2,5' is not a number; "
                      "write the decimal sign as a point"),
    "underscore": ("x\n1_000\n", [], "a.csv, line 2, column 'x': '1_000' is not a number"),
    "no id": (LONG + " ,0,1,2\n", [], "a.csv, line 2, column 'id': the id is missing"),
    "no time": (LONG + "a,,1,2\n", [], "a.csv, line 2, column 'time': the time is missing"),
    "bad time": (LONG + "a,noon,1,2\n", [], "a.csv, line 2, column 'time': 'noon' is not a time"),
    "time is nan": (LONG + "a,nan,1,2\n", [], "column 'time': the time is missing ('nan')"),
    "time is infinite": (LONG + "a,inf,1,2\n", [], "column 'time': 'inf' is not a time"),
    "time back": (LONG + "a,2,1,2\na,1,3,4\n", [], "line 3, column 'time': the time of 'a' goes "
                  "back (2, then 1); give --sort"),
    "rows apart": (LONG + "a,0,1,2\nb,0,1,2\na,1,3,4\n", [], "a.csv, line 4, column 'id': the "
                   "rows of 'a' are not together; give --sort"),
    "open quote": (LONG + 'a,0,"1,2\n', [], "a.csv, line 2: unexpected end of data"),
    "text after quote": (LONG + 'a,0,"1"7,2\n', [], "a.csv, line 2: ',' expected after '\"'"),
    "lines counted through quotes": ('id,x\n"a\nb",1\nc,one\n', [], "a.csv, line 4, column 'x'"),
    "unknown id": (LONG, ["--id", "key"], "a.csv, line 1: --id key: no such column; the columns "
                   "are 'id', 'time', 'x', 'y'"),
    "unknown time": (LONG, ["--time-column", "t"], "--time-column t: no such column"),
    "unknown channel": (LONG, ["--channels", "x,z"], "--channels z: no such column"),
    "unknown ignored": (LONG, ["--ignore", "z"], "--ignore z: no such column"),
    "id and time": (LONG, ["--id", "time"], "column 'time' cannot be both id and time"),
    "all ignored": (LONG, ["--ignore", "x,y"], "a.csv, line 1: no channels"),
    "key": (LONG, ["--key", "x"], "a.csv: --key x: not an .npz file"),
    "too many columns": (LONG + "a,0,1,2\n", ["--depth", 20], "2097150 columns, more than 1000000"),
    "basepoint": (LONG + "a,0,1,2\n", ["--basepoint", "1,2,3"], "--basepoint: 3 numbers, "
                  "expected 2"),
    "names clash": ("S(x),x\n1,2\n", ["--id", "S(x)"], "would be called 'S(x)'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CSV_ERRORS)
def test_csv_errors_name_the_place(command, case):
    text, options, message = CSV_ERRORS[case]
    Path("a.csv").write_text(text, newline="")
    result = command("signature", "a.csv", "--depth", 2, "-o", "out.csv", *options)
    refused(result, message, ["a.csv"])


@pytest.mark.parametrize(
    "case", ["field missing", "text", "time back", "lines counted through quotes"]
)
def test_lines_are_counted_alike_in_every_dress(command, case):
    text, _, message = CSV_ERRORS[case]
    for data in (
        text.replace("\n", "\r\n").encode(),
        text.encode("utf-8-sig"),
        gzip.compress(text.encode()),
    ):
        Path("a.csv").write_bytes(data)
        refused(command("signature", "a.csv", "--depth", 2, "-o", "out.npy"), message, ["a.csv"])


def test_an_error_deep_in_a_file_after_blocks_were_written(command):
    rows = "".join(f"p{k // 10},{k % 10},{k}\n" for k in range(5000))
    Path("a.csv").write_text(f"id,time,x\n{rows}p500,0,oops\n")
    for out in ("out.csv", "out.csv.gz", "out.npy", "out.npz"):
        result = command("signature", "a.csv", "--depth", 2, "--memory", "1K", "-o", out)
        refused(result, "a.csv, line 5002, column 'x': 'oops' is not a number", ["a.csv"])


def test_bytes_that_are_not_csv(command):
    Path("a.csv").write_bytes("x,y\n1,2\n".encode("utf-16"))
    refused(
        command("signature", "a.csv", "--depth", 2),
        "a.csv, line 1: UTF-16 text",
        ["a.csv"],
    )
    Path("a.csv").write_bytes("x,größe\n1,2\n".encode("latin-1"))
    refused(command("signature", "a.csv", "--depth", 2), "(byte 0xf6)", ["a.csv"])
    packed = gzip.compress(b"x\n" + b"1\n" * 10000)
    Path("a.csv").write_bytes(packed[: len(packed) // 2])
    refused(command("signature", "a.csv", "--depth", 2), "damaged gzip", ["a.csv"])


def array_file(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def archive_file(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def empty_archive():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w"):
        pass
    return stream.getvalue()


PATHS = np.arange(24.0).reshape(3, 4, 2)
ARRAY_ERRORS = {
    "one dimension": ("a.npy", array_file(PATHS[0, :, 0]), [], "a.npy: an array of shape (4,); "
                      "expected (..., length, channels): one channel is shape (4, 1)"),
    "no points": ("a.npy", array_file(PATHS[:, :0]), [], "at least one point and one channel"),
    "no channels": ("a.npy", array_file(PATHS[..., :0]), [], "at least one point and one channel"),
    "objects": ("a.npy", array_file(np.array([[1, "x"]], object)), [], "not a readable array"),
    "complex": ("a.npy", array_file(PATHS + 1j), [], "a.npy: an array of complex128; expected "
                "float32"),
    "half": ("a.npy", array_file(PATHS.astype(np.float16)), [], "an array of float16"),
    "text": ("a.npy", array_file(PATHS.astype(str)), [], "expected float32, float64 or integers"),
    "nan": ("a.npy", array_file(np.where(PATHS == 13, np.nan, PATHS)), [], "a.npy: nan at path 1, "
            "point 2, channel 1 (counted from 0); give --allow-nan"),
    "infinity in a stretch": ("a.npy", array_file(np.where(np.arange(4000) == 3000, np.inf,
                              0.0)[:, None]),
                              ["--memory", "1K"], "a.npy: inf at path 0, point 3000, channel 0"),
    "no array": ("a.npy", b"hello", [], "a.npy: neither a .npy nor an .npz file"),
    "cut off": ("a.npy", array_file(PATHS)[:-8], [], "a.npy: not a readable array"),
    "key": ("a.npy", array_file(PATHS), ["--key", "x"], "--key x: this is one array"),
    "cut off archive": ("a.npz", archive_file(paths=PATHS)[:-30], [], "not a readable array"),
    "empty archive": ("a.npz", empty_archive(), [], "the arrays are none"),
    "which array": ("a.npz", archive_file(a=PATHS, b=PATHS), [], "a.npz: give --key to say which "
                    "array holds the paths; the arrays are 'a', 'b'"),
    "no such key": ("a.npz", archive_file(a=PATHS), ["--key", "b"], "--key b: no such array; the "
                    "arrays are 'a'"),
    "too few lengths": ("a.npz", archive_file(a=PATHS, lengths=np.array([1, 2])), [], "a.npz, "
                        "'lengths': 2 values of int64; expected 3 integers"),
    "length 0": ("a.npz", archive_file(a=PATHS, lengths=np.array([1, 0, 4])), [], "'lengths': 0 "
                 "for path 1; expected 1 to 4"),
    "length 5": ("a.npz", archive_file(a=PATHS, lengths=np.array([1, 4, 5])), [], "5 for path 2"),
    "too few ids": ("a.npz", archive_file(a=PATHS, ids=np.array(["a"])), [], "'ids': 1 names; "
                    "expected 3"),
    "same ids": ("a.npz", archive_file(a=PATHS, ids=np.array(["a", "b", "a"])), [], "'ids': a "
                 "name comes twice"),
    "names": ("a.npz", archive_file(a=PATHS, channels=np.array(["x"])), [], "'channels': 1 names"),
    "times": ("a.npz", archive_file(a=PATHS, times=np.arange(3)), [], "'times': shape (3,) of "
              "int64; expected numbers or dates, 4 for all paths or 4 for each"),
    "times back": ("a.npz", archive_file(a=PATHS, times=np.array([0.0, 1, 0.5, 2])), [], "'times': "
                   "path 0 has 1.0, then 0.5; times must not decrease"),
    "time is a channel": ("a.npz", archive_file(a=PATHS, channels=np.array(["time", "x"])),
                          ["--time"],
                          "time: a channel is already called 'time'; rename it"),
    "no memory": ("a.npy", array_file(PATHS), ["--depth", 60], "the output of depth 60 with 2 "
                  "channels"),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAY_ERRORS)
def test_array_errors_name_the_place(command, case):
    name, data, options, message = ARRAY_ERRORS[case]
    Path(name).write_bytes(data)
    refused(command("signature", name, "--depth", 2, "-o", "out.npz", *options), message, [name])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: COMMAND"),
        (["integrate"], "invalid choice: 'integrate'"),
        (["signature", "a.csv"], "--depth: give either it or --words"),
        (["signature", "--depth", "2"], "the following arguments are required: IN"),
        (["signature", "a.csv", "--depth", "0"], "argument --depth: expected a positive integer"),
        (["signature", "a.csv", "--depth", "2.5"], "expected a positive integer, received '2.5'"),
        (["signature", "a.csv", "--depth", "2", "--workers", "0"], "an integer other than 0"),
        (["signature", "a.csv", "--depth", "2", "--method", "best"], "invalid choice: 'best'"),
        (["signature", "a.csv", "--depth", "2", "--dtype", "float16"], "invalid choice: 'float16'"),
        (["signature", "a.csv", "--depth", "2", "--basepoint", "x"], "expected zero, or numbers"),
        (["signature", "a.csv", "--depth", "2", "--basepoint", "1,inf"], "expected zero, or "
        "numbers"),
        (["signature", "a.csv", "--depth", "2", "--memory", "much"], "expected a size such as 64M"),
        (["signature", "a.csv", "--depth", "2", "--delimiter", "::"], "expected one character or "
        "tab"),
        (["signature", "a.csv", "--depth", "2", "--ignore", "a,,b"], "expected names like x,y,z"),
        (["signature", "none.csv", "--depth", "2"], "none.csv: no such file or directory"),
        (["signature", "none.npy", "--depth", "2"], "none.npy: no such file or directory"),
        (["signature", ".", "--depth", "2"], ".: is a folder; give the files in it"),
        (["signature", "@vowels", "--depth", "2"], "@vowels: no such data set; pysig ships @basic"),
        (["signature", "a.csv", "-o", "out.xls", "--depth", "2"], "out.xls: the suffix selects"),
        (["signature", "a.csv", "-o", "no/out.csv", "--depth", "2"], "cannot write in the folder"),
        (["signature", "a.csv", "-o", "folder.csv", "--depth", "2"], "folder.csv: is a folder"),
        (["signature", "a.csv", "-o", "./a.csv", "--depth", "2"], "would replace the input a.csv"),
        (["signature", "a.csv", "b.csv", "--depth", "2"], "b.csv: the channels 'y'; expected the "
        "channels 'x'"),
        (["signature", "a.csv", "-", "--depth", "2"], "standard input cannot be one of several"),
        (["signature", "i.csv", "j.csv", "--depth", "2"], "j.csv: the id 'a' occurs in i.csv too"),
        (["signature", "c.npy", "d.npy", "--depth", "2"], "d.npy: float64, but c.npy is float32; "
        "give --dtype"),
        (["signature", "a.csv", "c.npy", "--depth", "2"], "c.npy: 2 channels; expected the "
        "channels 'x'"),
        (["data", "vowels"], "@vowels: no such data set"),
        (["data", "basic_motions", "-o", "out.npy"], "data is written as CSV"),
    ],
)  # fmt: skip
def test_bad_use(command, arguments, message):
    os.mkdir("folder.csv")
    Path("a.csv").write_text("x\n1\n2\n")
    Path("b.csv").write_text("y\n1\n2\n")
    for name in ("i.csv", "j.csv"):
        Path(name).write_text("id,x\na,1\n")
    np.save("c.npy", np.zeros((3, 2), np.float32))
    np.save("d.npy", np.zeros((3, 2)))
    before = os.listdir()
    refused(command(*arguments), message, before)


def test_no_cupy(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    np.save("a.npy", PATHS)
    result = command("signature", "a.npy", "--depth", 2, "--device", "gpu")
    refused(result, "--device gpu: CuPy cannot be imported", ["a.npy"])


def test_a_folder_without_permission_fails_before_any_work(command, monkeypatch):
    def deny(*args, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", deny)
    monkeypatch.setattr(pysig, "signature", None)
    Path("a.csv").write_text("x\n1\nbad\n")
    result = command("signature", "a.csv", "--depth", 2, "-o", "out.csv")
    refused(result, "out.csv: cannot write in the folder", ["a.csv"])
    assert "(permission denied)" in result.err


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind the superuser"
)
def test_a_folder_that_really_may_not_be_written_to(command):
    Path("a.csv").write_text("x\n1\n")
    os.mkdir("closed", 0o500)
    result = command("signature", "a.csv", "--depth", 2, "-o", "closed/out.csv")
    refused(result, "closed/out.csv: cannot write in the folder", ["a.csv", "closed"])


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".npy", ".npz"])
@pytest.mark.parametrize(
    ("planted", "status"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 2),
        (MemoryError(), 2),
        (KeyboardInterrupt(), 130),
    ],
    ids=["disk full", "no memory", "Ctrl-C"],
)
def test_a_failure_while_writing_leaves_the_old_file(command, monkeypatch, suffix, planted, status):
    """The third block fails; two are already in the file that is to become the output."""
    out = Path(f"out{suffix}")
    out.write_text("old")
    np.save("a.npy", np.random.default_rng(8).normal(size=(50, 20, 2)))
    written = []
    kind = CsvSink if suffix.startswith(".csv") else NpySink
    write = kind.write

    def fail(self, result):
        if len(written) == 2:
            raise planted
        written.append(result)
        write(self, result)

    monkeypatch.setattr(kind, "write", fail)
    result = command("signature", "a.npy", "--depth", 3, "--memory", "4K", "-o", out)
    assert result.status == status
    assert len(written) == 2
    assert result.err.strip()
    assert "Traceback" not in result.err
    assert out.read_text() == "old"
    assert sorted(os.listdir()) == ["a.npy", out.name]


def test_standard_output_gets_all_or_nothing(command):
    rows = "".join(f"p{k},{k}\n" for k in range(1000))
    Path("a.csv").write_text(f"id,x\n{rows}q,bad\n")
    result = command("signature", "a.csv", "--depth", 1, "--memory", "1K")
    refused(result, "a.csv, line 1002, column 'x': 'bad' is not a number", ["a.csv"])
