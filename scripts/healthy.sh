# shellcheck shell=bash
# Waiting for MAAS with progress; sourced after messages.sh.

patience_seconds=900 # a first migration, on a slow NAS
degraded_seconds=60  # what is not vital may come a little later

# wait_until_healthy CONTAINER
wait_until_healthy() {
    local container=$1 began=$SECONDS status said='' said_at=0 line healthy_at=''
    while :; do
        status=$(docker inspect --format '{{.State.Status}} {{.State.Health.Status}}' "$container")
        line=$(docker exec "$container" healthcheck 2>/dev/null || true)
        case $status in
            'running healthy')
                : "${healthy_at:=$SECONDS}"
                case $line in healthy*) break ;; esac
                [ $((SECONDS - healthy_at)) -lt $degraded_seconds ] || break
                ;;
            running*) ;;
            *) give_up "$container" "start: the container is $status" ;;
        esac
        # a new phase at once, progress within one every 5 s
        case $line in *'monitor does not answer'*) line='' ;; esac # it does in a second
        if [ -n "$line" ] && [ "$line" != "$said" ] &&
            { [ "${line%%: *}" != "${said%%: *}" ] || [ $((SECONDS - said_at)) -ge 5 ]; }; then
            say "$(printf '%4d s  %s' $((SECONDS - began)) "$line")"
            said=$line said_at=$SECONDS
        fi
        [ $((SECONDS - began)) -lt $patience_seconds ] ||
            give_up "$container" "get healthy within $patience_seconds s"
        sleep 1
    done
    say "${line%%:*} after $((SECONDS - began)) s"
}

give_up() {
    docker logs --tail 40 "$1" >&2 || true
    cannot "$2" "the whole log: docker logs $1"
}
