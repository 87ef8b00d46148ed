"""Calls that users tried, of the command: each is right, or refused with the way to the right call.

Each reads one file, called `in`.
"""

import io
import os
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.quick

IDS = "id,time,x\n1,0,5\n2,1,7\n3,2,9\n"
INDEX = ",x,y\n0,1.0,2\n1,3.0,5\n"
BIG = (
    "symbol,ts,price,size\nS112,2024-01-31,1,2\nS112,2024-02-01,2,4\nS113,2024-01-31,5,5\n"
    "S113,2024-02-01,4,7\n"
)


def saved(save, *arrays):
    stream = io.BytesIO()
    save(stream, *arrays)
    return stream.getvalue()


ARRAY = np.array([[1.0, 2.0], [3.0, 5.0]])
RIGHT = {
    # ---- columns ----
    "--ignore id": (
        IDS,
        "--ignore id",
        "id,S(x)\nin,4.0\n",
        "1 path of 3 points; 1 channel: x; no",
    ),
    "--ignore time": (IDS, "--ignore id,time", "id,S(x)\nin,4.0\n", "no id; no time"),
    "--channels id,x": (IDS, "--channels id,x", "id,S(id),S(x)\nin,2.0,4.0\n", "channels: id, x"),
    "ID, Time": (
        "ID,Time,x\n1,0,5\n1,4,7\n2,0,1\n",
        "--time",
        "ID,S(x),S(Time)\n1,2.0,4.0\n2,0.0,0.0\n",
        "id: ID; time: Time",
    ),
    "--id group": (
        "group,x\n1,2\n1,3\n2,5\n",
        "--id group",
        "group,S(x)\n1,1.0\n2,0.0\n",
        "2 paths of 1 to 2 points",
    ),
    "--id symbol --time-column ts": (
        BIG,
        "--id symbol --time-column ts --time",
        "symbol,S(price),S(size),S(ts)\nS112,1.0,2.0,86400.0\nS113,-1.0,2.0,86400.0\n",
        "2 paths of 2 points; 2 channels: price, size; id: symbol; time: ts",
    ),
    "index of to_csv": (INDEX, "", "id,S(x),S(y)\nin,2.0,3.0\n", "2 channels: x, y"),
    "index of to_csv, --ignore 1": (INDEX, "--ignore 1", "id,S(x),S(y)\nin,2.0,3.0\n", ""),
    "index of to_csv, --channels x,y": (INDEX, "--channels x,y", "id,S(x),S(y)\nin,2.0,3.0\n", ""),
    # ---- times ----
    "20240131": (
        "time,x\n20240131,0\n20240201,1\n",
        "--time",
        "id,S(x),S(time)\nin,1.0,86400.0\n",
        "time: time",
    ),
    "integers of nanoseconds": (
        "time,x\n1704067200000000100,0\n1704067200000000164,1\n",
        "--time",
        "id,S(x),S(time)\nin,1.0,64.0\n",
        "",
    ),
    "dates with nanoseconds": (
        "time,x\n2024-01-01T00:00:00.000000001,0\n2024-01-01T00:00:00.000000003,1\n",
        "--time",
        "id,S(x),S(time)\nin,1.0,2e-09\n",
        "",
    ),
    "ties": (
        "id,time,x\na,1,0\na,1,3\n",
        "--time",
        "id,S(x),S(time)\na,3.0,0.0\n",
        "",
    ),
    "ties, --sort": ("id,time,x\na,1,0\nb,1,3\na,1,3\n", "--sort", "id,S(x)\na,3.0\nb,0.0\n", ""),
    # ---- cells and lines ----
    "one point each": (
        "id,x\n1,5\n2,7\n",
        "",
        "id,S(x)\n1,0.0\n2,0.0\n",
        "every path has one point, so all coefficients are 0",
    ),
    "blank lines": ("x\n1\n\n2\n   \n", "", "id,S(x)\nin,1.0\n", "1 path of 2 points"),
    "--comment #": ("# mine\nx\n1\n2\n", "--comment #", "id,S(x)\nin,1.0\n", ""),
    "True, False": ("x\nFalse\nTrue\n", "", "id,S(x)\nin,1.0\n", ""),
    "--basepoint -1,0": (
        "x,y\n1,2\n3,4\n",
        "--basepoint -1,0",
        "id,S(x),S(y)\nin,4.0,4.0\n",
        "",
    ),
    # ---- files ----
    "-o -": ("x\n1\n2\n", "-o -", "id,S(x)\nin,1.0\n", ""),
    ".npy without a suffix": (saved(np.save, ARRAY), "", "id,S(0),S(1)\n0,2.0,3.0\n", "1 path"),
    ".npz without a suffix": (saved(np.savez, ARRAY), "", "id,S(0),S(1)\n0,2.0,3.0\n", "1 path"),
    "numbers beyond the dtype": (
        "x\n1\n1e200\n",
        "--depth 2",
        'id,S(x),"S(x,x)"\nin,1e+200,inf\n',
        "some coefficients are too large for the dtype, and infinite or NaN; rescale the channels",
    ),
    "windows beyond the dtype": (
        "x\n1\n1e200\n",
        "--depth 2 --window 2",
        'id,time,S(x),"S(x,x)"\nin,1,1e+200,inf\n',
        "rescale the channels",
    ),
    "NaN that is allowed": (
        "x\n1\nnan\n",
        "--allow-nan",
        "id,S(x)\nin,nan\n",
        "no id; no time\n",
    ),
}


