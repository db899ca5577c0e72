"""API keys: who may ask Lepta for what. Only hashes of secrets are kept."""
