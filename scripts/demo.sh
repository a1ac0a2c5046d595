#!/bin/sh
# Every command as a person would type it: an embedded model, no key, a real file, and the run on record.
set -eu

PATH="$(cd "$(dirname "$0")/../.venv/bin" && pwd):$PATH"
place=$(mktemp -d)
trap 'agentcli -q trust --remove "$place/demo" >/dev/null 2>&1 || true; rm -rf "$place"' EXIT # as if it had never been

typed() {
    printf '\n$ %s' "$1"
    shift
    for word in "$@"; do
        case "$word" in
            *[!A-Za-z0-9_./:=-]*) printf ' "%s"' "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
}

show() {
    typed "$@"
    "$@"
}

show agentcli models pull coder-1.5b
show agentcli init "$place/demo" --template full
show cd "$place/demo"
show agentcli run reader "According to docs/refunds.md, how many days is the refund period?" -m local:coder-1.5b
show agentcli runs show last
