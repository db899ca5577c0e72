"""Programmes and campaigns: documents, their versions, and their way into the rulebook."""
