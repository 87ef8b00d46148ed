"""The law: every operation as plain loops, float64 or exact (object arrays of Fraction).

Slow and obviously right. Every other implementation is judged by it; it is judged by identities and
by exact values.
"""
