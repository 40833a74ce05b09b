"""Huge pages for as long as a lab needs them.

What a lab added is noted in a file, so that whoever takes the lab down gives it back: the program that made it, or a
later one when that was killed. Several labs at a time add and give back their own parts, one after the other.
"""

import json
import pathlib

from tools.labkit import locks
from tools.labkit.namespaces import LabError, run

_COUNT = pathlib.Path("/proc/sys/vm/nr_hugepages")
_MOUNT = pathlib.Path("/dev/hugepages")
_PAGE_MB = 2


def _alone(note):
    """Keeps other labs from changing the number between our reading and writing it."""
    return locks.file_lock(note.parent / "hugepages.lock")


def reserve(megabytes, note):
    """Makes room for so much in free huge pages. A sentence that tells a person what came of it."""
    with _alone(note):
        return _reserve(megabytes, note)


def _reserve(megabytes, note):
    wanted = megabytes // _PAGE_MB
    try:
        meminfo = dict(line.split(":", 1) for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
        if int(meminfo.get("Hugepagesize", "0").split()[0]) != _PAGE_MB * 1024:
            raise LabError("this machine's default huge page is not 2 MB")
        total = int(_COUNT.read_text())
        missing = wanted - int(meminfo["HugePages_Free"])
        mounted = any(line.split()[2] == "hugetlbfs" for line in pathlib.Path("/proc/mounts").read_text().splitlines())
        note.write_text(json.dumps({"added": 0, "mounted": not mounted}))
        if missing > 0:
            _COUNT.write_text(str(total + missing))
            found = int(_COUNT.read_text())
            note.write_text(json.dumps({"added": found - total, "mounted": not mounted}))
            if found < total + missing:
                raise LabError(f"asked for {missing} huge pages of 2 MB, the kernel found memory for {found - total}")
        if not mounted:
            _MOUNT.mkdir(exist_ok=True)
            run("mount", "-t", "hugetlbfs", "none", str(_MOUNT))
    except (OSError, LabError) as error:
        _give_back(note)
        return f"no huge pages: {error}; the dataplane falls back to ordinary memory"
    if missing > 0:
        return f"reserved {missing} huge pages of 2 MB; they are given back at the end"
    return f"the {wanted} huge pages of 2 MB that are needed are free already"


def give_back(note):
    """Takes back what the reservation added that the note is about. Without a note there is nothing to do."""
    if note.exists():
        with _alone(note):
            _give_back(note)


def forget_regions(directory):
    """Removes what boxes with runtime directories below this one keep in huge pages to find it again."""
    for region in _MOUNT.glob(f"fulcrum{str(directory).replace('/', '-')}-*"):
        region.unlink(missing_ok=True)


def _give_back(note):
    if not note.exists():
        return
    reserved = json.loads(note.read_text())
    if reserved["mounted"]:
        run("umount", str(_MOUNT), check=False)
    if reserved.get("added"):
        _COUNT.write_text(str(max(0, int(_COUNT.read_text()) - reserved["added"])))
    note.unlink()
