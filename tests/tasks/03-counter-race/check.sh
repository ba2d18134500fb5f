set -eu
rm -f n.txt
python3 - <<'END'
import multiprocessing
from counter import add

def many(_):
    for _ in range(100):
        add("n.txt")

with multiprocessing.Pool(8) as pool:
    pool.map(many, range(8))
assert open("n.txt").read().strip() == "800", open("n.txt").read()
END
python3 counter.py n.txt
test "$(cat n.txt)" = 801
