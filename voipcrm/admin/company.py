"""/settings/company: name and look, where we are, and the guard on dialling."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.admin.colours import brand
from voipcrm.admin.company_forms import SECTIONS, CompanyForm, LookForm
from voipcrm.core.db import db
from voipcrm.core.gates import requires
from voipcrm.core.house import HouseLogo, HouseSettings, house
from voipcrm.core.pages import render
from voipcrm.telephony.numbers import countries

bp = Blueprint("company", __name__, url_prefix="/settings/company")


@bp.get("")
@requires(Can.MANAGE)
def show() -> Any:
    return _page()


@bp.post("/<section>")
@requires(Can.MANAGE)
def save(section: str) -> Any:
    form = _part(section).sent()
    if not form.validate_on_submit():
        return _page(section, form), 422
    _change(form.chosen(), logo=form.png if isinstance(form, LookForm) else None)
    flash("Saved.", "good")
    if house.default_country not in house.countries_allowed:
        flash(f"{countries()[house.default_country]} is not among the countries that may be called.", "warn")
    return redirect(url_for("company.show"), code=303)


@bp.post("/<section>/default")
@requires(Can.MANAGE)
def take_back(section: str) -> Any:
    """What was decided here is as the environment has it again."""
    _change(dict.fromkeys(_part(section).COLUMNS))
    flash("As it was set up.", "good")
    return redirect(url_for("company.show"), code=303)


@bp.post("/logo/remove")
@requires(Can.MANAGE)
def remove_logo() -> Any:
    _change({"logo_digest": None})
    flash("The logo is removed.", "good")
    return redirect(url_for("company.show"), code=303)


def _part(section: str) -> type[CompanyForm]:
    if section not in SECTIONS:
        abort(404)
    return SECTIONS[section]


def _change(chosen: dict[str, Any], *, logo: bytes | None = None) -> None:
    """Write, note and commit it. logo: the picture whose digest is among what was chosen."""
    row = HouseSettings.to_change()
    before = {name: getattr(row, name) for name in chosen}
    for name, value in chosen.items():
        setattr(row, name, value)
    if "logo_digest" in chosen:
        db.session.execute(sa.delete(HouseLogo))
        if logo is not None:
            db.session.add(HouseLogo(digest=chosen["logo_digest"], png=logo))
    if before != chosen:
        note("changed", row, by=current_user, before=before, after=chosen)
    db.session.commit()
    house.forget()


def _page(section: str = "", form: CompanyForm | None = None) -> Any:
    forms = {name: form if form and name == section else kind.unsent() for name, kind in SECTIONS.items()}
    return render("company/show.html", forms=forms, brand=brand(house.brand_colour))
