"""What gunicorn runs: ``gunicorn reference_app.wsgi:app``."""

import sys

from reference_app.app import create_app
from reference_app.errors import ConfigError, StoreDown

APP_LOAD_ERROR = 4
"""The exit code by which a worker tells gunicorn to give up instead of trying again."""

try:
    app = create_app()
except (ConfigError, StoreDown) as error:
    print(f"reference_app: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
    sys.exit(APP_LOAD_ERROR)
