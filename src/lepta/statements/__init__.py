"""What the ledger says of a card, a fund or a campaign: read-only, one question a file."""
