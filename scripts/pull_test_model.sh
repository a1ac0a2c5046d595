#!/bin/sh
# Fetch the small embedded model that some tests run for real: once, into the user's cache, verified by its hash.
# Without it those tests are skipped; where CI=true a skip is a failure.
set -eu

cd "$(dirname "$0")/.."

if ! .venv/bin/agentcli -q models pull coder-0.5b >/dev/null; then
    echo "pull_test_model: coder-0.5b is not to be had: the tests that need it are skipped" >&2
fi
