"""`bin/bench` measures all; `bin/bench webhooks|lists|imports|stalls|weight|sandbox` one of them.

Exit 1 when a goal is missed."""

import sys

from bench import imports, lists, sandbox_load, stalls, webhooks, weight

PARTS = {
    "weight": weight.main,
    "webhooks": lambda: all([webhooks.main("sqlite"), webhooks.main("postgresql")]),
    "lists": lambda: all([lists.main("sqlite"), lists.main("postgresql")]),
    "imports": lambda: all([imports.main("sqlite"), imports.main("postgresql")]),
    "stalls": lambda: all([stalls.main("sqlite"), stalls.main("postgresql")]),
    "sandbox": sandbox_load.main,
}

wanted = sys.argv[1:] or list(PARTS)
if unknown := set(wanted) - set(PARTS):
    raise SystemExit(f"There is no measurement {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}.")
results = [PARTS[name]() for name in wanted]
raise SystemExit(0 if all(results) else 1)
