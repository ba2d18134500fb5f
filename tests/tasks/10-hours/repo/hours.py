"""Hours between two local times."""
from datetime import datetime


def hours_between(start, end, zone):
    """`start` and `end` are ISO texts without an offset, in the time zone named `zone`."""
    begin, finish = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return (finish - begin).total_seconds() / 3600
