"""Huge pages for as long as a lab needs them.

What the machine had before is noted in a file, so that whoever takes the lab down gives the reservation back: the
program that made it, or a later one when that was killed.
"""

import json
import pathlib

from tools.labkit.namespaces import LabError, run

_COUNT = pathlib.Path("/proc/sys/vm/nr_hugepages")
_MOUNT = pathlib.Path("/dev/hugepages")
_PAGE_MB = 2


def reserve(megabytes, note):
    """Makes room for so much in free huge pages. A sentence that tells a person what came of it."""
    wanted = megabytes // _PAGE_MB
    try:
        meminfo = dict(line.split(":", 1) for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
        if int(meminfo.get("Hugepagesize", "0").split()[0]) != _PAGE_MB * 1024:
            raise LabError("this machine's default huge page is not 2 MB")
        total = int(_COUNT.read_text())
        missing = wanted - int(meminfo["HugePages_Free"])
        mounted = any(line.split()[2] == "hugetlbfs" for line in pathlib.Path("/proc/mounts").read_text().splitlines())
        note.write_text(json.dumps({"pages": total if missing > 0 else None, "mounted": not mounted}))
        if missing > 0:
            _COUNT.write_text(str(total + missing))
            found = int(_COUNT.read_text())
            if found < total + missing:
                raise LabError(f"asked for {missing} huge pages of 2 MB, the kernel found memory for {found - total}")
        if not mounted:
            _MOUNT.mkdir(exist_ok=True)
            run("mount", "-t", "hugetlbfs", "none", str(_MOUNT))
    except (OSError, LabError) as error:
        give_back(note)
        return f"no huge pages: {error}; the dataplane falls back to ordinary memory"
    if missing > 0:
        return f"reserved {missing} huge pages of 2 MB; they are given back at the end"
    return f"the {wanted} huge pages of 2 MB that are needed are free already"


def give_back(note):
    """As it was before the reservation that the note is about. Without a note there is nothing to do."""
    if not note.exists():
        return
    before = json.loads(note.read_text())
    if before["mounted"]:
        run("umount", str(_MOUNT), check=False)
    if before["pages"] is not None:
        _COUNT.write_text(str(before["pages"]))
    note.unlink()
