"""Messages that callers left: whose inbox each is in, who has heard it, and whether it is done."""
