"""Measurements. One command, `bin/bench`, prints ratios against a bare view in the same server and run."""
