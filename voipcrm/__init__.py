"""voipcrm: a self-hosted phone system inside a CRM. This file is the table of contents."""

from __future__ import annotations

from flask import Blueprint, Flask

from voipcrm.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The app with all its rooms. Raises SettingsInvalid, naming the setting, when the environment is not complete."""
    from voipcrm import cli
    from voipcrm.accounts import signing_in
    from voipcrm.calls import cells
    from voipcrm.contacts import phone_links
    from voipcrm.core import components, db, errors, gates, house, logs, pages, queue, security, static, storage
    from voipcrm.core.hooks import App, Sessions

    settings = settings or Settings.from_environ()
    logs.configure(settings.log_level)
    app = App(__name__)
    app.session_interface = Sessions()
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would turn a provider's POST into a GET and lose its fields
    for part in (db, house, gates, errors, pages, static, components, phone_links, cells):
        part.init_app(app)
    for part in (security, signing_in, storage):
        part.init_app(app, settings)
    queue.init_app(app, settings.redis_url)
    for room in _rooms():
        app.register_blueprint(room)
    cli.init_app(app)
    return app


def _rooms() -> tuple[Blueprint, ...]:
    """The pages and interfaces of every room."""
    from voipcrm.accounts.my_account import bp as my_account
    from voipcrm.accounts.passwords import bp as passwords
    from voipcrm.accounts.views import bp as accounts
    from voipcrm.admin.audit_log import bp as audit_log
    from voipcrm.admin.branding import bp as branding
    from voipcrm.admin.company import bp as company
    from voipcrm.admin.dispositions import bp as dispositions
    from voipcrm.admin.health import bp as health
    from voipcrm.admin.home import bp as home
    from voipcrm.admin.numbers import bp as lines
    from voipcrm.admin.people import bp as people
    from voipcrm.admin.retention import bp as retention
    from voipcrm.admin.roles import bp as roles
    from voipcrm.admin.teams import bp as teams
    from voipcrm.admin.trunks import bp as trunks
    from voipcrm.calls.about_views import bp as about_call
    from voipcrm.calls.analytics_views import bp as analytics
    from voipcrm.calls.by_hand_views import bp as by_hand
    from voipcrm.calls.cost_views import bp as costs
    from voipcrm.calls.export_views import bp as call_exports
    from voipcrm.calls.link_views import bp as links
    from voipcrm.calls.missed_views import bp as missed
    from voipcrm.calls.views import bp as calls
    from voipcrm.contacts.distinct_views import bp as distinct
    from voipcrm.contacts.import_views import bp as imports
    from voipcrm.contacts.merge_views import bp as merging
    from voipcrm.contacts.note_views import bp as notes
    from voipcrm.contacts.organization_views import bp as organizations
    from voipcrm.contacts.tag_views import bp as tags
    from voipcrm.contacts.views import bp as contacts
    from voipcrm.recordings import bundle_views, keeping_views, views
    from voipcrm.routes.group_views import bp as ring_groups
    from voipcrm.routes.mailbox_views import bp as mailboxes
    from voipcrm.routes.views import bp as routes
    from voipcrm.softphone.api import bp as softphone_api
    from voipcrm.softphone.views import bp as softphone
    from voipcrm.softphone.wrap_up import bp as wrap_up
    from voipcrm.voicemail.views import bp as voicemail
    from voipcrm.webhooks.views import bp as webhooks

    own = (accounts, passwords, my_account, home, branding)
    recordings = (views.bp, keeping_views.bp, bundle_views.bp)
    calling = (calls, links, about_call, missed, call_exports, by_hand, costs, analytics, *recordings, voicemail)
    work = (contacts, organizations, notes, tags, merging, distinct, imports, *calling)
    set_up = (
        lines,
        trunks,
        routes,
        ring_groups,
        mailboxes,
        retention,
        people,
        roles,
        teams,
        dispositions,
        company,
        audit_log,
    )
    doors = (softphone, wrap_up, softphone_api, webhooks, health)
    return (*own, *work, *set_up, *doors)
