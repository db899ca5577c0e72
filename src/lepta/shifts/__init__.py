"""Shifts of tills: what a till has counted at its end, compared with what is recorded, and kept."""
