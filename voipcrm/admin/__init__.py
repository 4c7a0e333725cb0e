"""Set-up and the state of the house: home page and health."""
