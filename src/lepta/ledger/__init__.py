"""The double-entry ledger: chart of accounts, entries, lots, and the working copy that decides on them.

An entry is one row with one debit account, one credit account, one asset and a positive integer amount,
so an unbalanced one cannot be written. This package knows nothing of loyalty rules.
"""
