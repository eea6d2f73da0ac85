# shellcheck shell=bash
# Shared by the scripts in this directory; sourced, never run.

export PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin"
# shellcheck disable=SC2034 # used by who sources this
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

speaker=demo
# shellcheck source=scripts/messages.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/messages.sh"

need_root() {
    [ "$(id -u)" -eq 0 ] || cannot "$1 as user $(id -un)" "run it as root: sudo make demo"
}

# need_commands COMMAND=PACKAGE... installs what is missing from the machine's own sources.
need_commands() {
    local pair missing=()
    for pair; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    need_root "install ${missing[*]}"
    command -v apt-get >/dev/null ||
        cannot "install ${missing[*]} without apt-get" "install them by hand, then run it again"
    say "installing ${missing[*]} …"
    # A broken source of somebody else must not stop us: what counts is the install.
    apt-get update -qq >/dev/null 2>&1 </dev/null || true
    quietly "install ${missing[*]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends --no-upgrade -o DPkg::Lock::Timeout=120 "${missing[@]}"
}

# need_venv makes .venv in the current directory, with the tools of requirements-dev.lock.
need_venv() {
    python3 -c 'import ensurepip' 2>/dev/null || need_commands ensurepip=python3-venv
    if [ ! -x .venv/bin/pytest ] || [ requirements-dev.lock -nt .venv/ready ]; then
        say "making .venv …"
        python3 -m venv --clear .venv
        quietly "install the tools" .venv/bin/pip install --require-hashes -r requirements-dev.lock
        touch .venv/ready
    fi
}

# "LABEL URI SUITE COMPONENT" of each source that Debian has signed, as apt itself understands the
# machine's sources; nothing where the lists were never fetched.
debian_entries() {
    # shellcheck disable=SC2016 # apt's own placeholders
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' \
        'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$1 == "Debian" && $3 ~ /^https?:/ { sub("/$", "", $3); print $2, $3, $4, $5 }' |
        sort -u
}

# The mirror behind the machine's own Debian sources.
debian_mirror() {
    local uri
    uri=$(debian_entries | awk '$1 == "Debian" && $4 == "main" { print $2; exit }')
    printf '%s\n' "${uri:-http://deb.debian.org/debian}"
}
