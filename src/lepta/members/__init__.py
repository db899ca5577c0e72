"""Members and their cards: the only place with personal data, so that it can be erased."""
