"""The tensor algebra: public functions on rows of coefficients."""
