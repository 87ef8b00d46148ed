"""`python -m bench gpu` on tiny cases: on the emulator its times mean nothing, but every line of
it runs."""

import json

import numpy as np
import pytest

bench_gpu = pytest.importorskip("bench.gpu", reason="bench/ is not beside the tests")


@pytest.fixture
def tiny(cupy, monkeypatch):
    from bench import cases

    case = cases.Case(3, 12, 2, 3)
    monkeypatch.setattr(cases, "select", lambda patterns: [case])
    monkeypatch.setattr(bench_gpu.gpu_card, "ROUNDS", 2)
    monkeypatch.setattr(bench_gpu.gpu_card, "SECONDS", 0.0)
    monkeypatch.setattr(
        bench_gpu.Card,
        "ceilings",
        lambda self: {"madds_float32": 1e12, "madds_float64": 1e12, "bytes": 1e12},
    )
    return case


def test_checks_times_prints_and_stores(tiny, tmp_path, capsys):
    target = tmp_path / "gpu.json"
    assert bench_gpu.main(["--output", str(target), "--methods", "auto", "cumsum", "--vs"]) == 0
    rows = json.loads(target.read_text())["rows"]
    ours = [row for row in rows if row["library"].startswith("pysig-") or row["library"] == "pysig"]
    assert len(ours) == 8
    assert {row["operation"] for row in ours} == {"signature", "signature_vjp"}
    assert all(row["status"] == "timed" and row["wall"]["call"] > 0 for row in ours)
    assert {row["library"] for row in rows} >= {
        "pysig",
        "pysig-cumsum",
        "keras_sig",
        "pysiglib",
        "pathsig",
    }
    printed = capsys.readouterr().out
    assert tiny.name in printed
    assert "of peak" in printed


@pytest.mark.parametrize("operation", ["signature", "signature_vjp"])
def test_a_wrong_answer_is_not_timed(tiny, tmp_path, monkeypatch, operation):
    import pysig

    right = getattr(pysig, operation)

    def wrong(path, *arguments, **options):
        result = right(path, *arguments, **options)
        return result if isinstance(result, np.ndarray) else result * 1.01

    monkeypatch.setattr(pysig, operation, wrong)
    target = tmp_path / "gpu.json"
    assert bench_gpu.main(["--output", str(target), "--dtypes", "float32"]) == 1
    rows = {row["operation"]: row["status"] for row in json.loads(target.read_text())["rows"]}
    other = ({"signature", "signature_vjp"} - {operation}).pop()
    assert rows == {operation: "wrong", other: "timed"}


def test_once_for_a_profiler(tiny, cupy, emulator):
    with emulator.recorded() as events:
        assert bench_gpu.main(["--once", tiny.name, "--operations", "signature_vjp"]) == 0
    assert "pysig_signature_vjp" in [event[1] for event in events]


def test_ceilings_are_measured(cupy, monkeypatch):
    card = bench_gpu.Card(cupy)
    monkeypatch.setattr(card, "processors", 1)
    monkeypatch.setattr(card, "rounds", lambda call: ([1e-3], 1))
    assert set(card.ceilings()) == {"madds_float32", "madds_float64", "bytes"}
    assert card.queued(lambda: None, 3) > 0


def test_without_a_card_it_says_so(monkeypatch, capsys):
    def nothing():
        raise bench_gpu.NoDevice("CuPy is not installed: pip install cupy-cuda13x")

    monkeypatch.setattr(bench_gpu, "device", nothing)
    assert bench_gpu.main([]) == 2
    assert "CuPy is not installed" in capsys.readouterr().err
