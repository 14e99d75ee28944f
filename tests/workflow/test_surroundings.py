"""What a machine and the settings of its user bring along: the files are those of a run without them."""

import shutil
import subprocess

import pytest
from helpers.grids import SMALL, WANTED
from helpers.project import THOROUGH, Project

RC = """
figure.dpi: 31
font.size: 27
font.family: cursive
lines.linewidth: 9
axes.grid: True
savefig.bbox: tight
savefig.format: png
text.usetex: True
"""


def settings_of_matplotlib(project, monkeypatch):
    """As Jupyter exports them, and as a paper's folder brings them."""
    (project.folder / "matplotlibrc").write_text(RC)
    monkeypatch.setenv("MATPLOTLIBRC", str(project.folder / "matplotlibrc"))
    monkeypatch.setenv("MPLCONFIGDIR", str(project.folder))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")


def compiled_code_is_cut(project, _):
    """As a full quota leaves it: every other file empty, the others cut."""
    files = sorted(path for path in project.folder.glob("workflow/**/__pycache__/*.nb[ic]"))
    assert files
    for i, path in enumerate(files):
        path.write_bytes(path.read_bytes()[: 100 * (i % 2)])


def no_folder_for_compiled_code(project, monkeypatch):
    path = project.folder / "a file"
    path.touch()
    monkeypatch.setenv("ONEPASS_CACHE", str(path))


def a_terminal_without_unicode(_, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")


def a_strict_umask(project, _):
    project.umask = 0o077


def another_repository(project, monkeypatch):
    """One that stands above the project, and that the shell points to."""
    outer = project.folder.parent
    git = ["git", "-C", str(outer), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "a paper"], check=True)
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(outer))


FAULTS = {
    "settings of matplotlib, `MPLBACKEND` as of a notebook": settings_of_matplotlib,
    "compiled code is empty or cut": compiled_code_is_cut,
    "the folder for compiled code cannot be written": no_folder_for_compiled_code,
    "a terminal without Unicode": a_terminal_without_unicode,
    "files for their owner alone, `umask 077`": a_strict_umask,
    "another repository above, and in `GIT_DIR`": another_repository,
}
# All at once, and each by itself with `make reliability`.
CASES = [[fault] for fault in FAULTS] if THOROUGH else [list(FAULTS)]


@pytest.mark.parametrize("faults", CASES, ids=lambda faults: f"{len(faults)} at once")
def test_results_do_not_depend_on_them(faults, undisturbed, tmp_path, monkeypatch, reliability):
    project = Project(tmp_path / "above" / "project", SMALL)
    code = undisturbed.folder / "workflow"  # compiled by its run
    shutil.copytree(code, project.folder / "workflow", dirs_exist_ok=True)
    for fault in faults:
        FAULTS[fault](project, monkeypatch)
    run = project.start(*WANTED)  # a fresh interpreter, which reads its surroundings
    assert run.wait() == 0, (project.folder / "run.log").read_text(errors="replace")
    expected, found = undisturbed.results(), project.results()
    reliability(", ".join(faults), 1, expected, found, "nothing")
    assert found == expected
    assert "Traceback" not in (project.folder / "run.log").read_text(errors="replace")
