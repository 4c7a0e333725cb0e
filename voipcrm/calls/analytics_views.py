"""/analytics: how many calls, how many answered, how long callers waited; every number leads to its calls."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import charts, history
from voipcrm.calls.analytics import Figures, Report, Shares, asked_of, report, shares
from voipcrm.calls.narrowing import SCOPES, WEEKDAYS
from voipcrm.calls.periods import PRESETS, USUAL, Period, preset, problem_of
from voipcrm.contacts.exporting import safe
from voipcrm.core import asking, clock
from voipcrm.core.gates import requires
from voipcrm.core.pages import render, viewer_zone

bp = Blueprint("analytics", __name__, url_prefix="/analytics")
TABLES = ("days", "hours", "lines", "people")  # the first two of `times`, the others of `whose`
WORKING_HOURS = range(8, 18)  # always shown; others once there were calls
LEVELS = 4  # shades of the busiest hours


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. name: of the preset, empty for days of one's own."""

    period: Period
    name: str
    line: int | None
    scope: str | None
    problem: str | None

    @property
    def args(self) -> dict[str, Any]:
        """For links that keep line and scope."""
        return {"line": self.line, "scope": self.scope}

    @property
    def days(self) -> dict[str, Any]:
        """For links to another part of the same report."""
        return {"since": self.period.since, "until": self.period.until, **self.args}

    @property
    def filters(self) -> history.Filters:
        """The calls of this report."""
        return asked_of(self.period, line=self.line, scope=self.scope)

    def rows(self, **more: Any) -> str:
        """Address of exactly the calls that a number of this report counts."""
        return url_for("calls.index", **{**self.days, "outside": "yes", **more})


@bp.context_processor
def _words() -> dict[str, Any]:
    return {"change": change, "waiting": waiting}


@bp.get("")
@requires(Can.VIEW_CALLS)
def index() -> Any:
    """When there were calls; 422 with the usual days for days that cannot be reported on."""
    asked = _asked()
    found = report(current_user, asked.period, asked.filters)
    page = render(
        "analytics/index.html",
        asked=asked,
        report=found,
        charts={"wide": charts.of_days(found.days), "narrow": charts.of_days(found.days, charts.NARROW)},
        tables=times(found),
        levels=_levels(found.busy),
        hours_shown=sorted({*WORKING_HOURS, *(hour for _, hour in found.busy)}),
        weekdays=WEEKDAYS,
        presets={name: words for name, (words, _) in PRESETS.items()},
        choices=history.choices(current_user, history.Filters()),
        scopes=_scopes(),
    )
    return (page, 422) if asked.problem else page


@bp.get("/shares")
@requires(Can.VIEW_CALLS)
def by_whose() -> Any:
    """Whose calls they were, line by line and person by person; a part of the report, which stands before it is there.
    422 for days that cannot be reported on."""
    asked = _asked()
    if asked.problem:
        abort(422)
    found = whose(shares(current_user, asked.filters), history.choices(current_user, history.Filters()))
    return render("analytics/shares.html", "analytics/_shares.html", asked=asked, tables=found)


@bp.get("/<table>.csv")
@requires(Can.VIEW_CALLS)
def download(table: str) -> Any:
    """One of the tables, with the numbers as numbers: seconds where the page shows minutes."""
    asked = _asked()
    if asked.problem:
        abort(422)
    if table in TABLES[:2]:
        found = times(report(current_user, asked.period, asked.filters))
    else:
        found = whose(shares(current_user, asked.filters), history.choices(current_user, history.Filters()))
    if table not in found:
        abort(404)
    one = found[table]
    text = io.StringIO()
    text.write("\ufeff")  # the mark makes Excel read UTF-8
    writer = csv.writer(text)
    counted = [(words, attribute) for words, attribute, _ in one.columns]
    writer.writerow([one.heading, *(words for words, _ in counted), "Waiting, seconds on average", "Talking, seconds"])
    for row in one.rows:
        numbers = [getattr(row.figures, column) for _, column in counted]
        writer.writerow([safe(row.name), *numbers, row.figures.average_wait, row.figures.talk_seconds])
    days = f"{asked.period.since}-to-{asked.period.until}"
    head = {"Content-Disposition": f"attachment; filename=calls-by-{one.heading.lower()}-{days}.csv"}
    return Response(text.getvalue(), mimetype="text/csv", headers=head)


