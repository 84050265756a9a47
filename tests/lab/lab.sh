#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The lab itself, without anode: its routers do what BGP says, its hidden primary feeds the
# servers, several stand side by side, and nothing of it is left behind.
. "$(dirname "$(readlink -f "$0")")/scene.sh"

scene_begin "t-lab-$$" 17
other=$lab_name-2

lab_up --engine none --nodes 2 --server nsd --router bird
info=$(lab_run info --json)
origin=$(jq -r '.zones[0].origin' <<<"$info")

device_is() { # FAMILY DEVICE
	local prefix
	prefix=$(jq -r ".prefixes[$1 / 2 - 2]" <<<"$info")
	[ "$(lab_run exec router ip -"$1" -j route show "$prefix" | jq -r '.[0].dev // "none"')" = "$2" ]
}
both_at() { device_is 4 "$1" && device_is 6 "$1"; }
move() { # enable|disable NODE, by hand
	lab_run exec "$2" birdc "$1" anycast4 && lab_run exec "$2" birdc "$1" anycast6
}
answers() { # FAMILY [OPTION]
	local address
	address=$(jq -r ".service[$1 / 2 - 2]" <<<"$info")
	lab_run exec client kdig @"$address" +timeout=1 +retry=0 "${@:2}" "$origin" SOA | grep -q NOERROR
}

check "the router sends the prefixes to node1" both_at node1
check "the service answers over UDP, IPv4" answers 4
check "the service answers over UDP, IPv6" answers 6
check "the service answers over TCP, IPv4" answers 4 +tcp
check "the service answers over TCP, IPv6" answers 6 +tcp

withdraw_moves() {
	move disable node1 && measure_await 5 both_at node2
}
return_moves() {
	move enable node1 && measure_await 5 both_at node1
}
nobody_left() {
	move disable node1 && move disable node2 && measure_await 5 both_at none
}
check "a withdrawn prefix moves to node2" withdraw_moves
check "an announced one moves back" return_moves
check "withdrawn from both nodes it has no route" nobody_left
move enable node1 >/dev/null
move enable node2 >/dev/null

drain_moves() { # the drain protocol takes over in place
	local protocol
	for protocol in anycast4 anycast6; do
		lab_run exec node1 birdc enable ${protocol}_drain
		lab_run exec node1 birdc disable $protocol
	done
	measure_await 5 both_at node2
}
check "a draining node is used only if there is no other" drain_moves
move enable node1 >/dev/null

# The transfer of a change: NOTIFY from the primary, signed transfer by the server.
serial_of() { # HOST ADDRESS
	lab_run exec "$1" kdig @"$2" +short "$origin" SOA | awk '{ print $3 }'
}
zone_change() {
	local zone serial
	zone=$(jq -r '.zones[0].file' <<<"$info") serial=$(jq '.zones[0].serial' <<<"$info")
	sed -i "0,/$serial/s//$((serial + 1))/" "$zone"
	lab_run exec primary knotc zone-reload || return
	measure_await 10 serial_is $((serial + 1))
}
serial_is() { [ "$(serial_of node2 127.0.0.1)" = "$1" ]; }
check "a changed zone reaches the servers" zone_change

mirror_refused() {
	! lab_run exec node1 kdig @127.0.0.1 +tcp "$origin" AXFR | grep -q ' IN *NS'
}
mirror_allowed() {
	local secret
	secret=$(cat "$(jq -r .hosts.node1.mirror_key <<<"$info")")
	lab_run exec node1 kdig @127.0.0.1 -y "hmac-sha256:mirror:$secret" "$origin" AXFR | grep -q 'IN.NS'
}
check "a transfer without the key is refused" mirror_refused
check "a transfer with the key is allowed" mirror_allowed

second_up() {
	lab_command_other up --engine none --server knot --router frr --zone example.test="$scene_dir/zone"
}
lab_command_other() {
	local verb=$1
	shift
	"$lab_command" "$verb" --name "$other" "$@"
}
cat >"$scene_dir/zone" <<'ZONE'
$ORIGIN example.test.
$TTL 300
@ SOA ns hostmaster 7 900 300 604800 60
@ NS ns
ns A 192.0.2.99
ZONE
check "a second lab stands beside it, with Knot, FRR and a zone of mine" second_up
lab_command_other down

namespaces_left() { compgen -G "/run/netns/anode-$1-*"; }
second_fails() {
	printf 'broken (' >"$scene_dir/zone"
	! lab_command_other up --engine none --zone example.test="$scene_dir/zone" &&
		[ -d "/run/anode-lab/$other/log" ] && ! namespaces_left "$other"
}
check "an up that can't succeed leaves logs and nothing else" second_fails
lab_command_other down

pids=$(jq '.hosts[].processes[].pid' <<<"$info")
killed_then_down() {
	kill -s KILL "$(jq .hosts.router.processes.bird.pid <<<"$info")"
	ip netns del "anode-$lab_name-client"
	lab_run down && lab_run down && nothing_left
}
nothing_left() {
	! namespaces_left "$lab_name" && ! namespaces_left "$other" &&
		[ ! -e "/run/anode-lab/$lab_name" ] &&
		[ ! -e "/run/anode-lab/$other" ]
}
check "down works on a damaged lab, and twice" killed_then_down
nobody_runs() {
	local pid
	# A zombie has ended; whoever started it is only slow to ask.
	for pid in $pids; do
		! grep -H '^State:.[^ZX]' "/proc/$pid/status" || return 1
	done
}
check "no process of the lab is left" nobody_runs
