"""The bench harness: what it computes, what it refuses, what it says. Nothing here is timed."""

import importlib.util
import itertools
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

# At the end of the path: an installed pysig goes before the one of the source tree.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from bench import cpu, probe, report, results
from bench.__main__ import main as door
from bench.answers import deviation, make_inputs
from bench.cases import AUTHORS, BY_NAME, CORE, GROUPS, Case, select
from bench.contestants import CONTESTANTS, PEERS, Contestant
from bench.entrant import Entrant
from bench.operation import Operation, lyndon_shape
from bench.operations import OPERATIONS
from bench.race import Ceilings, Race
from bench.stable import Settings, Stable, WorkerError
from bench.worker import Desk, _failure, scratch_memory

CASE = Case(3, 6, 2, 3)


# Cases and floors.


def test_floor_of_a_case_counted_by_hand():
    case = Case(2, 3, 2, 2)  # two paths, two steps, 2 + 4 coefficients
    assert case.madds == 2 * 2 * (2 + 4)
    signature = OPERATIONS["signature"]
    assert signature.madds(case) == 24
    assert signature.bytes(case, "float32") == 4 * (2 * 3 * 2 + 2 * 6)
    assert signature.bytes(case, "float64") == 2 * signature.bytes(case, "float32")
    assert OPERATIONS["signature_vjp"].madds(case) == 48
    assert OPERATIONS["signature-stream"].bytes(case, "float32") == 4 * (12 + 2 * 2 * 6)


@pytest.mark.parametrize("case", BY_NAME.values(), ids=lambda case: case.name)
def test_floor_of_every_case_counts_coefficients_step_by_step(case):
    words = sum(case.channels**k for k in range(1, case.depth + 1))
    assert case.size == words == sum(case.level_sizes)
    assert case.madds == case.paths * (case.length - 1) * words


def test_the_cases_are_the_agreed_ones():
    assert [(c.batch, c.length, c.channels, c.depth) for c in CORE] == [
        (128, 100, 5, 4),
        (1, 1000, 5, 5),
        (32, 1000, 10, 4),
        (32, 128, 8, 4),
        (128, 1024, 4, 6),
        (16, 256, 2, 10),
        (1, 100000, 3, 4),
        (1, 128, 40, 3),
        (512, 50, 3, 3),
        (8, 64, 6, 7),
    ]
    agreed = {(256, 10000, d, k) for d, k in itertools.product((2, 4, 8, 16), (2, 3))}
    assert {(c.batch, c.length, c.channels, c.depth) for c in AUTHORS} == agreed


@pytest.mark.parametrize("group", ["sweep-batch", "sweep-length", "sweep-size"])
def test_sweeps_span_three_decades_of_work(group):
    work = [case.madds for case in GROUPS[group]]
    assert max(work) / min(work) > 900
    assert work == sorted(work)


def test_cases_are_selected_by_group_name_and_pattern():
    assert select(["core"]) == list(CORE)
    assert select(["128x100x5-N4", "128x*", "core"])[0] == CORE[0]
    assert len(select(["core", "core"])) == len(CORE)
    with pytest.raises(ValueError, match="no case or group is called 'nope'"):
        select(["nope"])


@pytest.mark.parametrize(("channels", "depth"), [(2, 6), (3, 5), (5, 3), (1, 4)])
def test_lyndon_shape_counts_lyndon_words(channels, depth):
    def is_lyndon(word):
        return all(word < word[i:] + word[:i] for i in range(1, len(word)))

    count = sum(
        is_lyndon(word)
        for k in range(1, depth + 1)
        for word in itertools.product(range(channels), repeat=k)
    )
    assert lyndon_shape(Case(7, 2, channels, depth)) == (7, count)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_operation_is_complete(operation):
    assert {"law", "pysig"} <= set(operation.calls) <= set(CONTESTANTS)
    assert operation.bound in probe.PROBES
    assert set(operation.groups) <= set(GROUPS)
    assert (operation.judge or operation.name) in OPERATIONS
    assert operation.tolerance["float64"] <= 1e-10
    assert operation.tolerance["float32"] <= 1e-3
    if operation.against:  # it is computed from the same inputs, and has an answer of its own
        base = OPERATIONS[operation.against]
        assert set(base.inputs) | set(base.witnesses) <= set(operation.inputs)
        assert (base.judge or base.name) != (operation.judge or operation.name)


