"""A local Twilio for development and tests: REST, signed webhooks, TwiML, the Voice SDK's signalling and real audio."""
