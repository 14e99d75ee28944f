#!/usr/bin/env bash
# A SLURM of one node, for as long as a command runs: tests/cluster.sh COMMAND...
# Needs slurm-wlm and munge, and the right to mount: all of it is in a mount namespace and a folder of its own, so
# neither /etc nor a SLURM that is already there is touched.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  ONEPASS_SLURM=$(mktemp -d)
  export ONEPASS_SLURM
  trap 'rm -rf "$ONEPASS_SLURM"' EXIT
  mkdir -p /etc/slurm
  unshare --mount bash "$0" --inside "$@"
  exit
fi

shift
D=$ONEPASS_SLURM
mkdir -p "$D"/{state,spool,log,run}
mkdir -m 700 "$D/munge"
head -c 128 /dev/urandom > "$D/munge/munge.key"
chmod 400 "$D/munge/munge.key"
cat > "$D/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$(hostname -s)($(printf '127.%s' 0.0.1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$D/munge/munge.sock
CryptoType=crypto/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool/%n
SlurmctldPidFile=$D/run/slurmctld.pid
SlurmdPidFile=$D/run/slurmd.pid
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=2
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,sched_min_interval=100000
ReturnToService=2
MinJobAge=600
KillWait=5
InactiveLimit=0
SlurmctldTimeout=30
SlurmdTimeout=30
NodeName=$(hostname -s) NodeAddr=$(printf '127.%s' 0.0.1) CPUs=$(nproc) RealMemory=$(awk '/MemTotal/{print int($2 / 1024 * 0.9)}' /proc/meminfo) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
mount --bind "$D" /etc/slurm  # srun inside a job looks nowhere else

stop() {
  scancel --user="$(id -un)" 2> /dev/null || true
  for name in slurmd slurmctld munged; do
    if pid=$(cat "$D/run/$name.pid" 2> /dev/null); then
      kill "$pid" 2> /dev/null || true
      timeout 10 tail --pid="$pid" -f /dev/null || true
    fi
  done
}
trap stop EXIT
munged --force --key-file="$D/munge/munge.key" --socket="$D/munge/munge.sock" --pid-file="$D/run/munged.pid" \
  --log-file="$D/log/munged.log" --seed-file="$D/munge/seed"
slurmctld
slurmd
for _ in $(seq 100); do
  if sinfo --noheader --format=%T 2> /dev/null | grep -q idle; then
    "$@"
    exit
  fi
  sleep 0.2
done
echo "the test SLURM did not start; its logs:" >&2
tail -n 20 "$D"/log/*.log >&2
exit 1