def read_with(command, content, options):
    Path("in").write_bytes(content if isinstance(content, bytes) else content.encode())
    depth = [] if "--depth" in options else ["--depth", 1]
    return command("signature", "in", *depth, *options.split(" " if options else None))


@pytest.mark.parametrize("call", RIGHT)
def test_right(command, call):
    content, options, out, line = RIGHT[call]
    result = read_with(command, content, options)
    assert (result.status, result.out) == (0, out), result.err
    assert line in result.err
    assert result.err.count("\n") == 1
    assert ("too large" in result.err) == ("too large" in line or "rescale" in line)
    assert os.listdir() == ["in"]


REFUSED = {
    # ---- columns ----
    "group": (
        "group,x\n1,2\n2,3\n",
        "",
        "column 'group' may be the path of each row; give --id gr",
    ),
    "timestamp": (
        "timestamp,x\n1,2\n2,3\n",
        "",
        "column 'timestamp' may be the time of each row; give --time-column timestamp",
    ),
    "names of paths": (BIG, "", "column 'symbol' may be the path of each row; give --id symbol"),
    "names of paths under any name": (
        BIG.replace("symbol", "what"),
        "--time-column ts",
        "'S112' is not a number; if the column names the paths, give --id what",
    ),
    "dates in a channel": (
        BIG,
        "--ignore symbol",
        "column 'ts' may be the time of each row; give --time-column ts",
    ),
    "--ignore ''": (
        INDEX,
        "--ignore ",
        "received ''; a column without a name is called by its number, 1 for the first",
    ),
    # ---- times ----
    "dates and numbers": (
        "time,x\n2024-01-01,0\n3,1\n2024-01-02,2\n",
        "--time",
        "line 3, column 'time': '3' is a number, but the times before it are dates",
    ),
    # ---- cells and lines ----
    "# comment": ("# mine\nx\n1\n", "", "in, line 1: a comment; give --comment '#' to skip such"),
    "0x1F": ("x\n0x1F\n", "", "'0x1F' is not a number; write hexadecimal numbers in decimal"),
    "1,000": ('x\n"1,000"\n', "", "'1,000' is not a number; remove the separators of thousands"),
    # ---- files ----
    "UTF-16": ("x\n1\n".encode("utf-16"), "", "in, line 1: UTF-16 text; save the file as UTF-8"),
    "Latin-1": (
        "gr\xf6\n1\n".encode("latin-1"),
        "",
        "in, line 1: not UTF-8 text (byte 0xf6); save",
    ),
    # ---- numbers and options ----
    "--dtype float32": (
        "x\n1\n1e200\n",
        "--dtype float32",
        "--dtype float32: 1e+200 is too large for it; leave --dtype out, or rescale the channel",
    ),
    "--dep": ("x\n1\n", "--depth 2 --dep 2", "unrecognized arguments: --dep 2"),
    "--delim": ("x\n1\n", "--delim ;", "unrecognized arguments: --delim ;"),
}


@pytest.mark.parametrize("call", REFUSED)
def test_refused(command, call):
    content, options, says = REFUSED[call]
    result = read_with(command, content, options)
    assert (result.status, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1
    assert os.listdir() == ["in"]


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".csv", ""])
def test_a_table_is_found_by_its_first_bytes(command, suffix):
    """Parquet is read under any name."""
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pytest.importorskip("pyarrow").table({"x": [1.0, 2.0]}), f"in{suffix}")
    result = command("signature", f"in{suffix}", "--depth", 1)
    assert (result.status, result.out) == (0, f"id,S(x)\nin{suffix},1.0\n")
