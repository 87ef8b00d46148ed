"""Processing of rounds: statistics, stored results, goals, pages and figures."""

import copy
import itertools
import sys
from pathlib import Path

import pytest

# At the end of the path: an installed pysig goes before the one of the source tree.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from bench import docs, probe, results, stats, summary, targets
from bench.cases import BY_NAME, GROUPS
from bench.comparison import Ceilings
from bench.operations import OPERATIONS
from bench.run import Run, order, paired

# Statistics.


def test_summary_and_spread():
    values = [4.0, 1.0, 3.0, 2.0, 5.0]
    assert stats.summary(values) == {"min": 1.0, "q25": 2.0, "median": 3.0, "q75": 4.0}
    assert stats.spread(values) == pytest.approx(2 / 3)
    assert not stats.settled(values)
    assert stats.settled([1.0] * 5)
    assert stats.geometric_mean([1.0, 4.0]) == pytest.approx(2.0)


def test_slope_is_the_exponent():
    x = [1, 10, 100, 1000]
    assert stats.slope(x, [3 * v for v in x]) == pytest.approx(1.0)
    assert stats.slope(x, [v**2 for v in x]) == pytest.approx(2.0)


def test_rounds_without_the_processor_are_left_out():
    a = Run("pysig", "signature", 1, seconds=[1.0] * 6 + [9.0], busy=[1.0] * 6 + [0.3])
    b = Run("signax", "signature", 1, seconds=[2.0] * 5 + [8.0, 2.0], busy=[1.0] * 5 + [0.5, 1])
    assert a.clean_seconds == [1.0] * 6
    assert paired(b, a) == {"min": 2.0, "q25": 2.0, "median": 2.0, "q75": 2.0, "of_min": 2.0}
    few = Run("pysig", "signature", 1, seconds=[1.0, 9.0], busy=[1.0, 0.3])
    assert few.clean_seconds == [1.0, 9.0]
    both = Run("pysig", "signature", 2, seconds=[1.0], busy=[0.1])
    assert both.clean == [True]


def test_each_run_follows_each_other():
    runs = [Run(name, "signature", 1) for name in "abc"]
    orders = {tuple(e.library for e in order(runs, number)) for number in range(6)}
    assert len(orders) == 6
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)


def test_a_fraction_is_compared_with_the_highest_ceiling_of_the_run():
    ceilings = Ceilings()
    ceilings.record("madds", "float32", 1, 40e9)
    ceilings.record("madds", "float64", 1, 90e9)  # another dtype, another ceiling
    row = _row(rate=10e9, fraction={"of_min": 0.9, "median": 0.25})
    ceilings.record("madds", "float32", 1, 20e9)
    ceilings.refresh([row])
    assert row["fraction"]["of_min"] == pytest.approx(0.25, rel=1e-3)
    stream = {**_row(), "operation": "signature-stream"}
    ceilings.record("write", "float64", 1, 5e9)
    ceilings.record("write_streaming", "float32", 1, 10e9)  # memory has no dtype
    seconds = stream["seconds"]["min"]
    assert ceilings.fraction(stream) == pytest.approx(stream["bytes"] / seconds / 10e9, rel=1e-3)


# Stored results.


def _row(case="128x100x5-N4", library="pysig", dtype="float32", rate=10e9, **more):
    found = BY_NAME[case]
    operation = OPERATIONS[more.get("operation", "signature")]
    time = operation.madds(found) / rate
    row = {
        "operation": operation.name,
        "case": case,
        "dtype": dtype,
        "threads": 1,
        "library": library,
        "madds": operation.madds(found),
        "bytes": operation.bytes(found, dtype),
        "status": "timed",
        "error": 1e-7,
        "checked_by": "the reference and pysig in float64",
        "computes": dtype,
        "scratch": 1 << 20,
        "rounds": 20,
        "clean": 20,
        "calls": 3,
        "seconds": {"min": time, "q25": time, "median": time, "q75": time},
        "rate": rate,
        "fraction": {"of_min": 0.5, "median": 0.5},
        "cores": 1.0,
        "noisy": False,
        "date": "2000-01-01T00:00Z",
        "versions": {library: "1"},
    }
    return {**row, **more}


