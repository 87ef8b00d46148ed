"""Interoperability with frameworks, one file for each. pysig itself does not import them."""
