"""Lepta: checkout events in; bonus points, donations, a verifiable ledger and receipt text out."""
