"""Who works here and what they may do: people, roles, the permission vocabulary, sign-in, presence."""
