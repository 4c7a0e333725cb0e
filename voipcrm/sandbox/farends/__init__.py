"""Simulated ends of the telephone network: numbers that answer, and callers that follow a script."""
