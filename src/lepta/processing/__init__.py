"""The path of an event: queue, batch, decide, append, commit, answer.

Everything that changes a balance takes this one path. Deciding is pure; only `store` and `writer` talk to
the database, and an answer leaves only after COMMIT has returned.
"""
