"""The pages of this folder are doctests; its scripts are not. tests/interop runs frameworks.md."""

collect_ignore_glob = ["embedding/*/*.py"]
collect_ignore = ["conf.py", "generate.py", "figures", "reference.md", "api", "frameworks.md"]
