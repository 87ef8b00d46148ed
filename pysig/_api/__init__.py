"""The public functions: docstring, checks, plan, allocation, call. One file per family."""
