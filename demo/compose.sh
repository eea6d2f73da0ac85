# shellcheck shell=bash
# The demo's way to call Compose; sourced after lib.sh.

root=$(dirname "${here:?}")

compose() {
    local ca_bundle=/etc/ssl/certs/ca-certificates.crt
    [ -r "$ca_bundle" ] || ca_bundle=/dev/null
    CA_BUNDLE=$ca_bundle docker compose --project-directory "$root" --file "$root/compose.yaml" \
        --env-file "$root/demo/demo.env" "$@"
}
