"""JSON Merge Patch."""


def merge(target, patch):
    target.update(patch)
    return target
