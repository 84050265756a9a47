# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# stage: namespaces and processes of a test that needs no whole lab. Sourced, not run.
#
# In: hosts by name, commands. Out: each host a network namespace on one common segment (or on
# none), each process by name. Whatever happens, all of it is gone at the end. stage_dir is a
# folder that every user may enter.

stage_root=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
anodectl=${ANODE_BUILD:-$stage_root/build}/control/cli/anodectl
. "$stage_root/deploy/lab.d/measure.sh"
. "$stage_root/tests/lab/tap.sh"
declare -A stage_pids=()
stage_hosts=()

stage_begin() { # NAME CHECKS
	[ "$(id -u)" = 0 ] || {
		echo "1..0 # SKIP needs root: network namespaces"
		exit 77
	}
	stage_name=anode-$1-$$
	stage_dir=$(mktemp -d)
	chmod 755 "$stage_dir"
	trap stage_end EXIT
	trap 'exit 130' INT TERM HUP
	tap_begin "$2"
}

stage_end() {
	local status=$? who
	trap - EXIT
	for who in "${!stage_pids[@]}"; do stage_kill "$who" KILL; done
	for who in "${stage_hosts[@]}"; do ip netns del "$stage_name-$who"; done
	[ "$tap_bad" = 0 ] || tail -n 8 "$stage_dir"/*.log | sed 's/^/# /'
	rm -rf "$stage_dir"
	tap_end || [ $status != 0 ] || status=1
	exit $status
}

# stage_host NAME [ADDRESS...]: the first host is the segment itself: a bridge.
stage_host() {
	local host=$1 namespace=$stage_name-$1 address
	shift
	ip netns add "$namespace"
	stage_hosts+=("$host")
	ip netns exec "$namespace" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_dad=0
	ip -n "$namespace" link set lo up
	if [ "${#stage_hosts[@]}" = 1 ]; then
		ip -n "$namespace" link add segment type bridge
		ip -n "$namespace" link set segment up
		return
	fi
	ip -n "$namespace" link add lan type veth peer name "$host" netns "$stage_name-${stage_hosts[0]}"
	ip -n "$stage_name-${stage_hosts[0]}" link set "$host" master segment up
	ip -n "$namespace" link set lan up
	for address; do ip -n "$namespace" address add "$address" dev lan; done
}

stage_run() { # HOST COMMAND...
	local host=$1
	shift
	ip netns exec "$stage_name-$host" "$@"
}

# stage_start HOST PROCESS COMMAND...: `enter` becomes the command, so that the pid is its own.
stage_start() {
	local host=$1 who=$2
	shift 2
	setsid "$stage_root/deploy/lab.d/enter" "$stage_name-$host" "$@" >>"$stage_dir/$who.log" 2>&1 </dev/null &
	stage_pids[$who]=$!
}

stage_signal() { kill -s "$2" -- "-${stage_pids[$1]}"; } # PROCESS SIGNAL

stage_kill() { # PROCESS [SIGNAL]: and it is forgotten
	stage_signal "$1" "${2:-KILL}" 2>/dev/null
	stage_signal "$1" CONT 2>/dev/null
	wait "${stage_pids[$1]}" 2>/dev/null
	unset "stage_pids[$1]"
}
