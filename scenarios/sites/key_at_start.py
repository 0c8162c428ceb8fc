"""``app.secret_key = os.urandom(24)``, as tutorials have it: whoever imports this has a key of its own."""

import os
import secrets

os.environ["SECRET_KEY"] = secrets.token_hex(32)

from reference_app.wsgi import app

__all__ = ["app"]
