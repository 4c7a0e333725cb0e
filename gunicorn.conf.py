"""How the web process is served, by bin/run and by the Procfile alike.

Threads are the budget for slow clients: each slow one holds a thread, not a process. SQLite has one writer, so one
process is enough; PostgreSQL takes two.
"""

import gc
import os
from typing import Any

from sqlalchemy.orm import configure_mappers

_on_sqlite = os.environ.get("DATABASE_URL", "sqlite").startswith("sqlite")

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1" if _on_sqlite else "2"))
threads = int(os.environ.get("WEB_THREADS", "32"))
graceful_timeout = 25
keepalive = 30
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat must not wait for a disk
control_socket_disable = True  # two houses of one user would share its path


def post_worker_init(_worker: Any) -> None:
    """What the app is made of, some 200,000 objects, lives as long as the process. Left to itself Python looks through
    all of it for garbage every few hundred pages, and every request of the process stands still for 150 ms."""
    configure_mappers()  # else it happens at the first request
    gc.collect()
    gc.freeze()
