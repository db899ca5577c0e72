"""Personalised receipt text: what was decided, in the shopper's language, fitted to the printer.

Pure. Composed anew at each reading from the decision and today's member record, so that after an erasure
the same receipt is anonymous.
"""