# Inputs and answers.


def test_inputs_are_reproducible_and_rounded_once():
    operation = OPERATIONS["signature_vjp"]
    first, again = (make_inputs(operation, CASE, "float64", 1) for _ in range(2))
    assert set(first) == {"path", "cotangent", "tangent"}
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["path"], make_inputs(operation, CASE, "float64", 2)["path"])
    single = make_inputs(operation, CASE, "float32", 1)["path"]
    assert single.dtype == np.float32
    assert np.array_equal(single, first["path"].astype(np.float32))


def test_deviation_is_relative_to_the_level_an_error_is_in():
    right = np.ones((3, CASE.size))
    right[:, : CASE.channels] = 1e-6  # a small level in the shadow of large ones
    wrong = right.copy()
    wrong[1, 0] *= -1
    assert deviation(right, right, CASE) == 0.0
    assert deviation(wrong, right, CASE) == pytest.approx(2.0)
    assert deviation(right[:, :-1], right, CASE) == float("inf")
    wrong[1, 0] = np.nan
    assert deviation(wrong, right, CASE) == float("inf")
    assert deviation(np.full(3, 2.0), np.ones(3), CASE) == pytest.approx(1.0)
    assert deviation(np.zeros((0, 2)), np.zeros((0, 2)), CASE) == 0.0


def _sum_of_squares(path, depth=None, **_):
    """An operation that is easy to get wrong on purpose; it stands for a signature."""
    return np.repeat((path**2).sum(axis=(-2, -1))[:, None], 14, axis=1)


class LocalStable(Stable):
    """Workers in this process: the logic of a race without the cost of processes."""

    def get(self, contestant, threads):
        if contestant == "probe":
            raise WorkerError("absent", "no probe in this test")
        key = (contestant, threads)
        if key not in self.workers:
            self.workers[key] = LocalWorker(contestant, threads)
        return self.workers[key]


class LocalWorker:
    alive = True

    def __init__(self, contestant, threads):
        self.desk = Desk(contestant, threads)

    def ask(self, message):
        try:
            # What crosses to another process is JSON: pass through it here, too.
            answer = getattr(self.desk, message["do"])(json.loads(json.dumps(message)))
        except Exception as error:
            failure = _failure(error)
            raise WorkerError(failure["kind"], failure["reason"]) from error
        if self.desk.contestant.name == "crowd" and "busy" in answer:
            answer["busy"] = 2 * answer["seconds"]  # as if two cores had been kept busy
        return answer

    def close(self):
        pass


@pytest.fixture
def contest(monkeypatch, tmp_path):
    """A function that runs one race of a made-up operation between made-up libraries."""

    def run(dtype="float64", law=_sum_of_squares, **libraries):
        made = {"pysig": _sum_of_squares, "law": law, **libraries}
        calls = {}
        for name, function in made.items():
            module = types.ModuleType(f"library_{name}")
            if function is not None:
                module.function = function
            monkeypatch.setitem(sys.modules, module.__name__, module)
            monkeypatch.setitem(CONTESTANTS, name, Contestant(name, module.__name__, name, "", ""))
            calls[name] = lambda m, t: lambda: m.function(t.path)
        operation = Operation("squares", "", calls, ("core",))
        monkeypatch.setitem(OPERATIONS, "squares", operation)
        stable = LocalStable(Settings(budget=0.01, shortest=1e-5, rounds=(3, 4)))
        entrants = [Entrant(name, "squares", 1) for name in made if name != "law"]
        rows = Race(stable, CASE, dtype, entrants, tmp_path, Ceilings()).run()
        assert stable.workers
        return {row["contestant"]: row for row in rows}

    return run


