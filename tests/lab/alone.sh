#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A node without a fast path (another program sits on its interface, and it isn't required): the
# local server's clients feel every fault, so that the time to withdraw is the time they lose.
. "$(dirname "$(readlink -f "$0")")/scene.sh"
. "$scene_root/tests/lab/fault.sh"

scene_begin "t-alone-$$" 15
echo 'fastpath: {required: false, memory: 64MiB}' >"$scene_dir/extra.yaml"
lab_up --nodes 2 --config-extra "$scene_dir/extra.yaml"

ended() { [ "$(lab_run info --json | jq ".hosts.$1.processes.$2.pid")" = null ]; }
leaves() {
	at=$(lab_run signal node1 anoded TERM) && measure_await 30 both_left node1 "$at" &&
		measure_await 30 ended node1 anoded && lab_run info --json | jq -e '.hosts.node1.xdp == null'
}
another_program() {
	lab_run exec node1 ip link set dev router xdpgeneric \
		object "${ANODE_BUILD:-$scene_root/build}/bpf/pass.bpf.o" section xdp.frags
}
unattached() {
	lab_run exec node1 anodectl status --json |
		jq -e '(.fastpath.healthy | not) and (.fastpath.interfaces | all(.attached | not))'
}
returns_without() {
	at=$EPOCHREALTIME
	another_program && lab_run start node1 anoded && measure_await 30 both_came node1 "$at" && unattached
}
measure_begin "$scene_dir/left" 60 500
check "anoded told to leave: withdrawn, detached, ended" leaves
check "another program there: announced again, and the fast path isn't good" returns_without
measure_end
check "leaving and returning: no query lost or wrong" stream_good 0 0

# lost_within GOAL_MS RATE: what was lost is something, and at most what was asked in that
# time, over both streams.
lost_within() {
	local limit=$(($1 * noise * 2 * $2 / 1000))
	echo "lost $(stream_sum lost) of $(stream_sum sent), asserted at most $limit"
	jq -c .losses "$measure_dir"/stream[46].json
	[ "$(stream_sum lost)" -gt 0 ] && [ "$(stream_sum lost)" -le $limit ]
}

measure_begin "$scene_dir/killed" 90 500
server_dies 150
server_returns degraded # announced, but the fast path is missing
measure_end
check "server killed and back: clients lose no more than that time" lost_within 150 500

measure_begin "$scene_dir/frozen" 90 500
at=$(lab_run signal node1 server STOP)
measure_await 10 both_left node1 "$at"
check "server frozen: withdrawn at the router, IPv4" left_within 400 4 "$at"
check "server frozen: withdrawn at the router, IPv6" left_within 400 6 "$at"
check "server frozen: node1 says that it is withdrawn" measure_await 5 node_state_is node1 withdrawn
# What the frozen server would answer when it goes on counts as lost after a second.
older_than() { jq -en --argjson at "$1" --argjson now "$EPOCHREALTIME" --argjson s "$2" '$now - $at > $s'; }
measure_await 10 older_than "$at" 1.5
at=$EPOCHREALTIME
lab_run signal node1 server CONT >/dev/null
check "server thawed: announced at the router again" measure_await 60 both_came node1 "$at"
measure_end
check "server frozen and thawed: clients lose no more than that time" lost_within 400 500
