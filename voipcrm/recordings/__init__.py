"""What to keep of a call: recordings, copied from the provider to our own storage, and how they are heard again."""
