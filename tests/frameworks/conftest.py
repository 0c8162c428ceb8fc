"""The guides' tests carry the plugin's mark, also where the project was installed before it had one."""

import pytest

from harness import pytest_plugin


def pytest_configure(config: pytest.Config) -> None:
    pytest_plugin.pytest_configure(config)
