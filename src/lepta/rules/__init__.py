"""The rule engine: facts in, effects and their explanation out.

Owns the campaign and programme documents, the versioned rulebook and its index, and the evaluation of a
basket. Everything here is pure and deterministic; it knows nothing of ledger, HTTP or SQL.
"""
