"""The pages of this folder are doctests; its scripts are not."""

collect_ignore = ["conf.py", "generate.py", "figures", "reference.md", "api"]
