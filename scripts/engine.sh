# shellcheck shell=bash
# The Docker engine and Compose, and which versions will do; sourced after messages.sh.

engine_wanted=25
compose_wanted=2.24

engine_version() { timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null || true; }
compose_version() { docker compose version --short 2>/dev/null; }

# at_least HAVE WANT compares versions.
at_least() { printf '%s\n' "$2" "${1#v}" | sort -CV; }

check_client() {
    command -v docker >/dev/null || cannot "find docker" "install it: https://docs.docker.com/engine/install/"
}

check_engine() {
    local version
    version=$(engine_version)
    [ -n "$version" ] || explain_no_engine
    at_least "$version" "$engine_wanted" || cannot "use the running Docker engine $version: $engine_wanted or newer is needed" \
        "upgrade it (https://docs.docker.com/engine/install/debian/), or name another one: DOCKER_HOST=…"
}

explain_no_engine() {
    local said
    said=$(docker version 2>&1 | tail -n 1) || true
    case $said in
        *'permission denied'*) cannot "use the Docker engine as user $(id -un)" "$said" \
            "run this as root, or join the engine's group: sudo usermod -aG docker $(id -un), and log in again" ;;
        *) cannot "reach a Docker engine" "$said" \
            "install one (https://docs.docker.com/engine/install/), start it, or name it: DOCKER_HOST=…" ;;
    esac
}

check_compose() {
    local version
    version=$(compose_version) || cannot "run 'docker compose'" "apt-get install docker-compose-plugin (from Docker's repository)"
    at_least "$version" "$compose_wanted" || cannot "use Compose $version: $compose_wanted or newer is needed" \
        "upgrade it: apt-get install docker-compose-plugin (from Docker's repository)"
}
