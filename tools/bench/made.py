"""Files and folders that scripts make once."""

import shutil
import sys


def make(path, write):
    """Writes what isn't there; under another name first, so that a killed run leaves no half file."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name("partial-" + path.name)
    shutil.rmtree(partial, ignore_errors=True)
    write(partial)
    partial.rename(path)
    print(path, file=sys.stderr)
