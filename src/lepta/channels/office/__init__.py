"""The office: parties, stores, products, members, programmes, campaigns and keys."""
