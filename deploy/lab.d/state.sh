# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# state: what a lab is called, where it keeps its files, and how it fails.
#
# A lab's folder:
#   params            the options of `up`, as shell assignments; exists while the lab is up
#   HOST/             configuration, sockets and data of one host's processes
#   pids/HOST.PROC    "PID STARTTIME": a pid that was reused since is never signalled
#   run/HOST.PROC     the script that starts the process
#   log/HOST.PROC     everything it printed
# All of it is removed by `down`.

lab_home=/run/anode-lab

state_name() {
	[[ $1 =~ ^[a-z0-9][a-z0-9-]{0,19}$ ]] || return
	dir=$lab_home/$1
}

state_create() {
	bpffs_mount
	rm -rf "$dir"
	mkdir -p "$dir"/{pids,run,log,zones}
	local name
	for name in nodes server engine router extra; do
		printf '%s=%q\n' "$name" "${!name}"
	done >"$dir/params"
}

state_load() {
	[ -r "$dir/params" ] || fail_early "there is no lab \"$lab\": deploy/lab up --name $lab"
	# shellcheck source=/dev/null
	. "$dir/params"
}

state_remove() {
	rm -rf "$dir"
	rmdir "$lab_home" 2>/dev/null || true
}

# Every host with systemd has it; a container or a small one may not. It stays: it is where
# everybody expects it.
bpffs_mount() {
	[ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" = bpf_fs ] || mount -t bpf bpf /sys/fs/bpf ||
		fail_early "no bpffs at /sys/fs/bpf, and it can't be mounted"
}

root_required() {
	[ "$(id -u)" = 0 ] || fail_early "only root can make network namespaces: run with sudo"
}

fail_early() {
	trap - EXIT
	echo "lab: $*" >&2
	exit 1
}

# The reason why `up` gives up. The EXIT trap cleans up and says where the logs are.
fail() {
	echo "lab: $*" >&2
	exit 1
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; no longer than every process of
# the lab is alive, because then it never will.
wait_for() {
	local seconds=$1 end=$((${EPOCHREALTIME/./} + $1 * 1000000)) what=$2 dead
	shift 2
	until "$@" >/dev/null 2>&1; do
		dead=$(process_first_dead)
		[ -z "$dead" ] || fail "$dead has ended (see $dir/log/$dead), while waiting for $what"
		[ "${EPOCHREALTIME/./}" -lt $end ] || fail "waited $seconds s in vain for $what"
		sleep 0.05
	done
}

# A secret for one lab: 32 random octets in base64, as every server wants it.
secret_make() {
	head -c 32 /dev/urandom | base64 -w 0
}
