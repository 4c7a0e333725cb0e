"""The provider's requests: refused unless signed, stored as they came, then given to the rooms that understand them."""
