"""The reference implementation: plain loops in float64 or exact (object arrays of Fraction).

Slow and simple. Tests compare every other implementation with it, and compare it with identities
and exact values.
"""
