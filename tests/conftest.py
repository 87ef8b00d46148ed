"""Fixtures that several test files share."""

from types import SimpleNamespace

import pytest

import pysig.cli


@pytest.fixture
def command(capfdbinary, tmp_path, monkeypatch):
    """Run the command `pysig` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capfdbinary.readouterr()
        try:
            status = pysig.cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(status=status, out=out.decode(), err=err.decode())

    return run
