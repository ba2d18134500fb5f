set -eu
python3 - <<'END'
import csv, io
from export import to_csv
rows = [["a,b", 'say "hi"', "two\nlines"], ["plain", "", "1"]]
assert list(csv.reader(io.StringIO(to_csv(rows), newline=""))) == rows
assert to_csv([["a", 1]]).splitlines() == ["a,1"]
END
