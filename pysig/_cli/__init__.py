"""P6. The commands behind `pysig.cli`, built on public names."""
