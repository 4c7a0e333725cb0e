"""The JSON API of the softphone."""

from flask import Blueprint

bp = Blueprint("softphone_api", __name__, url_prefix="/api/voip")