def test_right_answers_are_timed_and_compared(contest):
    rows = contest(honest=_sum_of_squares)
    assert {row.get("reason", "timed") for row in rows.values()} == {"timed"}
    assert rows["honest"]["ratio"]["median"] > 0
    assert "ratio" not in rows["pysig"]
    assert rows["pysig"]["judged_by"] == "the law and pysig in float64"
    assert rows["pysig"]["fraction"] is None  # no probe ran
    assert rows["pysig"]["rate"] == pytest.approx(
        rows["pysig"]["madds"] / rows["pysig"]["seconds"]["min"], rel=1e-3
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda answer: answer * (1 + 1e-9), "off by 1.0e-09"),
        (lambda answer: answer[:, :-1], "answer of shape"),
        (lambda answer: answer * np.nan, "off by inf"),
        (lambda answer: answer[::-1], "off by"),
    ],
)
def test_a_wrong_answer_is_reported_and_never_timed(contest, spoil, reason):
    rows = contest(liar=lambda path: spoil(_sum_of_squares(path)), honest=_sum_of_squares)
    assert rows["liar"]["status"] == "wrong"
    assert reason in rows["liar"]["reason"]
    assert "seconds" not in rows["liar"]
    assert rows["honest"]["status"] == "timed"


def test_float32_rounding_is_no_wrong_answer_but_a_float32_formula_error_is(contest):
    def slightly_off(path):
        return _sum_of_squares(path) * np.float32(1 + 1e-3)

    rows = contest(dtype="float32", liar=slightly_off, honest=_sum_of_squares)
    assert rows["honest"]["status"] == "timed"
    assert rows["liar"]["status"] == "wrong"


def test_a_float32_answer_to_a_float64_question_is_held_to_float32(contest):
    rows = contest(coarse=lambda path: _sum_of_squares(path).astype(np.float32))
    assert rows["coarse"]["status"] == "timed"
    assert rows["coarse"]["error"] > 1e-10


def test_nothing_is_timed_if_pysig_and_the_law_differ(contest):
    rows = contest(law=lambda path: 1.001 * _sum_of_squares(path), honest=_sum_of_squares)
    assert {row["status"] for row in rows.values()} == {"wrong"}
    assert "differs from the law by 1.0e-03" in rows["honest"]["reason"]


def test_a_broken_law_is_a_failure_and_a_missing_one_is_said(contest):
    def broken(path):
        raise ValueError("the law is drunk")

    rows = contest(law=broken)
    assert rows["pysig"]["status"] == "failed"
    assert "the law is drunk" in rows["pysig"]["reason"]
    rows = contest(law=None)
    assert rows["pysig"]["status"] == "timed"
    assert "not the law" in rows["pysig"]["judged_by"]


def test_a_missing_function_and_a_failing_one_are_named(contest):
    def failing(path):
        raise MemoryError("too much")

    rows = contest(failing=failing, without=None)
    assert (rows["failing"]["status"], rows["failing"]["reason"]) == (
        "failed",
        "MemoryError: too much",
    )
    assert rows["without"]["status"] == "skipped"
    assert "has no attribute 'function'" in rows["without"]["reason"]


def test_a_contestant_that_used_more_threads_than_it_was_given_has_no_time(contest):
    rows = contest(crowd=_sum_of_squares, honest=_sum_of_squares)
    assert rows["honest"]["status"] == "timed"
    assert rows["crowd"]["status"] == "failed"
    assert rows["crowd"]["reason"] == "ran on 2.0 cores, though held to 1"


def test_a_contestant_without_the_dtype_gets_float64(monkeypatch, contest):
    rows = contest(dtype="float32", double=_sum_of_squares)
    assert rows["double"]["computes"] == "float32"
    for name in ("iisignature", "sig-rust"):
        assert PEERS[name].dtypes == ("float64",)


