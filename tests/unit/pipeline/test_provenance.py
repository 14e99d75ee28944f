"""A file names the commit of the repository that its code is in, and no other."""

import os
import shutil
import subprocess
import sys

import onepass
import pytest

COMMIT = "from onepass.pipeline.store import provenance; print(provenance()['git_commit'])"


def git(folder, *arguments):
    """As somebody without settings, such as to sign commits."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), "-c", "user.name=me", "-c", "user.email=me@example.org", *arguments]
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def paper(tmp_path):
    """A repository of something else, with the package unpacked in it; its head."""
    package = tmp_path / "code" / "workflow"
    shutil.copytree(onepass.__path__[0], package / "onepass", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "paper.tex").write_text("text")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "paper.tex")
    git(tmp_path, "commit", "-qm", "paper")
    return package, git(tmp_path, "rev-parse", "HEAD")


def named(package, **environment):
    command = [sys.executable, "-c", COMMIT]
    # The package beside the working folder is the one that is found, and the environment is a bare one.
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_repository_that_does_not_track_the_code_is_not_named(paper):
    package, head = paper
    path = {"PATH": os.environ["PATH"]}
    assert named(package, **path) == "unknown"
    git(package, "add", ".")
    git(package, "commit", "-qm", "code")
    assert named(package, **path) == git(package, "rev-parse", "HEAD") != head
    (package / "onepass" / "model.py").open("a").write("\n")
    assert named(package, **path).endswith(" with local changes")


def test_the_environment_names_no_repository(paper, tmp_path):
    package, _ = paper
    other = {"GIT_DIR": str(tmp_path / ".git"), "GIT_WORK_TREE": str(tmp_path)}
    assert named(package, PATH=os.environ["PATH"], **other) == "unknown"
