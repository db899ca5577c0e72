"""Days of lots: whose points become available or end with a day that has begun, and telling the ledger so. A day is
told once it has begun in all stores of a programme, never before.
"""
