"""How tills reach Lepta: parse, submit, shape. No rules, no SQL."""
