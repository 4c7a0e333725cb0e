"""`bin/bench` measures all; `bin/bench webhooks|weight|sandbox` one of them. Exit 1 when a goal is missed."""

import sys

from bench import sandbox_load, stalls, webhooks, weight

PARTS = {
    "weight": weight.main,
    "webhooks": lambda: all([webhooks.main("sqlite"), webhooks.main("postgresql")]),
    "stalls": lambda: all([stalls.main("sqlite"), stalls.main("postgresql")]),
    "sandbox": sandbox_load.main,
}

wanted = sys.argv[1:] or list(PARTS)
if unknown := set(wanted) - set(PARTS):
    raise SystemExit(f"There is no measurement {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}.")
results = [PARTS[name]() for name in wanted]
raise SystemExit(0 if all(results) else 1)
