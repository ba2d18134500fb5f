set -eu
rm -rf in 'to there'; mkdir in
printf 1 > in/plain; printf 2 > 'in/two words'; printf 3 > in/-n; printf 4 > "in/a
b"; printf 5 > 'in/*'
sh backup.sh in 'to there'
for name in plain 'two words' -n "a
b" '*'; do cmp "in/$name" "to there/$name"; done
test "$(ls 'to there' | wc -l)" -eq 6
