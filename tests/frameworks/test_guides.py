"""The guides, followed to the letter with the real frameworks: each failure is seen, each fix cures it."""

import contextlib
import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import anyapp
from harness.cluster import Clusters
from harness.errors import PartMissing
from harness.explore import difference
from harness.explore.routing import Routing
from harness.guess import guess
from harness.journey import load, play
from harness.services import nginx, redis
from harness.workshop import open_workshop

GUIDES = Path(__file__).parents[2] / "docs/guides"
BLOCK = re.compile(r"<!-- (file|fixed|add): (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
ALL = ("flask", "django", "fastapi", "streamlit", "gradio")


@pytest.fixture(autouse=True)
def parts():
    """Skip what cannot run here."""
    try:
        nginx.executable()
        redis.executable()
    except PartMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def follow(tmp_path):
    """The files of a guide; with ``fixed`` after its fix: a folder, the app and the journey."""

    def write(name, *, fixed):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed; pip install {name}")
        folder = tmp_path / ("fixed" if fixed else "broken")
        for kind, file, text in BLOCK.findall((GUIDES / f"{name}.md").read_text(encoding="utf-8")):
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "file" or (fixed and kind == "fixed"):
                path.write_text(text)
            elif fixed:
                path.write_text(path.read_text() + text)
        (journey,) = folder.glob("journey.*")
        return folder, anyapp.load(folder / "harness.toml")[0], load(journey)

    return write


@pytest.mark.parametrize("name", ["flask", "django", "fastapi"])
def test_the_failure_is_seen_and_the_fix_cures_it(name, follow):
    for fixed in (False, True):
        _, app, journey = follow(name, fixed=fixed)
        last_elsewhere = Routing(("A",) * (len(journey.requests) - 1) + ("B",))
        found = difference(app, journey, last_elsewhere)
        assert (found is None) == fixed, found
        if found:
            assert found in (GUIDES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "said"), [("streamlit", "Invalid session_id"), ("gradio", "ada|IncompleteRead|404")]
)
def test_the_failure_is_seen_and_stickiness_hides_it(name, said, follow):
    folder, _, journey = follow(name, fixed=False)
    module = _imported(folder / "test_sticky.py")
    (mark,) = module.test_a_user_stays.pytestmark
    with open_workshop() as workshop, contextlib.ExitStack() as stack:
        clusters = Clusters(workshop, stack)
        cluster = stack.enter_context(clusters.use(folder / "harness.toml", mark.kwargs))
        alone = play(journey, lambda _: cluster.address("A"))
        assert alone.failure is None
        last = len(alone.answers) - 1
        torn = play(journey, lambda number: cluster.address("B" if number == last else "A"))
        assert torn.failure is not None
        assert re.search(said, torn.failure)
        module.test_a_user_stays(cluster, SimpleNamespace(path=folder / "test_sticky.py"))


@pytest.mark.parametrize("name", ALL)
def test_the_guide_runs_the_app_as_init_guesses(name, follow):
    folder, app, _ = follow(name, fixed=False)
    if name == "django":
        (folder / "manage.py").touch()
    found = guess(folder)
    assert found is not None
    assert found.command == app.command
    assert found.health == app.health
    assert found.env.items() <= app.env.items()


def _imported(path):
    spec = importlib.util.spec_from_file_location(f"guide_{path.parent.parent.name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
