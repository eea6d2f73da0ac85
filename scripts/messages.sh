# shellcheck shell=bash
# What scripts say, and how they give up; sourced, never run. Who sources it sets `speaker`.

say() { printf '%s\n' "${speaker:?}: $*"; }

cannot() {
    printf '%s\n' "cannot $1" >&2
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# quietly WHAT COMMAND...: its output is shown only when it fails.
quietly() {
    local what=$1 output
    shift
    output=$("$@" 2>&1 </dev/null) || cannot "$what: '$*' failed" "$output"
}

# step WHAT COMMAND... shows what is done and how long it took.
step() {
    local what=$1 began=$SECONDS
    shift
    "$@"
    say "$what: ready ($((SECONDS - began)) s)"
}
