"""How people and machines reach Lepta: parse, submit, shape. No rules, no SQL.

One package a sort of user: tills, kiosks, processing centres, the office, and operations.
"""