def _ratio(value):
    return {"min": value, "q25": value, "median": value, "q75": value, "of_min": value}


def _stored():
    """A document such as a run makes: two cases, a peer, sweeps, a skip."""
    document = results.document("cpu", {**results.machine(), "name": "made-up"}, {})
    document["roofline"] = {
        "threads": {
            "1": {
                "madds_float32": 5e10,
                "madds_float64": 2.5e10,
                "read": 2e10,
                "write": 1e10,
                "write_streaming": 2e10,
            }
        }
    }
    rows = []
    for dtype, case in itertools.product(("float32", "float64"), ("128x100x5-N4", "512x50x3-N3")):
        rows.append(_row(case, dtype=dtype))
        rows.append(_row(case, "pysiglib", dtype, rate=2.5e9, ratio=_ratio(4.0)))
    for group in ("sweep-batch", "sweep-length", "sweep-size"):
        for case in GROUPS[group]:
            rows.append(_row(case.name, operation="signature-sweep"))
    gone = {**_row(library="signatory"), "status": "skipped", "reason": "not installed"}
    rows.append({key: gone[key] for key in (*results.ROW_TYPES, "reason")})
    results.merge(document, rows)
    return document


def test_results_survive_the_file(tmp_path):
    document, file = _stored(), tmp_path / "deep" / "cpu-made-up.json"
    results.save(document, file)
    assert results.load(file) == document
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.pop("rows"), "document.rows: expected list, received nothing"),
        (lambda d: d.update(schema=0), "schema: expected 2"),
        (lambda d: d["machine"].pop("name"), "machine.name"),
        (lambda d: d["rows"][0].pop("madds"), r"rows\[0\].madds: expected int"),
        (lambda d: d["rows"][0].update(threads=True), r"rows\[0\].threads: expected int"),
        (lambda d: d["rows"][0].update(status="fine"), r"rows\[0\].status: expected one of"),
        (lambda d: d["rows"][0]["seconds"].update(min=0), r"rows\[0\].seconds.min"),
        (lambda d: d["rows"].append(d["rows"][0]), "two rows have the same key"),
        (
            lambda d: next(r for r in d["rows"] if r["status"] != "timed").pop("reason"),
            "reason: expected str, received nothing",
        ),
    ],
)
def test_a_document_of_the_wrong_form_is_refused(tmp_path, spoil, message):
    document = copy.deepcopy(_stored())
    spoil(document)
    with pytest.raises(ValueError, match=message):
        results.check(document)
    with pytest.raises((ValueError, KeyError)):
        results.save(document, tmp_path / "never.json")
    assert not list(tmp_path.iterdir())


def test_merging_replaces_rows_but_no_measurement_by_a_skip():
    document = _stored()
    count = len(document["rows"])
    faster = _row(rate=20e9)
    skip = {**_row(library="pysiglib"), "status": "skipped", "reason": "not installed"}
    results.merge(document, [faster, skip])
    found = {results._key(row): row for row in document["rows"]}
    assert len(document["rows"]) == count
    assert found[results._key(faster)]["rate"] == 20e9
    assert found[results._key(skip)]["status"] == "timed"


def test_stored_reasons_name_no_folders():
    text = "OSError: /opt/some/deep/lib.so: cannot open '/home/me/x.npy' at 3/4 of it"
    assert results.without_paths(text) == "OSError: lib.so: cannot open 'x.npy' at 3/4 of it"


@pytest.mark.quick
def test_committed_results_are_well_formed_and_the_page_shows_exactly_them():
    for document in results.committed("cpu"):
        for row in document["rows"]:
            assert row["case"] in BY_NAME
            assert row["operation"] in OPERATIONS
            assert row["madds"] == OPERATIONS[row["operation"]].madds(BY_NAME[row["case"]])
    assert docs.main(["--check"]) == 0


