"""The bench as a program: worker processes and command lines. No time is tested."""

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest

# At the end of the path: an installed pysig goes before the one of the source tree.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from bench import cpu, results
from bench.__main__ import main as bench_main
from bench.operations import OPERATIONS
from bench.worker import scratch_memory
from bench.worker_pool import Settings, WorkerError, WorkerPool

# Processes.


def _interpreter(folder, script):
    file = folder / "python"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.skipif(sys.platform == "win32", reason="the fake interpreter is a shell script")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo boom >&2; exit 3", "ended with status 3: boom"),
        ("kill -9 $$", "was ended by signal 9"),
        ("exec sleep 30", "stopped after 0.3 s"),
    ],
)
def test_a_process_that_dies_or_hangs_is_named_once(tmp_path, script, reason):
    settings = Settings(timeout=0.3, pythons={"signax": _interpreter(tmp_path, script)})
    with WorkerPool(settings) as pool:
        for _ in range(2):
            with pytest.raises(WorkerError, match=reason) as caught:
                pool.get("signax", 1)
            assert caught.value.kind == "absent"
            assert "pip install signax" in caught.value.reason
        assert not pool.workers


def test_the_whole_command_on_one_tiny_case(tmp_path, capfd):
    if importlib.util.find_spec("signatory"):
        pytest.skip("signatory is installed here, so its absence cannot be shown")
    file = tmp_path / "result.json"
    arguments = ["--quick", "--case", "tiny", "--operation", "signature", "--dtype", "float64"]
    arguments += ["--budget", "0.05", "--vs", "signatory", "--save", str(file)]
    status = bench_main(["cpu", *arguments])
    shown = capfd.readouterr().out
    stored = results.load(file)
    rows = {row["library"]: row for row in stored["rows"]}
    assert status == 0, shown
    assert rows["pysig"]["status"] == "timed"
    assert rows["pysig"]["checked_by"] == "the reference and pysig in float64"
    assert rows["pysig"]["error"] < 1e-13
    assert rows["signatory"]["status"] == "skipped"
    assert "No module named 'signatory'" in rows["signatory"]["reason"]
    assert "signatory: not usable in this Python" in shown
    assert str(tmp_path) not in file.read_text()
    # A second run keeps the rows of the first and refreshes its own.
    alone = [word for word in arguments if word not in ("--vs", "signatory")]
    assert bench_main(alone) == 0
    assert {row["library"] for row in results.load(file)["rows"]} == set(rows)


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
    assert bench_main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("cpu", "gpu", "list", "plot", "--vs", "multiply-add"))
    assert bench_main(["list"]) == 0
    assert "128x100x5-N4" in capsys.readouterr().out
    assert bench_main(["cqu"]) == 2
    assert bench_main(["--vs", "nobody"]) == 2
    assert bench_main(["--python", "nobody=/bin/sh"]) == 2
    assert bench_main(["--python", "signax=/not/there"]) == 2
    assert bench_main(["--case", "nope"]) == 2
    assert bench_main(["--operation", "nope"]) == 2
    assert bench_main(["--threads", "0"]) == 2
    said = capsys.readouterr().err
    assert "expected one of the peers, received 'nobody'; peers: pysiglib" in said
    assert "no case or group is called 'nope'" in said


def test_gpu_arguments_go_to_the_gpu_bench(monkeypatch):
    seen = []
    module = types.ModuleType("bench.gpu")
    module.main = lambda argv: seen.append(argv) or 5
    monkeypatch.setitem(sys.modules, "bench.gpu", module)
    assert bench_main(["gpu", "--quick"]) == 5
    assert seen == [["--quick"]]


def _planned(*arguments):
    return [
        (case.name, [operation.name for operation in operations])
        for case, operations in cpu.plan(cpu.parser().parse_args(arguments))
    ]


def test_tables_are_built_at_each_call():
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
    comparisons = _planned("--case", "128x100x5-N4")
    assert comparisons[0] == ("128x100x5-N4", ["signature", "signature-tile", "signature-cumsum"])
    assert all("signature-sweep" not in names for _, names in comparisons)
    assert _planned("--case", "20x2-N3") == [("20x2-N3", ["signature"])]
    free = _planned("--case", "20x2-N3", "--operation", "signature_vjp")
    assert free == [("20x2-N3", ["signature_vjp"])]
    assert _planned("--quick", "--operation", "tables-hall") == [("2x2-N15", ["tables-hall"])]
    assert all("tables-hall" not in names for _, names in _planned("--quick"))
    goal = _planned("--operation", "projection-*", "--dtype", "float64")
    assert len(goal) == 9  # three shares on three cases
    everything = {name for _, names in _planned() for name in names}
    assert everything == set(OPERATIONS)
