set -eu
timeout 10 python3 - <<'END'
from dedupe import dedupe
lines = [f"line {n * 7919 % 150000}" for n in range(300000)]
assert len(dedupe(lines)) == 150000 and dedupe(lines)[:3] == lines[:3]
assert dedupe(["b", "a", "b"]) == ["b", "a"] and dedupe([]) == []
END
