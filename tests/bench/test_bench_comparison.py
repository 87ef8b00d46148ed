"""Comparisons of made-up libraries: only correct answers are timed. No time is tested."""

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

# At the end of the path: an installed pysig goes before the one of the source tree.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from bench import cpu, report
from bench.cases import Case
from bench.comparison import Ceilings, Comparison
from bench.libraries import LIBRARIES, PEERS, Library
from bench.operation import Operation
from bench.operations import OPERATIONS
from bench.run import Run
from bench.worker import Session, _failure
from bench.worker_pool import Settings, WorkerError, WorkerPool

CASE = Case(3, 6, 2, 3)


def _sum_of_squares(path, depth=None, **_):
    """An operation that is easy to get wrong on purpose; it stands for a signature."""
    return np.repeat((path**2).sum(axis=(-2, -1))[:, None], 14, axis=1)


class LocalPool(WorkerPool):
    """Workers in this process: the logic of a comparison without the cost of processes."""

    def get(self, library, threads):
        if library == "probe":
            raise WorkerError("absent", "no probe in this test")
        key = (library, threads)
        if key not in self.workers:
            self.workers[key] = LocalWorker(library, threads)
        return self.workers[key]


class LocalWorker:
    alive = True

    def __init__(self, library, threads):
        self.session = Session(library, threads)

    def request(self, message):
        try:
            # What crosses to another process is JSON: pass through it here, too.
            answer = getattr(self.session, message["do"])(json.loads(json.dumps(message)))
        except Exception as error:
            failure = _failure(error)
            raise WorkerError(failure["kind"], failure["reason"]) from error
        if self.session.library.name == "crowd" and "busy" in answer:
            answer["busy"] = 2 * answer["seconds"]  # as if two cores had been kept busy
        return answer

    def close(self):
        pass


@pytest.fixture
def contest(monkeypatch, tmp_path):
    """A function that runs one comparison of a made-up operation between made-up libraries."""

    def run(dtype="float64", reference=_sum_of_squares, **libraries):
        made = {"pysig": _sum_of_squares, "reference": reference, **libraries}
        calls = {}
        for name, function in made.items():
            module = types.ModuleType(f"library_{name}")
            if function is not None:
                module.function = function
            monkeypatch.setitem(sys.modules, module.__name__, module)
            monkeypatch.setitem(LIBRARIES, name, Library(name, module.__name__, name, "", ""))
            calls[name] = lambda m, t: lambda: m.function(t.path)
        operation = Operation("squares", "", calls, ("core",))
        monkeypatch.setitem(OPERATIONS, "squares", operation)
        pool = LocalPool(Settings(budget=0.01, shortest=1e-5, rounds=(3, 4)))
        runs = [Run(name, "squares", 1) for name in made if name != "reference"]
        rows = Comparison(pool, CASE, dtype, runs, tmp_path, Ceilings()).run()
        assert pool.workers
        return {row["library"]: row for row in rows}

    return run


def test_right_answers_are_timed_and_compared(contest):
    rows = contest(honest=_sum_of_squares)
    assert {row.get("reason", "timed") for row in rows.values()} == {"timed"}
    assert rows["honest"]["ratio"]["median"] > 0
    assert "ratio" not in rows["pysig"]
    assert rows["pysig"]["checked_by"] == "the reference and pysig in float64"
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


def test_float32_rounding_passes_but_a_float32_formula_error_fails(contest):
    def slightly_off(path):
        return _sum_of_squares(path) * np.float32(1 + 1e-3)

    rows = contest(dtype="float32", liar=slightly_off, honest=_sum_of_squares)
    assert rows["honest"]["status"] == "timed"
    assert rows["liar"]["status"] == "wrong"


def test_a_float32_answer_to_a_float64_question_is_held_to_float32(contest):
    rows = contest(coarse=lambda path: _sum_of_squares(path).astype(np.float32))
    assert rows["coarse"]["status"] == "timed"
    assert rows["coarse"]["error"] > 1e-10


