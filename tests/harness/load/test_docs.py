"""The page on load, followed to the letter."""

import json
import re
import shutil
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

import scenarios
from harness.errors import HarnessError
from harness.load import WRONG, driver, journey, thresholds
from harness.load.visit import Terms

PAGE = (Path(__file__).parents[3] / "docs/load.md").read_text(encoding="utf-8")


def block(name):
    found = re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"docs/load.md has no block {name!r}"
    return found[1]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Makes a package of scenarios of one's own in the working directory; its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def make(text):
        name = f"own_{tmp_path.name.replace('-', '_')}"
        folder = tmp_path / name
        folder.mkdir()
        for file in ("topologies.toml", "expectations.toml"):
            shutil.copy(Path(scenarios.__file__).with_name(file), folder)
        (folder / "__init__.py").write_text(f"from scenarios import SCENARIOS\n{text}", encoding="utf-8")
        return name

    return make


def test_the_journey_of_another_app(package, server, tmp_path):
    entries = []

    def guest_book(request):
        if request.method == "POST":
            entries.append(request.json["text"])
        return Response(
            json.dumps(entries[:1]), mimetype="application/json"
        )  # the first stays, the rest is lost

    server.answer = guest_book
    load = driver.Load(package(block("journey")), users=1, seconds=2)
    outcome = driver.run(load, Terms(think=0.01), server.url, tmp_path)
    failures = outcome.rows.set_index("request")["failure"]
    assert failures["read"].iloc[0] is None or failures["read"].isna().iloc[0]
    assert set(failures["read"].iloc[1:]) == {f"{WRONG}what I wrote is not there"}
    assert failures["write"].isna().all()


def test_a_mistake_in_a_journey_is_none_of_the_app(package, server, tmp_path):
    load = driver.Load(package("def LOAD(visit):\n    raise KeyError('my mistake')"), users=1, seconds=1)
    with pytest.raises(HarnessError, match=r"the journey under load raised .*my mistake"):
        driver.run(load, Terms(), server.url, tmp_path)


def test_a_package_without_a_journey(package):
    with pytest.raises(HarnessError, match="has no LOAD, a function of a visit"):
        journey.of(package(""))


def test_thresholds(tmp_path):
    path = tmp_path / "limits.toml"
    path.write_text(block("thresholds"), encoding="utf-8")
    assert len(thresholds.load(path, ["single", "s3-redis"])) == 5