@pytest.fixture
def pair(monkeypatch, tmp_path):
    """A function that runs one race of an operation held against another, in two threads."""

    def run(base, dtype="float32"):
        made = {"squares": base, "doubled": lambda path: 2 * _sum_of_squares(path)}
        for name, function in made.items():
            right = _sum_of_squares if name == "squares" else function
            calls = {
                "pysig": lambda m, t, function=function: lambda: function(t.path),
                "law": lambda m, t, right=right: lambda: right(t.path),
            }
            against = "squares" if name == "doubled" else ""
            operation = Operation(name, "", calls, ("core",), against=against)
            monkeypatch.setitem(OPERATIONS, name, operation)
        for name in ("pysig", "law"):
            monkeypatch.setitem(CONTESTANTS, name, Contestant(name, "math", name, "", ""))
        stable = LocalStable(Settings(budget=0.01, shortest=1e-5, rounds=(3, 4)))
        entrants = cpu._entrants([OPERATIONS["doubled"]], [1, 2], [], False)
        return entrants, Race(stable, CASE, dtype, entrants, tmp_path, Ceilings()).run()

    return run


def test_an_operation_is_held_against_another_in_its_own_rounds(pair):
    entrants, rows = pair(_sum_of_squares)
    assert [(row["operation"], row["threads"]) for row in rows] == [("doubled", 1), ("doubled", 2)]
    for row in rows:
        own, other = (
            next(e for e in entrants if (e.operation, e.threads) == (name, row["threads"]))
            for name in ("doubled", "squares")
        )
        assert row["status"] == other.verdict["status"] == "timed"
        assert len(own.seconds) == len(other.seconds) == row["rounds"]
        assert row["against"]["operation"] == "squares"
        ratio = min(own.taken) / min(other.taken)
        assert row["against"]["of_min"] == pytest.approx(ratio, rel=1e-5)
        assert row["against"]["min"] <= row["against"]["median"] <= row["against"]["q75"]
        assert "ratio" not in row  # pysig is not compared with itself


def _wrong_in(dtype):
    return lambda path: _sum_of_squares(path) * (1.01 if path.dtype == dtype else 1)


@pytest.mark.parametrize(
    ("dtype", "reason"), [("float32", "answer off by"), ("float64", "differs from the law")]
)
def test_nothing_is_held_against_a_wrong_answer(pair, dtype, reason):
    _, rows = pair(_wrong_in(dtype))
    for row in rows:
        assert row["status"] == "timed"
        assert set(row["against"]) == {"operation", "reason"}
        assert reason in row["against"]["reason"]
        assert f"not held against squares ({row['against']['reason']})" in report.note(row)


# Processes.


def _interpreter(folder, script):
    file = folder / "python"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in interpreter is a shell script")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo boom >&2; exit 3", "ended with status 3: boom"),
        ("kill -9 $$", "was ended by signal 9"),
        ("exec sleep 30", "gave up after 0.3 s"),
    ],
)
def test_a_process_that_dies_or_hangs_is_named_once(tmp_path, script, reason):
    settings = Settings(patience=0.3, pythons={"signax": _interpreter(tmp_path, script)})
    with Stable(settings) as stable:
        for _ in range(2):
            with pytest.raises(WorkerError, match=reason) as caught:
                stable.get("signax", 1)
            assert caught.value.kind == "absent"
            assert "pip install signax" in caught.value.reason
        assert not stable.workers


