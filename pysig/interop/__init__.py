"""Interoperability with other frameworks, one file each. pysig itself imports none of them."""
