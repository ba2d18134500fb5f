set -eu
python3 - <<'END'
from roman import parse
for text, value in {"I": 1, "IV": 4, "IX": 9, "XLII": 42, "MCMXCIV": 1994, "MMMCMXCIX": 3999}.items():
    assert parse(text) == value, text
for wrong in ["", "IIII", "VX", "IC", "MMMM", "iv", "A", "IXI", "VV", " I"]:
    try:
        parse(wrong)
    except ValueError:
        continue
    raise SystemExit(f"{wrong!r} was taken")
END
