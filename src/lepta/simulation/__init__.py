"""Back-tests: what a campaign that is not published would have given on the receipts of past days.

Receipts are decided again by the engine that decided them, from the facts stored with each, as if the drafts had
been published just before the first of them. Everything else stays as it was: what came before, who paid with how
many points, and what shoppers answered. Nothing is written.
"""
