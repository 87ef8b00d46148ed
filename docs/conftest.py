"""The pages of this folder are doctests; its scripts are not. tests/interop runs frameworks.md."""

from importlib.util import find_spec

collect_ignore_glob = ["embedding/*/*.py"]
collect_ignore = ["conf.py", "generate.py", "figures", "reference.md", "api", "frameworks.md"]
if find_spec("dask") is None:
    collect_ignore.append("dask.md")
