# Runs one command and carries its folder and exported variables over to the next one.
# $1: the file that carries them; $2: the folder to start in without it; the rest: the command, in pieces.
# Only builtins: nothing may depend on PATH. What the command does to its own shell (exit, exec, its own EXIT trap,
# set -e, set -u, set -C) must at most lose what would have been carried over.
__vk_state=$1 __vk_start=$2
shift 2
if [ -s "$__vk_state" ]; then
  . "$__vk_state" 2>/dev/null
  cd -- "${PWD-}" 2>/dev/null || {
    echo "vk: the folder of the last command is gone; back in $__vk_start" >&2
    cd -- "$__vk_start"
  }
fi
IFS=
__vk_script="$*"
unset IFS
set --
__vk_save() {
  cd . 2>/dev/null || :
  export PWD
  export -p >|"$__vk_state" || :
} 2>/dev/null
trap '{ __vk_code=$?; set +eux; } 2>/dev/null; __vk_save; exit "$__vk_code"' EXIT
eval "$__vk_script"
{ __vk_code=$?; set +eux; } 2>/dev/null
__vk_save
exit "$__vk_code"
