#!/bin/sh
# The suites of the sandbox once more as an ordinary user, where everything else runs as root: what holds for one need
# not hold for the other. Works on a copy, for the repository may lie where no other user can go.
set -eu

cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] && [ "$(uname -s)" = Linux ] || exit 0 # whoever is no root has run them as a user already

NOBODY=65534
SUITES='tests/contract/test_sandbox.py tests/contract/test_sandbox_files.py tests/contract/test_sandbox_port.py
    tests/security/test_process_abuse.py tests/security/test_code_tools.py tests/security/test_swaps.py'

as_nobody() { setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups "$@"; }

# The packages are those of .venv, so the interpreter has to be of its version; that of .venv may be in root's home. It
# is started by `env`: setpriv itself still has root's capabilities when it looks for a program.
find_python() {
    version=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    for candidate in "$(readlink -f .venv/bin/python)" "/usr/bin/python$version" "/usr/local/bin/python$version"; do
        if (cd / && as_nobody env "$candidate" -I -c '') 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "test_as_user: no Python $version that an ordinary user can run" >&2
    return 1
}

python=$(find_python)
place=$(mktemp -d /var/tmp/agentcli-as-user-XXXXXX)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
mkdir "$place/repo" "$place/home"
tar -c --exclude=__pycache__ agentcli tests templates pyproject.toml | tar -x --no-same-owner -C "$place/repo"
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp -al "$packages" "$place/packages" 2>/dev/null || { rm -rf "$place/packages" && cp -a "$packages" "$place/packages"; }
chown -R $NOBODY:$NOBODY "$place/repo" "$place/home"

cd "$place/repo"
# shellcheck disable=SC2086 # the suites are words
as_nobody env -i CI="${CI:-}" HOME="$place/home" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 \
    PYTHONPATH="$place/repo:$place/packages" \
    "$python" -m pytest -q -p no:cacheprovider -n "${WORKERS:-auto}" --dist loadfile $SUITES
