set -eu
python3 -W error - <<'END'
import warnings
import greet, report, users
assert greet.greet(1) == "Hello ann" and report.report() == ["ann", "ben"]
assert users.find_user(2) == "ben" and users.find_user(3) is None
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    assert users.get_usr(1) == "ann"
assert [one.category for one in seen] == [DeprecationWarning]
END
! grep -q get_usr greet.py report.py
