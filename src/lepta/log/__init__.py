"""The verifiable log: an RFC 6962 Merkle tree in C2SP's open formats.

Owns leaf and node hashes, the growing tree's frontier, proofs, tiles, signed notes, checkpoints and
offline receipts. Pure: no SQL, no HTTP, no clock, no files. What a module here accepts, any other
implementation of these specifications accepts as well; what it refuses raises a `LogError`.
"""
