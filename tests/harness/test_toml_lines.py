"""The line of a key, whatever form of TOML it is written in."""

import pytest

from harness.errors import HarnessError
from harness.toml_file import Table, read
from harness.toml_lines import line_of

TEXT = '''\
title = "x"  # line 1
text = """
[request]
a = 1
"""

[[request]]
path = "/a"
headers = { "X.Y" = "1", Z = [
  "2",
] }

[[request]]
path = "/b"
[request.capture]
id = { json = "id" }
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("title", 1), ("text", 2), ("request", 7), ("request[0].path", 8), ("request[0].headers.X.Y", 9),
        ("request[0].headers.Z", 9), ("request[1]", 13), ("request[1].path", 14),
        ("request[1].capture.id.json", 16), ("request[2]", None), ("tit", None), ("a", None),
    ],
)  # fmt: skip
def test_the_line_of_a_key(tmp_path, key, line):
    path = tmp_path / "a.toml"
    path.write_text(TEXT, encoding="utf-8")
    assert line_of(path, key) == line


def test_an_error_names_the_line(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(TEXT, encoding="utf-8")
    second = Table(path, "", read(path)).tables("request")[1]
    with pytest.raises(HarnessError, match=r"a\.toml:13: request\[1\]\.method: missing"):
        second.text("method")
    with pytest.raises(HarnessError, match=r"a\.toml:16: request\[1\]\.capture\.id: 'id' is not an allowed"):
        second.table("capture").only("token")
