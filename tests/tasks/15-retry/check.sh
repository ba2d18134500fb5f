set -eu
python3 - <<'END'
from retry import retry

def failing(*errors):
    left = list(errors)
    def call():
        if left:
            raise left.pop(0)
        return "done"
    return call

waits = []
assert retry(failing(OSError(), OSError()), sleep=waits.append) == "done" and waits == [1, 2]
waits.clear()
try:
    retry(failing(OSError(1), OSError(2), OSError(3), OSError(4)), sleep=waits.append)
    raise SystemExit("no error")
except OSError as error:
    assert error.args == (3,) and waits == [1, 2], waits
try:
    retry(failing(ValueError()), sleep=waits.append)
    raise SystemExit("no error")
except ValueError:
    pass
END
