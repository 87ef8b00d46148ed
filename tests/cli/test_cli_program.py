"""`pysig` as a program: pipes, signals, and the page of the documentation that shows it."""

import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def subcommand(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "pysig", *map(str, arguments)],
        capture_output=True,
        text=True,
        **options,
    )


def test_as_a_program_between_pipes(tmp_path):
    result = subcommand(
        "signature", "-", "-q", "--depth", 1, input="id,x\na,1\na,3\n", cwd=tmp_path
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "id,S(x)\na,2.0\n", "")
    result = subcommand("signature", "-", "--depth", 1, input="id,x\na,one\n", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "pysig: error: standard input, line 2, column 'x': 'one' is not"
    )
    assert result.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_in_the_middle_nothing_is_left(tmp_path, number, status):
    program = [sys.executable, "-m", "pysig", "signature", "-", "--depth", "1", "-o", "out.csv"]
    with subprocess.Popen(
        program, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(b"id,x\na,1\n")
        process.stdin.flush()
        until = time.monotonic() + 60
        while not os.listdir(tmp_path) and time.monotonic() < until:
            time.sleep(0.02)
        (part,) = os.listdir(tmp_path)
        assert part.endswith(".part")
        process.send_signal(number)
        process.wait(60)
        assert process.returncode == status
        assert b"Traceback" not in process.stderr.read()
        process.stdin.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="the pipe of a shell is POSIX")
def test_the_reader_of_the_output_may_leave(tmp_path):
    program = f"{shlex.quote(sys.executable)} -m pysig signature"
    line = f"{program} @japanese_vowels -q --depth 2 | head -c 10"
    result = subprocess.run(line, shell=True, capture_output=True, text=True, cwd=tmp_path)
    assert (result.stdout, result.stderr) == ("id,S(c1),S", "")


def page_blocks(page):
    """Files by name, and (command, output) of the console blocks, in order."""
    files = dict(
        re.findall(r"^```\{code-block\} text\n:caption: (\S+)\n(.*?)^```", page, re.M | re.S)
    )
    examples = []
    for block in re.findall(r"^```console\n(.*?)^```", page, re.M | re.S):
        for example in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, expected = example.partition("\n")
            examples.append((line, expected))
    return files, examples


@pytest.mark.skipif(os.name != "posix", reason="the page shows commands of a POSIX shell")
def test_the_page_on_the_command_is_true(tmp_path):
    files, examples = page_blocks((ROOT / "docs" / "command_line.md").read_text(encoding="utf-8"))
    assert len(files) >= 4
    assert len(examples) >= 12
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "bin").mkdir()
    for name, rest in (("python", ""), ("pysig", "-m pysig ")):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {rest}"$@"\n')
        program.chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    arrow = importlib.util.find_spec("pyarrow") is not None
    for line, expected in examples:
        if "parquet" in line and not arrow:
            continue
        result = subprocess.run(
            line,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
        )
        shown = result.stdout
        if expected.startswith("pysig: "):  # the page shows the line on the input once
            shown = result.stderr + shown
        assert shown == expected, line
        assert result.returncode == (2 if "error:" in expected else 0), line