def test_the_page_is_made_from_results():
    document = _stored()
    block = docs.render([document])
    time = document["rows"][0]["madds"] / 10e9 * 1e6
    assert f"| `128x100x5-N4` | {time:.3g} µs | 50 % | 100 % | 4.0 |" in block
    assert "_figures/bench-made-up-roofline.svg" in block
    assert "| signature, times faster than pysiglib, every case | float32 |" in block
    assert "- signatory, skipped: not installed" in block
    assert docs.render([]) == docs.NOTHING
    page = f"before\n{docs.BEGIN}\nold\n{docs.END}\nafter\n"
    fresh = docs.embed(page, block)
    assert fresh.startswith("before\n")
    assert fresh.endswith("\nafter\n")
    assert "old" not in fresh
    assert docs.embed(fresh, block) == fresh
    with pytest.raises(ValueError, match="does not have the marks"):
        docs.embed("a page without marks", block)


def test_the_summary_has_geometric_means_and_ranges():
    document = _stored()
    document["machine"] = {**document["machine"], "cpu": "AMD EPYC family 25 model 1"}
    document["machine"] |= {"isa": ["sse2", "avx2"], "cores": 2}
    document["rows"] = [
        _row("1x1000x5-N5", "pysiglib", ratio=_ratio(2.0)),
        _row("128x100x5-N4", "pysiglib", ratio=_ratio(8.0)),
    ]
    block = docs.summarize([document])
    assert "| operation | beside | dtype | AMD EPYC (Zen 3), AVX2, 2 cores |" in block
    assert "| signature | pysiglib | float32 | **4.0** (2.0 to 8.0) |" in block
    assert docs.summarize([]) == docs.NOTHING
    unknown = {"cpu": "Some CPU", "isa": ["vsx"], "cores": 8}
    assert summary.machine_name(unknown) == "Some CPU, 8 cores"


def _status(document, goal, dtype="float32"):
    for target, tried, measured in targets.evaluate(document):
        if (target.goal, tried) == (goal, dtype):
            return targets.cells(target, tried, measured)[3:]
    raise AssertionError(f"no goal is called {goal}")


def test_goals_are_met_missed_or_not_measured():
    document = _stored()
    every = "signature, times faster than pysiglib, every case"
    assert _status(document, every)[1] == "met"
    slow = _row("1x1000x5-N5", "pysiglib", rate=9e9, ratio=_ratio(1.1))
    results.merge(document, [slow])
    assert _status(document, every) == ("1.1 (1x1000x5-N5)", "missed")
    # A peer's answer that was wrong has no time, and counts for nothing.
    wrong = {**slow, "status": "wrong", "reason": "off"}
    results.merge(document, [wrong])
    assert _status(document, every)[1] == "met"
    assert _status(document, "vjp, two threads over one") == ("-", "not measured")
    exponent = "signature, exponent of the cost in the length"
    assert _status(document, exponent) == ("1 (sweep-length)", "met")
    peak = "signature, fraction of the multiply-add peak, 2 and 3 channels"
    assert _status(document, peak) == ("0.5 (512x50x3-N3)", "met")
    memory = "signature, scratch memory of a call in MiB"
    assert _status(document, memory) == ("1 (512x50x3-N3)", "met")


def test_memory_bounds_what_part_of_the_peak_can_be_reached():
    document = _stored()
    row = _row("256x10000x2-N2")
    # 0.75 multiply-adds per byte at 2e10 bytes per second, of 5e10 per second
    allowed = row["madds"] / row["bytes"] * 2e10 / 5e10
    assert targets.memory_allows(document, row) == pytest.approx(allowed)
    assert allowed < 0.31
    results.merge(document, [{**row, "fraction": {"of_min": 0.1, "median": 0.1}}])
    peak = "signature, fraction of the multiply-add peak, 2 and 3 channels"
    figure, outcome = _status(document, peak)
    assert (figure, outcome) == ("0.1 (256x10000x2-N2; memory allows 0.30)", "missed")


