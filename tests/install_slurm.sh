#!/usr/bin/env bash
# Debian's SLURM and munge, where they are missing. Says why and ends with 1 where `make test-slurm` cannot run: no root,
# no apt-get, a registry that does not answer.
set -euo pipefail
no() {
  echo "no test on SLURM: $1" >&2
  exit 1
}
unshare --mount true 2> /dev/null || no "this user may not make a mount namespace"
if command -v slurmctld > /dev/null && command -v slurmd > /dev/null && command -v munged > /dev/null; then exit; fi
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || no "slurm-wlm and munge are missing, and this user cannot apt-get"
export DEBIAN_FRONTEND=noninteractive
apt=(timeout 180 apt-get -o DPkg::Lock::Timeout=60 -o Acquire::Retries=1 -o Acquire::http::Timeout=30)
{ "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends slurm-wlm munge; } > /dev/null 2>&1 ||
  no "apt-get could not install slurm-wlm and munge"
