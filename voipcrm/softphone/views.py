"""The lists in the dock."""

from flask import Blueprint

bp = Blueprint("softphone", __name__)
