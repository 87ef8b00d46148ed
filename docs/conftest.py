"""The pages of this folder are doctests; its scripts are not. tests/interop runs frameworks.md."""

from importlib.util import find_spec

collect_ignore_glob = ["embedding/*/*.py"]
collect_ignore = ["conf.py", "generate.py", "figure_style.py", "_extensions", "figures"]
collect_ignore += ["reference", "reference.md", "frameworks.md"]
NEEDS = {
    "dask.md": ["dask"],
    "xarray.md": ["xarray", "dask"],
    "tables.md": ["pandas", "polars"],
    "scikit_learn.md": ["sklearn", "pandas"],
    "tutorial.md": ["sklearn"],
}
collect_ignore += [page for page, needed in NEEDS.items() if not all(map(find_spec, needed))]
