"""Files of a folder, by the path of a request."""
import os


def find(folder, path):
    """The file that `path` names below `folder`, or None."""
    name = os.path.join(folder, path.lstrip("/"))
    return name if os.path.exists(name) else None
