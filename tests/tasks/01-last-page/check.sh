set -eu
python3 - <<'END'
from pager import page, page_count
assert page_count(0, 10) == 0 and page_count(10, 10) == 1 and page_count(11, 10) == 2
assert page(list(range(11)), 2, 10) == [10] and page([], 1, 10) == []
assert page([1, 2], 2, 10) == [] and page([1, 2], 0, 10) == []
END
