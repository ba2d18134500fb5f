set -eu
python3 - <<'END'
import sqlite3
from store import add, of
db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE notes (owner TEXT, text TEXT)")
add(db, "ann", "it's"); add(db, "o'neil", "b"); add(db, "o'neil", "a")
assert of(db, "ann") == ["it's"] and of(db, "o'neil") == ["a", "b"] and of(db, "o'neil", "owner") is not None
assert of(db, "x' OR '1'='1") == []
try:
    leaked = of(db, "ann", "(SELECT 1) UNION SELECT text FROM notes")
except Exception:
    leaked = []
assert "b" not in leaked
END
