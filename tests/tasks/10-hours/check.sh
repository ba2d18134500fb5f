set -eu
python3 - <<'END'
from hours import hours_between
assert hours_between("2026-03-29T00:00", "2026-03-30T00:00", "Europe/Berlin") == 23
assert hours_between("2026-10-25T00:00", "2026-10-26T00:00", "Europe/Berlin") == 25
assert hours_between("2026-03-29T00:00", "2026-03-30T00:00", "UTC") == 24
END