def test_the_whole_command_on_one_tiny_case(tmp_path, capfd):
    if importlib.util.find_spec("signatory"):
        pytest.skip("signatory is installed here, so its absence cannot be shown")
    file = tmp_path / "result.json"
    arguments = ["--quick", "--case", "tiny", "--operation", "signature", "--dtype", "float64"]
    arguments += ["--budget", "0.05", "--vs", "signatory", "--save", str(file)]
    status = door(["cpu", *arguments])
    shown = capfd.readouterr().out
    stored = results.load(file)
    rows = {row["contestant"]: row for row in stored["rows"]}
    assert status == 0, shown
    assert rows["pysig"]["status"] == "timed"
    assert rows["pysig"]["judged_by"] == "the law and pysig in float64"
    assert rows["pysig"]["error"] < 1e-13
    assert rows["signatory"]["status"] == "skipped"
    assert "No module named 'signatory'" in rows["signatory"]["reason"]
    assert "signatory: not usable in this Python" in shown
    assert str(tmp_path) not in file.read_text()
    # A second run keeps the rows of the first and refreshes its own.
    alone = [word for word in arguments if word not in ("--vs", "signatory")]
    assert door(alone) == 0
    assert {row["contestant"] for row in results.load(file)["rows"]} == set(rows)


def test_scratch_memory_is_what_a_call_holds_beyond_its_answer():
    def call():
        scratch = np.ones(4 << 20)  # 32 MiB, touched
        return scratch[: 1 << 20].copy()

    found = scratch_memory(call, 8 << 20)
    if found is None:
        pytest.skip("this system does not tell the height of memory use")
    assert found == pytest.approx(32 << 20, rel=0.1)


# Command lines.


def test_help_teaches_and_wrong_words_are_answered(capsys):
    assert door(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("cpu", "gpu", "list", "plot", "--vs", "multiply-add"))
    assert door(["list"]) == 0
    assert "128x100x5-N4" in capsys.readouterr().out
    assert door(["cqu"]) == 2
    assert door(["--vs", "nobody"]) == 2
    assert door(["--python", "nobody=/bin/sh"]) == 2
    assert door(["--python", "signax=/not/there"]) == 2
    assert door(["--case", "nope"]) == 2
    assert door(["--operation", "nope"]) == 2
    assert door(["--threads", "0"]) == 2
    said = capsys.readouterr().err
    assert "no peer is called 'nobody'; peers: pysiglib" in said
    assert "no case or group is called 'nope'" in said


def test_gpu_arguments_go_to_the_gpu_bench(monkeypatch):
    seen = []
    module = types.ModuleType("bench.gpu")
    module.main = lambda argv: seen.append(argv) or 5
    monkeypatch.setitem(sys.modules, "bench.gpu", module)
    assert door(["gpu", "--quick"]) == 5
    assert seen == [["--quick"]]


def _planned(*arguments):
    return [
        (case.name, [operation.name for operation in operations])
        for case, operations in cpu.plan(cpu.parser().parse_args(arguments))
    ]


def test_tables_are_made_anew_at_each_call():
    import pysig
    from pysig._cpu.logsignature import _tables

    path = np.array([[0.0, 0.0], [1.0, 2.0]])
    task = types.SimpleNamespace(path=path, depth=3, threads=1)
    call = OPERATIONS["tables-hall"].calls["pysig"](pysig, task)
    for _ in range(2):
        call()
        assert _tables.cache_info().misses == 1
    pysig.logsignature(path, 3, basis="hall", workers=1)
    assert _tables.cache_info().hits == 1


def test_plan_groups_the_operations_that_share_an_answer():
    races = _planned("--case", "128x100x5-N4")
    assert races[0] == ("128x100x5-N4", ["signature", "signature-tile", "signature-cumsum"])
    assert all("signature-sweep" not in names for _, names in races)
    assert _planned("--case", "20x2-N3") == [("20x2-N3", ["signature"])]
    free = _planned("--case", "20x2-N3", "--operation", "signature_vjp")
    assert free == [("20x2-N3", ["signature_vjp"])]
    assert _planned("--quick", "--operation", "tables-hall") == [("2x2-N15", ["tables-hall"])]
    assert all("tables-hall" not in names for _, names in _planned("--quick"))
    goal = _planned("--operation", "projection-*", "--dtype", "float64")
    assert len(goal) == 9  # three shares on three cases
    everything = {name for _, names in _planned() for name in names}
    assert everything == set(OPERATIONS)
