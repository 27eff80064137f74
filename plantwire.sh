#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up .venv (once), then runs plantwire; without arguments it validates the example body shop.
# Needs Python >= 3.11; where Debian has split off venv, installs that with sudo and says so before.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" venv_extras="${venv_extras-}" # test.sh sets these extras
say() { echo "${0##*/}: $*" >&2; }; stop() { say "$*" && exit 3; }
venv="$here/.venv" pip="$here/.venv/bin/pip" state="$here $(cat "$here"/{pyproject.toml,constraints.txt} | sha256sum)"
if [[ ! -x "$venv/bin/python" || "$(cat "$venv/.ready$venv_extras" 2>/dev/null)" != "$state" ]]; then
  for python in python3 python3.14 python3.13 python3.12 python3.11 ""; do
    "${python:-false}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
  done
  [[ $python ]] || stop "needs Python 3.11 or newer and finds none; on Debian and Ubuntu: apt-get install python3"
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    sudo="$([[ $EUID == 0 ]] || echo sudo)" package="$python-venv"
    [[ -z $sudo ]] || type sudo &>/dev/null || stop "needs $package; as root: apt-get install $package"
    say "needs ${sudo:-root} to install $package: ${sudo:+sudo }apt-get install $package"
    { $sudo apt-get update -qq && $sudo apt-get install -qq -y "$package"; } >&2 || stop "cannot install $package"
  fi
  say "installs into $venv, once; takes about a minute"
  { grep -qF "$venv/" "$pip" && "$pip" -V; } &>/dev/null || "$python" -m venv --clear "$venv" || stop "cannot create $venv"
  PIP_DISABLE_PIP_VERSION_CHECK=1 "$pip" install -q -e "$here$venv_extras" -c "$here/constraints.txt" ||
    stop "cannot install what plantwire needs; is there a network?"
  echo "$state" | tee "$venv/.ready" >"$venv/.ready$venv_extras"
fi
[[ "${BASH_SOURCE[0]}" == "$0" ]] || return 0
(($#)) || say "validates the example; the report will be $PWD/body-shop.html"
(($#)) || set -- validate "$here/topologies/automotive-body-shop/design.yaml" --report body-shop.html
exec "$venv/bin/plantwire" "$@"
