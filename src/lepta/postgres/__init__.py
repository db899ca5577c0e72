"""The embedded PostgreSQL server: where its binaries come from, start, stop, share, recover.

It owns `<data_dir>/postgres` (the cluster) and the files beside it that say who runs it. What always holds:
one process owns the server of a data directory; the server never outlives its owner (Linux); it listens on
a unix socket that only the server's own account reaches; commits are durable. Entry points: `embedded`.
"""
