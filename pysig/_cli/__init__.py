"""The commands behind `pysig.cli`, built on public names."""
