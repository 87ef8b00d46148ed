"""Time zones of tables are kept in the output; windows and files that cannot be right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ZONED = (
    "id,time,x\na,2024-01-31T09:30:00+01:00,1\na,2024-01-31T09:30:02+01:00,2\n"
    "a,2024-01-31T08:30:04Z,4\n"
)
NAIVE = "id,time,x\nb,2024-01-31T09:30:00,1\nb,2024-01-31T09:30:02,2\n"


@pytest.mark.parametrize("option", [["--window", "2s"], ["--window", "2"], ["--stream"]])
def test_ends_of_windows_have_the_zone_of_the_first_date(command, option):
    Path("in.csv").write_text(ZONED)
    result = command("signature", "in.csv", "--depth", 1, *option)
    ends = [line.split(",")[1] for line in result.out.splitlines()[1:]]
    assert ends == ["2024-01-31T09:30:02+01:00", "2024-01-31T09:30:04+01:00"]


@pytest.mark.parametrize(("zone", "shown"), [("Z", "Z"), ("-0330", "-03:30"), ("+05", "+05:00")])
def test_spellings_of_zones(command, zone, shown):
    Path("in.csv").write_text(f"time,x\n20240131T0930{zone},1\n20240131T0931{zone},2\n")
    result = command("signature", "in.csv", "--depth", 1, "--stream")
    assert result.out.splitlines()[1] == f"in.csv,2024-01-31T09:31:00{shown},1.0"


@pytest.mark.parametrize("zone", ["+01:00", "UTC", "Europe/Berlin"])
def test_zones_of_parquet(command, zone):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    times = np.array(["2024-01-31T08:30:00", "2024-01-31T08:30:02"], "M8[ns]").astype(np.int64)
    stamps = arrow.array(times).cast(arrow.timestamp("ns", zone))
    parquet.write_table(arrow.table({"time": stamps, "x": [1.0, 2.0]}), "in.parquet")
    command("signature", "in.parquet", "--depth", 1, "--stream", "-o", "out.parquet")
    found = parquet.read_table("out.parquet")["time"]
    assert found.type == stamps.type
    assert found.to_pylist() == stamps[1:].to_pylist()
    result = command("signature", "in.parquet", "--depth", 1, "--stream")
    shown = {"+01:00": "2024-01-31T09:30:02+01:00"}.get(zone, "2024-01-31T08:30:02Z")
    assert result.out.splitlines()[1] == f"in.parquet,{shown},1.0"


MIXED = [
    (ZONED + "a,2024-01-31T09:40:00,5\n", "'2024-01-31T09:40:00' has no time zone, but the times"),
    (NAIVE + "b,2024-01-31T09:40:00Z,5\n", "'2024-01-31T09:40:00Z' has a time zone, but the times"),
]


@pytest.mark.parametrize(("text", "message"), MIXED)
@pytest.mark.parametrize("rows", [0, 2000])
def test_dates_with_and_without_a_zone_do_not_mix(command, text, message, rows):
    head, *lines = text.splitlines()
    Path("in.csv").write_text("\n".join([head, *[lines[0]] * rows, *lines]) + "\n")
    result = command("signature", "in.csv", "--depth", 1)
    assert result.status == 2
    assert message in result.err
    assert "give all times a time zone, or none" in result.err


@pytest.mark.parametrize("names", [["a.csv", "b.csv"], ["b.csv", "a.csv"]])
def test_files_with_and_without_a_zone_do_not_mix(command, names):
    Path("a.csv").write_text(ZONED)
    Path("b.csv").write_text(NAIVE)
    result = command("signature", *names, "--depth", 1)
    assert result.status == 2
    assert f"{names[1]}: dates with" in result.err
    assert f"unlike those of {names[0]}; give all times a time zone, or none" in result.err


def test_too_many_windows_are_refused_before_work(command):
    Path("in.csv").write_text("time,x\n2024-01-31,1\n2024-02-03,2\n")
    given = ("signature", "in.csv", "--depth", 1, "--window", "1ns", "--stride", "1ns")
    result = command(*given)
    assert result.status == 2
    assert "--stride: the list of 259200000000000 windows needs" in result.err
    assert "Give a larger --stride" in result.err


def test_a_window_beyond_64_bits(command):
    Path("in.csv").write_text("time,x\n2024-01-31,1\n2024-02-03,2\n")
    result = command("signature", "in.csv", "--depth", 1, "--window", "999999999999d")
    assert result.status == 2
    assert "--window 999999999999d: expected at most 292 years" in result.err
    result = command("signature", "in.csv", "--depth", 1, "--window", "99999999999999999999")
    assert result.out == "id,time,S(x)\n"


@pytest.mark.parametrize("option", [["--window", "4s"], ["--transform", "times"]])
def test_an_array_has_no_column_of_times(command, option):
    np.save("x.npy", np.zeros((5, 2)))
    result = command("signature", "x.npy", "--depth", 1, *option)
    assert result.status == 2
    assert "x.npy has no times; give an .npz with an array called times, or" in result.err
    np.savez("x.npz", x=np.zeros((5, 2)), times=np.arange(5) * np.timedelta64(1, "s"))  # the advice
    assert command("signature", "x.npz", "--depth", 1, *option).status == 0


def test_a_quote_that_is_not_closed(command):
    Path("in.csv").write_text('id,x\na,1\n"a,2\n')
    result = command("signature", "in.csv", "--depth", 1)
    assert result.status == 2
    assert "in.csv, line 3: unexpected end of data; close every quote" in result.err
