"""Headers that every answer carries, CSRF protection, whom we believe who is asking, and the size limits of what we
read."""

from flask import Flask, Response
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from voipcrm.config import Settings

csrf = CSRFProtect()
WEBHOOK_BYTES = 256 * 1024
FORM_BYTES = 2 * 1024 * 1024
PERMISSIONS = "microphone=(self), screen-wake-lock=(self), speaker-selection=(self), camera=(), geolocation=()"


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        SESSION_COOKIE_NAME="__Host-voipcrm" if settings.is_secure else "voipcrm",
        SESSION_COOKIE_SECURE=settings.is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=settings.session_hours * 3600,
        MAX_CONTENT_LENGTH=FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: an agent's page stays open all day
        WTF_CSRF_SSL_STRICT=settings.is_secure,
    )
    csrf.init_app(app)
    if settings.trusted_proxies:
        # Only who asks is taken from the proxy. Host and scheme are those of PUBLIC_BASE_URL, whatever a request says.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)
    policy = content_security_policy(settings)

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        if response.mimetype == "text/html":
            headers["Content-Security-Policy"] = policy
            headers["Permissions-Policy"] = PERMISSIONS
            headers["X-Frame-Options"] = "DENY"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers.setdefault("Cache-Control", "no-store")
        if settings.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response


def content_security_policy(settings: Settings) -> str:
    """Strict: no inline script or style, no eval. The Voice SDK needs its signalling hosts in connect-src."""
    signalling = (
        settings.signalling_url.removesuffix("/signal")
        if settings.is_sandbox
        else "wss://voice-js.roaming.twilio.com https://eventgw.twilio.com"
    )
    # A player is sent on to the bucket; nothing else of a page may go there.
    heard_from = f" {settings.s3_endpoint}" if settings.recordings_are_in_s3 else ""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            f"media-src 'self' mediastream: blob:{heard_from}",
            f"connect-src 'self' {signalling}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
