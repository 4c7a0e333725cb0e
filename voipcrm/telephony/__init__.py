"""What a phone network is: numbers, signatures, TwiML, webhook facts, and the provider's REST interface.

Knows nothing of Flask, the database or our users' rights; everything here can be used from a plain script.
"""
