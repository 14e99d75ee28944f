"""The ways to make an environment agree with each other, and nothing of the machine at hand is in the repository."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA = (ROOT / "environment.yml").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
LOCK = (ROOT / "requirements.lock").read_text()


def parsed(requirements):
    """Bounds by name; a name given twice is an error."""
    bounds = {}
    for text in requirements:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name not in bounds, f"{name} is listed twice"
        bounds[name] = str(requirement.specifier)
    return bounds


def locked():
    """(name, version, rest of the line with its hashes) of every requirement in the lock file."""
    lines = [line.strip() for line in LOCK.replace("\\\n", " ").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    matches = [re.fullmatch(r"([\w.-]+)==([\w.!+]+)( .*)?", line) for line in lines]
    assert all(matches), "a line of requirements.lock is no pinned requirement"
    return [match.groups(default="") for match in matches]


# --- environment.yml and pyproject.toml -----------------------------------------------------------


def test_conda_lists_the_same_dependencies():
    listed = yaml.safe_load(CONDA)["dependencies"]
    assert all(isinstance(entry, str) for entry in listed), "a pip section would not be compared"
    conda = parsed(listed)
    assert conda.pop("python") == PROJECT["requires-python"]
    assert conda.pop("pip") == ""
    extras = [text for name, texts in EXTRAS.items() if name != "gpu" for text in texts]
    assert conda == parsed([*PROJECT["dependencies"], *extras])


def test_conda_lists_them_under_the_same_extra():
    sections, name = {"": []}, ""
    for line in CONDA.partition("dependencies:")[2].splitlines():
        if heading := re.fullmatch(r" *# extra (\w+)", line):
            sections[name := heading[1]] = []
        elif entry := re.fullmatch(r" *- (.+)", line):
            sections[name].append(entry[1])
    sections[""] = [text for text in sections[""] if text != "pip" and not re.match(r"python\b", text)]
    expected = {"": PROJECT["dependencies"]} | {name: texts for name, texts in EXTRAS.items() if name != "gpu"}
    assert {name: parsed(texts) for name, texts in sections.items()} == {n: parsed(t) for n, t in expected.items()}


def test_conda_names_the_gpu_extra():
    """It comes from pip alone, so it stands there as a comment."""
    for requirement in EXTRAS["gpu"]:
        assert f'# extra gpu: pip install "{requirement}"' in CONDA


def test_build_requirements_are_in_the_development_extra():
    """The package is installed without build isolation."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(pyproject["build-system"]["requires"]) <= set(EXTRAS["dev"])


def test_every_direct_dependency_has_a_lower_bound():
    for texts in (PROJECT["dependencies"], *EXTRAS.values()):
        assert all(">=" in bound for bound in parsed(texts).values())


def test_python_version_is_the_same_everywhere():
    (version,) = re.fullmatch(r">=(3\.\d+)", PROJECT["requires-python"]).groups()
    minor = version.split(".")[1]
    assert re.findall(r"--python-version (\S+)", MAKEFILE) == [version]
    assert re.findall(r"version_info < \(3, (\d+)\)", MAKEFILE) == [minor]
    assert set(re.findall(r"Python (?:>= )?(3\.\d+)", MAKEFILE)) == {version}
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tools["ruff"]["target-version"] == f"py3{minor}"


# --- requirements.lock ----------------------------------------------------------------------------


def test_lock_has_every_direct_dependency():
    """Of the package and of the extras it is compiled with, in a version within their bounds."""
    extras = re.findall(r"--extra (\w+)", MAKEFILE)
    assert set(extras) == set(EXTRAS) - {"gpu"}
    versions = {}
    for name, version, _ in locked():
        versions.setdefault(canonicalize_name(name), []).append(version)
    for text in [*PROJECT["dependencies"], *(text for extra in extras for text in EXTRAS[extra])]:
        requirement = Requirement(text)
        found = versions.get(canonicalize_name(requirement.name))
        assert found, f"{requirement.name} is not in requirements.lock"
        assert all(requirement.specifier.contains(version) for version in found), f"{text}, but {found} is locked"


def test_every_locked_line_has_hashes():
    for name, _, rest in locked():
        hashes = re.findall(r"--hash=sha256:([0-9a-f]+)", rest)
        assert hashes, f"{name} has no hash"
        assert all(len(value) == 64 for value in hashes)
        marker = re.sub(r" *--hash=sha256:[0-9a-f]{64}", "", rest).strip()
        assert not marker or marker.startswith(";"), f"{name} has {marker!r} next to it"


@pytest.mark.parametrize("word", ["http", "://", "index-url", "find-links", "trusted-host", "file:", " @ ", "-e "])
def test_lock_has_no_address(word):
    assert word not in LOCK


# --- the repository -------------------------------------------------------------------------------

PRIVATE = re.compile(r"localhos[t]|(?<![\w.~-])/(?:work|home|root|Users)/|\b127\.0\.0\.1\b|[A-Z]:\\Users\\")


def tracked_texts():
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode("utf-8", "replace")


def test_no_tracked_file_knows_this_machine():
    """Neither a local server nor an absolute path of somebody's home."""
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if PRIVATE.search(line)
    ]
    assert not found


@pytest.mark.parametrize(
    ("line", "private"),
    [
        ("/" + "work/main", True), ("cd /" + "home/me/x", True), ('"/' + 'root/.cache"', True),
        ("/" + "Users/me/", True),
        ("local" + "host:8080", True), ("workflow/onepass", False), ("a/work/b", False), ("example.org/work/x", False),
        ("~/.cache", False), ("${HOME}/home", False),
    ],
)  # fmt: skip
def test_the_search_finds_what_it_should(line, private):
    assert bool(PRIVATE.search(line)) == private
