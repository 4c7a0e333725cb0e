"""What to do with an incoming call: inbound routes and the decision they give."""
