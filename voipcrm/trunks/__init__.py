"""How we are reached from and reach the phone network: the numbers we own (lines)."""
