"""Parties and stores: who takes part, and where sales happen."""
