"""TwiML: documents fetched and read, and the program that a call runs, one module per family of verbs."""
