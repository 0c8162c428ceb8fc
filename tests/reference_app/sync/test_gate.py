"""What a peer may run here, and nothing else."""

import random
import re
import subprocess
import sys

import pytest

from reference_app.storage.sync import gate

ID, GENERATION = "0a" * 16, "1b" * 16
FLAG = f"{ID}/.data_analysis_mode"
OPTIONS = "-trce.iLsfxCIvu"

ALLOWED = [
    f"mkdir -p {ID}",
    f"test -d {ID}",
    f"test -f {FLAG}",
    f"rm -f {FLAG}",
    f"rsync --server {OPTIONS} . .",
    f"rsync --server -trcRe.iLsfxCIvu . {ID}/",
    f"rsync --server -trc . {ID}/",
    f"rsync --server --sender {OPTIONS} . {ID}/",
    f"rsync --server --sender {OPTIONS} . {ID}/*",
    f"rsync --server --sender {OPTIONS} . {ID}/{GENERATION}",
    f"rsync --server --sender {OPTIONS} . {FLAG}",
]
GRAMMAR = re.compile(
    r"mkdir -p {id}|test -d {id}|(test|rm) -f {id}/{flag}"
    r"|rsync --server {options} \. (\.|{id}/)"
    r"|rsync --server --sender {options} \. {id}/(\*|{id}|{flag}|)".format(
        id="[0-9a-f]{32}", flag=r"\.data_analysis_mode", options=r"-[trcR]+(e\.[a-zA-Z]+)?"
    )
)
"""The same in other words: what the gate may let through at most."""


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("asked", ALLOWED)
def test_allowed(asked):
    assert gate.allowed(asked) == asked.split(" ")


@pytest.mark.parametrize(
    "asked",
    [
        "",
        " ",
        "sh",
        "cat /etc/passwd",
        f"cat {FLAG}",
        f"mkdir -p {ID}/x",
        "mkdir -p ../x",
        f"mkdir -p {ID} /tmp/x",
        f"mkdir {ID}",
        f"/bin/mkdir -p {ID}",
        f"rm -rf {ID}",
        f"rm -f {ID}/{GENERATION}/rows.csv",
        f"rm -f {FLAG} {FLAG}",
        f"test -f {ID}/../{FLAG}",
        f"test -f /{FLAG}",
        f"test -d {ID.upper()}",
        f"test -d {ID[:-1]}",
        f"test -d {ID}0",
        f"test -d {ID}\n",
        f"test -d '{ID}'",
        f"test -d  {ID}",
        f"test -d {ID};id",
        f"test -d {ID} ; id",
        f"test -d {ID}$(id)",
        f"test -d {ID}`id`",
        f"test -d {ID} && id",
        f"test -d {ID} > x",
        "test -d *",
        "rsync --version",
        "rsync --daemon",
        f"rsync --server {OPTIONS} .",
        f"rsync --server {OPTIONS} . /",
        f"rsync --server {OPTIONS} . ..",
        f"rsync --server {OPTIONS} . ./..",
        f"rsync --server {OPTIONS} . {ID}",
        f"rsync --server {OPTIONS} . {ID}/..",
        f"rsync --server {OPTIONS} . {ID}/*",
        f"rsync --server {OPTIONS} / .",
        f"rsync --server {OPTIONS} . {ID}/ {ID}/",
        f"rsync --server --sender {OPTIONS} . .",
        f"rsync --server --sender {OPTIONS} . *",
        f"rsync --server --sender {OPTIONS} . /etc/passwd",
        f"rsync --server --sender {OPTIONS} . {ID}/../x",
        f"rsync --server --sender {OPTIONS} . {ID}/{GENERATION}/rows.csv",
        f"rsync --server --sender {OPTIONS} . {ID}/.*",
        f"rsync --sender --server {OPTIONS} . {ID}/",
        f"rsync --server --sender --sender {OPTIONS} . {ID}/",
        "rsync --server -se.LsfxC .",  # the rest comes where the gate does not see it
        "rsync --server -sre.LsfxC . .",
        "rsync --server -logDtpre.iLsfxCIvu . .",  # links
        "rsync --server -trLe.iLsfxCIvu . .",
        "rsync --server -tre.i/x . .",
        "rsync --server -tre. . .",
        "rsync --server - . .",
        "rsync --server -trT . .",
        f"rsync --server --remove-source-files {OPTIONS} . .",
        f"rsync --server {OPTIONS} --log-file=x . .",
        f"rsync --server {OPTIONS} --delete . .",
        f"rsync --server --files-from=/etc/passwd {OPTIONS} . .",
        f"rsync -e id --server {OPTIONS} . .",
    ],
)
def test_refused(asked):
    with pytest.raises(PermissionError, match="not allowed here"):
        gate.allowed(asked)


