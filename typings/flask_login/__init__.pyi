# What we use of Flask-Login. In a view behind a gate the current user is one of ours, which the library cannot know.
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask

from voipcrm.accounts.models import User

_Loader = TypeVar("_Loader", bound=Callable[[str], User | None])
current_user: User

class UserMixin:
    @property
    def is_authenticated(self) -> bool: ...
    @property
    def is_anonymous(self) -> bool: ...
    @property
    def is_active(self) -> bool: ...
    def get_id(self) -> str: ...

class LoginManager:
    def init_app(self, app: Flask, add_context_processor: bool = True) -> None: ...
    def user_loader(self, callback: _Loader) -> _Loader: ...

def login_user(
    user: Any, remember: bool = False, duration: timedelta | None = None, force: bool = False, fresh: bool = True
) -> bool: ...
def logout_user() -> bool: ...
