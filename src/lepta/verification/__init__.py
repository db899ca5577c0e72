"""Verification: the log recomputed from its leaves, the tables from the log, and every decision once more.

Owns nothing and writes nothing. Whatever bytes the tables hold, the result is a list of faults that name
their places, never an exception: a ledger that has been tampered with is what this package is for.
"""
