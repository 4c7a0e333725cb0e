"""How the web process is served, by bin/run and by the Procfile alike.

Threads are the budget for slow clients: each slow one holds a thread, not a process. SQLite has one writer, so one
process is enough; PostgreSQL takes two.
"""

import os

_on_sqlite = os.environ.get("DATABASE_URL", "sqlite").startswith("sqlite")

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1" if _on_sqlite else "2"))
threads = int(os.environ.get("WEB_THREADS", "32"))
graceful_timeout = 25
keepalive = 30
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat must not wait for a disk
control_socket_disable = True  # two houses of one user would share its path