# Words, attribute of Figures, and what narrows the history to these calls.
COLUMNS = (
    ("Incoming", "incoming", {"direction": "inbound"}),
    ("Answered", "answered", {"direction": "inbound", "outcome": "answered"}),
    ("Nobody answered", "missed", {"direction": "inbound", "outcome": "missed"}),
    ("Caller hung up", "abandoned", {"direction": "inbound", "outcome": "abandoned"}),
    ("Voicemail", "voicemail", {"direction": "inbound", "outcome": "voicemail"}),
    ("Outgoing", "outgoing", {"direction": "outbound"}),
)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    figures: Figures
    args: dict[str, Any]  # what narrows the history to its calls


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heading: str  # of its first column
    rows: list[Row]
    columns: tuple[tuple[str, str, dict[str, str]], ...] = COLUMNS


def times(found: Report) -> dict[str, Table]:
    """By day and by hour."""
    days = [Row(day_words(day), figures, {"since": day, "until": day}) for day, figures in found.days.items()]
    hours = [Row(f"{hour}:00", figures, {"hour": hour}) for hour, figures in found.hours.items()]
    return {"days": Table("By day", "Day", days), "hours": Table("By hour", "Hour", hours)}


def whose(found: Shares, choices: dict[str, list[tuple[int, str]]]) -> dict[str, Table]:
    """By line and, for who may see those of others, by person."""
    both = {}
    if choices["person"]:
        people = [
            Row(name, found.people[row_id], {"person": row_id})
            for row_id, name in choices["person"]
            if row_id in found.people
        ]
        both["people"] = Table("By person", "Person", people, COLUMNS[1:])
    both["lines"] = Table("By line", "Line", list(_lines(found, choices["line"])))
    return both


def _lines(found: Shares, known: list[tuple[int, str]]) -> Iterator[Row]:
    for row_id, label in known:
        if row_id in found.lines:
            yield Row(label, found.lines[row_id], {"line": row_id})
    if None in found.lines:
        yield Row("No line of ours", found.lines[None], {"line": None, "no_line": "yes"})


def _asked() -> Asked:
    zone = viewer_zone()
    today = clock.now().astimezone(zone).date()
    since, until = (request.args.get(name, type=asking.day) for name in ("since", "until"))
    name = request.args.get("period", "")
    problem = None
    if since and until:
        problem, name = problem_of(since, until), ""
    elif request.args.get("since") or request.args.get("until"):
        problem = "Choose the first and the last day."
    if problem or not (since and until):
        name = name if name in PRESETS else USUAL
        period = preset(name, today=today, zone=zone)
    else:
        period = Period(since, until, zone)
    scope = request.args.get("scope")
    return Asked(
        period=period,
        name=name,
        line=request.args.get("line", type=asking.row_id),
        scope=scope if scope in _scopes() else None,
        problem=problem,
    )


def _scopes() -> dict[str, str]:
    """What this person may narrow to: name and words; nothing for those who see only their own."""
    if current_user.may(Can.VIEW_ALL_CALLS):
        return SCOPES if current_user.team_id is not None else {"own": SCOPES["own"]}
    return {"own": SCOPES["own"]} if current_user.may(Can.VIEW_TEAM_CALLS) and current_user.team_id else {}


def _levels(busy: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """0 to LEVELS, by (weekday, hour)."""
    most = max(busy.values(), default=0)
    return {at: -(-count * LEVELS // most) for at, count in busy.items()}


def day_words(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def waiting(seconds: int | None) -> str:
    """'14 s', '2:05', or a dash where nobody waited."""
    if seconds is None:
        return "–"
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60}:{seconds % 60:02}"


def change(now: int, before: int) -> str:
    """'12% more', 'half as many' in words that need no arrow."""
    if before == now:
        return "as many"
    if not before:
        return f"{now} more"
    return f"{abs(now - before) / before:.0%} {'more' if now > before else 'fewer'}"
