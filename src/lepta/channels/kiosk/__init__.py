"""The kiosk: balances, history, standings and funds."""
