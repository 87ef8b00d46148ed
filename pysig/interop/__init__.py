"""Guests: pysig inside other frameworks, one file each; pysig itself imports none of them."""
