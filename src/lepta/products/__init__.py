"""The catalogue: what the office says of a product beyond what tills send."""