def test_a_command_that_is_slightly_another_is_let_through_only_if_it_is_ours_again():
    alphabet = " \t\n\0;&|$`'\"\\<>(){}[]*?~#!=./-:,@%^+ABCZacefglrstxz019é"
    chance, let_through = random.Random(20), 0
    for asked in ALLOWED * 2000:
        changed = asked
        for _ in range(chance.choice((1, 1, 2, 3))):
            at = chance.randrange(len(changed) + 1)
            new = chance.choice(("", *alphabet, "..", " / ", "--server", ID, FLAG))
            changed = changed[:at] + new + changed[at + chance.randrange(2) :]
        try:
            words = gate.allowed(changed)
        except PermissionError:
            continue
        let_through += 1
        assert GRAMMAR.fullmatch(changed), changed
        assert words == changed.split(" ")
    assert let_through > 100  # else it proves nothing


def test_a_star_leaves_dotfiles_behind_as_in_a_shell(root):
    asked = f"rsync --server --sender {OPTIONS} . {ID}/*"
    home = root / ID
    assert gate.allowed(asked)[-1:] == [f"{ID}/*"]
    home.mkdir()
    (home / ".data_analysis_mode").touch()
    assert gate.allowed(asked)[-1:] == [f"{ID}/*"]
    for name in ("b", "-rf", "a"):
        (home / name).touch()
    shell = subprocess.run(["sh", "-c", f"echo {ID}/*"], capture_output=True, text=True, check=True)
    assert sorted(gate.allowed(asked)[5:]) == sorted(shell.stdout.split())


def run_gate(root, asked, *options):
    return subprocess.run(
        [sys.executable, "-I", "-S", *options, gate.__file__, str(root)],
        env={"SSH_ORIGINAL_COMMAND": asked, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def test_it_runs_in_the_root_and_becomes_the_command(root):
    tree = root / "a tree"
    assert "No such file" in run_gate(tree, f"mkdir -p {ID}").stderr
    tree.mkdir()
    assert run_gate(tree, f"mkdir -p {ID}").returncode == 0
    assert [path.name for path in tree.iterdir()] == [ID]
    assert run_gate(tree, f"test -f {FLAG}").returncode == 1
    refused = run_gate(tree, f"rm -rf {ID}")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"instance sync: not allowed here: 'rm -rf {ID}'\n"


def test_it_starts_with_next_to_nothing():
    def imported(*what):
        seen = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "importtime", *what], capture_output=True, text=True
        )
        return {line.rpartition("|")[2].strip() for line in seen.stderr.splitlines() if "|" in line}

    assert imported(gate.__file__, "/") <= imported("-c", "import os")


@pytest.mark.parametrize(
    "asked", [["id"], ["cat", "/etc/passwd"], ["mkdir", "-p", "../x"], ["mkdir", "-p", f"{ID};id"], []]
)
def test_the_real_sshd_runs_nothing_else(fleet, asked):
    fleet.start("B")
    before = sorted(fleet.folder.rglob("*"))
    ended = subprocess.run(
        ["ssh", "-F", str(fleet.config), "B", *asked],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "instance sync: not allowed here" in ended.stderr
    assert sorted(fleet.folder.rglob("*")) == before
