# shellcheck shell=bash
# The image of MAAS: which one Compose builds, and why that did not work; sourced after messages.sh.

# What the build fetches from.
# shellcheck disable=SC2034 # used by who sources this
archives=(
    https://registry-1.docker.io/v2/
    http://archive.ubuntu.com/ubuntu/
    https://ppa.launchpadcontent.net/maas/
    https://keyserver.ubuntu.com/
    https://apt.postgresql.org/
    https://www.postgresql.org/
    https://pypi.org/simple/
    https://files.pythonhosted.org/
)

# check_version: MAAS_VERSION as Compose takes it, from the environment, .env or compose.yaml, is known.
check_version() {
    local version known
    read_configuration
    version=$(configured MAAS_VERSION)
    known=$(known_versions)
    grep -qxF -e "$version" <<<"$known" || cannot "build MAAS '$version'" "known versions: ${known//$'\n'/, }"
}

known_versions() { basename --suffix=.sources apt/[0-9]*.sources; }

# What Compose makes of all that it reads, MAAS's build first; .env's passwords are in it.
read_configuration() {
    configuration=$(docker compose config maas) || cannot "read compose.yaml and .env: see above"
}

# configured KEY: its value there; nothing where it has none.
configured() { sed -n "/^ *$1: /{s///;s/\"//g;p;q}" <<<"$configuration"; }

# explain WHAT cannot be done URL...: most often one that it needs is out of reach.
explain() {
    local what=$1 url unreachable=()
    shift
    for url; do
        reachable "$url" || unreachable+=("not reachable from here: $url")
    done
    [ ${#unreachable[@]} -eq 0 ] || unreachable+=(
        "behind a proxy, the engine must know it, too: https://docs.docker.com/engine/daemon/proxy/"
        "without these archives there is a stand-in for MAAS, to try everything else: make demo"
    )
    cannot "$what" "${unreachable[@]}"
}

# Any answer will do, "not found" as well.
reachable() {
    local host=${1#*://} port=443
    host=${host%%/*}
    case $1 in http:*) port=80 ;; esac
    if command -v curl >/dev/null; then
        curl --silent --head --output /dev/null --max-time 10 "$1"
    else
        timeout 10 bash -c ": >/dev/tcp/$host/$port" 2>/dev/null
    fi
}
