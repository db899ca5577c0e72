"""The processing centre: the signed log, its tiles and its proofs."""
