#!/bin/sh
# Make .venv and install agentcli with its extras into it, from the lock file.
# Works on a bare Debian or macOS: needs Python 3.11+ and the package index, nothing else.
set -eu

cd "$(dirname "$0")/.."
unset VIRTUAL_ENV PYTHONHOME CONDA_PREFIX # another active environment must not be installed into
export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv

UV_RANGE='uv>=0.9,<1'

note() { printf 'setup: %s\n' "$*" >&2; }
die() {
    note "$1"
    note "fix: $2"
    exit 1
}

# Only running a candidate tells: a shim on PATH may name a version that is not installed.
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3}; do
        if command -v "$candidate" >/dev/null 2>&1 && is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

how_to_get_python() {
    case "$(uname -s)" in
        Darwin) echo "brew install python@3.13   (or the installer from python.org), then run make again" ;;
        *) echo "sudo apt install python3 python3-venv   (Debian 12 or newer), then run make again" ;;
    esac
}

can_install_packages() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_install() {
    note "installing $1"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

# Debian splits ensurepip off into python3-venv: without it, `python3 -m venv` leaves an environment without pip.
ensure_venv_module() {
    "$1" -c 'import ensurepip' >/dev/null 2>&1 && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if can_install_packages; then
        apt_install "$package"
    else
        die "$1 has no ensurepip, so it cannot make a virtual environment" "sudo apt install $package"
    fi
}

make_environment() {
    python=$(find_python) || die "no Python 3.11 or newer found${PYTHON:+ (PYTHON=$PYTHON)}" "$(how_to_get_python)"
    note "making .venv with $("$python" --version) ($python)"
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --seed --python "$python" .venv
    else
        ensure_venv_module "$python"
        "$python" -m venv .venv
    fi
}

find_uv() {
    if [ -x .venv/bin/uv ]; then
        echo .venv/bin/uv
    elif command -v uv >/dev/null 2>&1; then
        command -v uv
    elif .venv/bin/python -m pip install --quiet --disable-pip-version-check "$UV_RANGE" >&2; then
        echo .venv/bin/uv
    else
        return 1
    fi
}

install() {
    if uv=$(find_uv); then
        "$uv" sync --quiet --frozen --all-extras --python .venv/bin/python
    else
        note "uv is not to be had here: installing with pip, newest versions in range"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev]'
    fi
}

# llama.cpp's wheel leaves OpenMP's run-time library to the system, and a minimal Debian has none.
ensure_openmp() {
    why=$(.venv/bin/python -c 'import xllamacpp' 2>&1) && return
    case "$why" in
        *libgomp*) if can_install_packages; then apt_install libgomp1; else
            note "embedded models will not run until this is done: sudo apt install libgomp1"
        fi ;;
        *) note "embedded models will not run here: $(echo "$why" | tail -n 1)" ;;
    esac
}

is_new_enough .venv/bin/python || make_environment
note "installing"
install
ensure_openmp
touch .venv/.installed
note "done"
