set -eu
python3 - <<'END'
from ini import read
text = '# top\n[a]\n\nx = 1\n; more\ny = "  two = 2 "\n[b]\nurl=http://x/?q=1\n'
assert read(text) == {"a": {"x": "1", "y": "  two = 2 "}, "b": {"url": "http://x/?q=1"}}, read(text)
for wrong, line in {"[a]\nx\n": "2", "x = 1\n": "1", "[a\n": "1"}.items():
    try:
        read(wrong)
    except ValueError as error:
        assert line in str(error), error
        continue
    raise SystemExit(f"{wrong!r} was taken")
END
