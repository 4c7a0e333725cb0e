"""The people and companies of a first try: everything in it is invented, every number is kept for fiction."""
