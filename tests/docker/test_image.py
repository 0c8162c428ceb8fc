"""The images: small, of a user without rights, with a health check, and without what builds things."""

import re
import tomllib

import pytest

from harness.runtimes.docker import image

MEGABYTE = 10**6
BUILDERS = ("pip", "pip3", "gcc", "cc", "make")


@pytest.fixture(params=image.TARGETS)
def built(request, client):
    return client.images.get(image.image(client, request.param))


def test_what_is_installed_are_packages_of_the_project():
    project = tomllib.loads((image.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\[<>=; ]", line)[0] for line in project["dependencies"]}
    wanted = {line.split()[0] for line in image._lines(image.ROOT / "docker/requirements.txt")}
    assert wanted - names == {"async-timeout"}


def test_it_is_small(built):
    assert built.attrs["Size"] < 400 * MEGABYTE


def test_nobody_in_it_is_root(built):
    assert built.attrs["Config"]["User"] == "app"


def test_what_builds_things_is_not_in_it(built, client):
    look = "; ".join(f"command -v {name} || true" for name in BUILDERS)
    look += '; python3 -c "import pip" 2>/dev/null && echo pip || true; ls -d /wheels 2>/dev/null || true'
    assert client.containers.run(built.tags[0], ["sh", "-c", look], remove=True, network_mode="none") == b""


def test_an_instance_has_a_health_check(client):
    check = client.images.get(image.image(client, "instance")).attrs["Config"]["Healthcheck"]
    assert "/health" in check["Test"][-1]


def test_the_tag_says_what_is_in_it(client, monkeypatch):
    before = image.image(client, "instance")
    assert image.image(client, "instance") == before
    monkeypatch.setattr(image, "_files", lambda: [image.ROOT / "README.md"])
    assert image._sum() != before.rpartition(":")[2]
