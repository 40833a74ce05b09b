"""Locks that are files, and are gone with their last holder."""

import contextlib
import fcntl
import os


@contextlib.contextmanager
def file_lock(path, wait=True):
    """Holds a lock on a file of this name, made when missing and removed at the end. BlockingIOError when somebody else
    holds it and we are not to wait."""
    with _opened_and_locked(path, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others are in there
                path.parent.rmdir()


def _opened_and_locked(path, how):
    while True:
        path.parent.mkdir(exist_ok=True)
        try:
            file = path.open("w", encoding="ascii")
        except FileNotFoundError:  # the folder went with another one's last lock
            continue
        try:
            fcntl.flock(file, how)
            # The one before us may have removed the file while we waited for it.
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()