@pytest.mark.parametrize(
    ("goal", "operation"),
    [
        ("vjp, times pysig's own signature", "signature_vjp"),
        ("jvp, times pysig's own signature", "signature_jvp"),
        ("log-signature, all bases, times pysig's own signature", "logsignature-hall"),
    ],
)
def test_goals_that_are_ratios_to_the_own_signature_are_of_one_race(goal, operation):
    def against(median, of_min):
        return {"operation": "signature", **_ratio(median), "of_min": of_min}

    document = _stored()
    # Rows of the signature in other comparisons, as old files have them, do not measure it.
    results.merge(document, [_row(operation=operation, rate=10e9)])
    assert _status(document, goal) == ("-", "not measured")
    row = _row(operation=operation, against=against(9.0, 1.2))
    results.merge(document, [row])
    assert _status(document, goal) == ("1.2 (128x100x5-N4)", "met")
    results.merge(document, [_row(operation=operation, against=against(1.2, 9.0))])
    assert _status(document, goal) == ("9 (128x100x5-N4)", "missed")
    for other in (
        {"operation": "signature-tile", **_ratio(1.0)},
        {"operation": "signature", "reason": "answer off by 1"},
    ):
        results.merge(document, [_row(operation=operation, against=other)])
        assert _status(document, goal) == ("-", "not measured")


def test_speed_up_is_that_of_quiet_rounds_and_counts_only_where_one_thread_takes_long():
    document = _stored()
    goal = "signature, two threads over one, every case over 1 ms"
    quick = _row(threads=2, rate=11e9, speedup={**_ratio(9.0), "of_min": 0.9})
    results.merge(document, [quick])  # one thread took 0.81 ms: 0.9 times what two took
    assert _status(document, goal) == ("-", "not measured")
    slow = _row(threads=2, rate=11e9, speedup={**_ratio(9.0), "of_min": 1.2})
    results.merge(document, [slow])  # 1.08 ms
    assert _status(document, goal) == ("1.2 (128x100x5-N4)", "missed")
    alone = [r for r in document["rows"] if r["case"] == slow["case"] and r["threads"] == 1]
    assert alone[0]["seconds"]["min"] < 1e-3  # of another comparison: not looked at


def test_speed_up_of_gradients_uses_the_derivative_cases_only():
    document = _stored()
    goal = "vjp, two threads over one"
    more = {"operation": "signature_vjp", "threads": 2}
    results.merge(document, [_row("20x2-N3", speedup=_ratio(0.5), **more)])
    assert _status(document, goal) == ("-", "not measured")
    results.merge(document, [_row("128x100x5-N4", speedup=_ratio(1.9), **more)])
    assert _status(document, goal) == ("1.9 (128x100x5-N4)", "met")


def test_figures_are_drawn_from_a_stored_result(tmp_path):
    pytest.importorskip("matplotlib", reason="figures need matplotlib (the extra `bench`)")
    from bench import plot

    file = tmp_path / "cpu-made-up.json"
    results.save(_stored(), file)
    assert plot.main([str(file), "--output", str(tmp_path / "figures")]) == 0
    made = sorted((tmp_path / "figures").iterdir())
    assert [path.name for path in made] == [
        f"bench-made-up-{name}.svg" for name in ("peers", "roofline", "sweeps")
    ] + ["bench-overview.svg"]
    for path in made:
        assert "<svg" in path.read_text(encoding="utf-8")
        assert path.stat().st_size > 10_000
    bare = results.document("cpu", {"name": "bare"}, {})
    assert plot.drawable(bare) == []
    results.merge(bare, [_row()])
    assert [path.name for path in plot.draw([bare], tmp_path)] == ["bench-bare-roofline.svg"]


# The probe.


def test_the_peak_loop_is_multiply_adds_in_registers():
    try:
        report = {dtype: probe.loop_report(dtype) for dtype in ("float32", "float64")}
    except probe.ProbeError as error:
        pytest.skip(f"the probe cannot be built or read here: {error}")
    if not {"fma", "asimd"} & set(results.machine()["isa"]):
        pytest.skip("this processor has no fused multiply-add")
    for loop in report.values():
        assert loop["fused"] >= 8
        assert loop["memory"] == 0
        assert loop["others"] <= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_probe_counts_what_it_does(dtype):
    try:
        run, amount = probe.call("madds", dtype, 2)
    except probe.ProbeError as error:
        pytest.skip(f"the probe cannot be built here: {error}")
    _, single = probe.call("madds", dtype, 1)
    assert run() == amount == 20 * single  # two threads, ten times the rounds
