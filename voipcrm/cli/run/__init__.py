"""bin/run: the whole house on one machine, started, watched and stopped together.

`environment` says what each process reads, `folder` who owns the data folder, `child` is one process, `house` knows
which processes there are and in what order they start, `supervisor` keeps them alive until somebody says stop.
"""
