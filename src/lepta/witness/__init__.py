"""The log as others see it: its key, its signed checkpoints, and the hashes that proofs are made of."""
