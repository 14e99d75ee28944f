# Needs: its own place on the disk.
# Makes: CONFIGURATION, the paths of the project's own configuration, and an environment in which every job finds its Python
# and the package, whatever the working folder and wherever the project lies.
import os
import shlex
import sys
from pathlib import Path

# Not `workflow.basedir`: where this workflow is a module of another one, that is the other's.
PROJECT = Path(str(workflow.current_basedir)).parents[1]

# The scripts need not have the package installed; whoever has set a path of his own keeps it, behind this one.
paths = [str(PROJECT / "workflow"), *filter(None, os.getenv("PYTHONPATH", "").split(os.pathsep))]
os.environ.update(PYTHONPATH=os.pathsep.join(dict.fromkeys(paths)))
sys.path.insert(0, paths[0])

# Snakemake writes the path of its interpreter into the command of every job as it is. Where a shell would take that
# apart, at a space for instance, the jobs find it by its name.
if shlex.quote(sys.executable) != sys.executable:
    folder, sys.executable = os.path.split(sys.executable)
    os.environ.update(PATH=os.pathsep.join([folder, os.getenv("PATH", os.defpath)]))

from onepass.pipeline import collection

CONFIGURATION = [min([str(path), os.path.relpath(path)], key=len) for path in collection.files(PROJECT / "config")]
