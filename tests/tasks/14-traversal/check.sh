set -eu
rm -rf www secret; mkdir -p www/sub secret; echo in > www/sub/a.txt; echo out > secret/b.txt
ln -s ../secret/b.txt www/link; echo near > www-private
python3 - <<'END'
from serve import find
assert open(find("www", "/sub/a.txt")).read() == "in\n"
for path in ["/../secret/b.txt", "/sub/../../secret/b.txt", "/link", "/sub", "/", "/none", "/../www-private", "//etc/passwd"]:
    assert find("www", path) is None, path
END
