"""Pages of a list."""


def page_count(total, size):
    """How many pages of `size` items `total` items make."""
    return total // size


def page(items, number, size):
    """The items of page `number`, from 1."""
    if number < 1 or number > page_count(len(items), size):
        return []
    start = (number - 1) * size
    return items[start:start + size]
