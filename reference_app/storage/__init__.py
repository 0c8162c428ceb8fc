"""Where the app keeps what you uploaded. Adding a strategy is a file here and a line in the table.

Each module has ``open_storage(settings) -> Storage``; it is imported only when chosen.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_app.settings import Settings
    from reference_app.storage.base import Storage

STRATEGIES = {
    "local": "reference_app.storage.local",
    "shared": "reference_app.storage.shared",
    "s3": "reference_app.storage.s3",
    "instance-sync": "reference_app.storage.sync",
}


def open_storage(settings: Settings) -> Storage:
    """The chosen storage, checked.

    Raises:
        StoreDown: it does not answer.
    """
    storage: Storage = importlib.import_module(STRATEGIES[settings.storage_strategy]).open_storage(settings)
    storage.check()
    return storage