def test_nothing_is_timed_if_pysig_and_the_reference_differ(contest):
    rows = contest(reference=lambda path: 1.001 * _sum_of_squares(path), honest=_sum_of_squares)
    assert {row["status"] for row in rows.values()} == {"wrong"}
    assert "differs from the reference by 1.0e-03" in rows["honest"]["reason"]


def test_a_broken_reference_is_a_failure_and_a_missing_one_is_reported(contest):
    def broken(path):
        raise ValueError("a broken reference")

    rows = contest(reference=broken)
    assert rows["pysig"]["status"] == "failed"
    assert "a broken reference" in rows["pysig"]["reason"]
    rows = contest(reference=None)
    assert rows["pysig"]["status"] == "timed"
    assert "not the reference" in rows["pysig"]["checked_by"]


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


def test_a_library_that_used_more_threads_than_it_was_given_has_no_time(contest):
    rows = contest(crowd=_sum_of_squares, honest=_sum_of_squares)
    assert rows["honest"]["status"] == "timed"
    assert rows["crowd"]["status"] == "failed"
    assert rows["crowd"]["reason"] == "ran on 2.0 cores, though limited to 1"


def test_a_library_without_the_dtype_gets_float64(monkeypatch, contest):
    rows = contest(dtype="float32", double=_sum_of_squares)
    assert rows["double"]["computes"] == "float32"
    for name in ("iisignature", "sig-rust"):
        assert PEERS[name].dtypes == ("float64",)


@pytest.fixture
def pair(monkeypatch, tmp_path):
    """A function that runs one comparison of an operation compared with another, in two threads."""

    def run(base, dtype="float32"):
        made = {"squares": base, "doubled": lambda path: 2 * _sum_of_squares(path)}
        for name, function in made.items():
            right = _sum_of_squares if name == "squares" else function
            calls = {
                "pysig": lambda m, t, function=function: lambda: function(t.path),
                "reference": lambda m, t, right=right: lambda: right(t.path),
            }
            against = "squares" if name == "doubled" else ""
            operation = Operation(name, "", calls, ("core",), against=against)
            monkeypatch.setitem(OPERATIONS, name, operation)
        for name in ("pysig", "reference"):
            monkeypatch.setitem(LIBRARIES, name, Library(name, "math", name, "", ""))
        pool = LocalPool(Settings(budget=0.01, shortest=1e-5, rounds=(3, 4)))
        runs = cpu._runs([OPERATIONS["doubled"]], [1, 2], [], False)
        return runs, Comparison(pool, CASE, dtype, runs, tmp_path, Ceilings()).run()

    return run


def test_an_operation_is_compared_with_another_in_the_same_rounds(pair):
    runs, rows = pair(_sum_of_squares)
    assert [(row["operation"], row["threads"]) for row in rows] == [("doubled", 1), ("doubled", 2)]
    for row in rows:
        own, other = (
            next(e for e in runs if (e.operation, e.threads) == (name, row["threads"]))
            for name in ("doubled", "squares")
        )
        assert row["status"] == other.outcome["status"] == "timed"
        assert len(own.seconds) == len(other.seconds) == row["rounds"]
        assert row["against"]["operation"] == "squares"
        ratio = min(own.clean_seconds) / min(other.clean_seconds)
        assert row["against"]["of_min"] == pytest.approx(ratio, rel=1e-5)
        assert row["against"]["min"] <= row["against"]["median"] <= row["against"]["q75"]
        assert "ratio" not in row  # pysig is not compared with itself


def _wrong_in(dtype):
    return lambda path: _sum_of_squares(path) * (1.01 if path.dtype == dtype else 1)


@pytest.mark.parametrize(
    ("dtype", "reason"), [("float32", "answer off by"), ("float64", "differs from the reference")]
)
def test_nothing_is_compared_with_a_wrong_answer(pair, dtype, reason):
    _, rows = pair(_wrong_in(dtype))
    for row in rows:
        assert row["status"] == "timed"
        assert set(row["against"]) == {"operation", "reason"}
        assert reason in row["against"]["reason"]
        assert f"not compared with squares ({row['against']['reason']})" in report.note(row)
