# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# node: what runs on a node beside anode: the local server and BIRD.
#
# The server is a secondary of the hidden primary: it takes NOTIFY and transfers signed with the
# key `transfer`, and lets 127.0.0.1 and ::1 transfer with the key `mirror` (anoded). Each make of
# server is one file, server-MAKE.sh, with two functions: server_config HOME, and server_command
# HOME, which prints the command line one word a line.

node_up() {
	local node=$1 home=$dir/$1
	mkdir -p "$home/bin" "$home/server" "$home/bird"
	node_secrets "$home"
	# shellcheck source=/dev/null
	. "$lab_source/lab.d/server-$server.sh"
	node_server_up "$node"
	node_bird_up "$node"
}

node_secrets() {
	mirror_secret=$(secret_make)
	(umask 077 && echo "$mirror_secret" >"$1/mirror.key")
}

node_server_up() {
	local node=$1 home=$dir/$1/server origin words
	server_config "$node" "$home"
	mapfile -t words < <(server_command "$home")
	process_define "$node" server "${words[@]}"
	process_start "$node" server
	for origin in $(zone_origins); do
		wait_for 30 "zone $origin at ${node}'s server" node_server_serves "$node" "$origin"
	done
}

# The addresses that the server listens on: its own ones, and the service's.
node_listen() {
	echo 127.0.0.1 ::1 "$(addr4 "$1")" "$(addr6 "$1")" "$service4" "$service6"
}

# Same serial as the primary's.
node_server_serves() {
	local have want
	want=$(awk 'NR == 1 { print $7 }' "$dir/zones/$2records")
	have=$(in_host "$1" kdig @127.0.0.1 +short +timeout=1 +retry=0 "$2" SOA | awk '{ print $3 }')
	[ "$have" = "$want" ]
}

node_bird_up() {
	local node=$1 home=$dir/$1
	# The operator's snippet, but the state files of this node, and each node's own AS.
	sed "s|/run/anod\[e\]/bird/|$home/bir[d]/|" "$lab_source/bird/anode-node.conf" \
		>"$home/anode-node.conf"
	grep -q "$home/bir" "$home/anode-node.conf" || fail "deploy/bird/anode-node.conf has changed its include lines"
	cat >"$home/bird.conf" <<-EOT
	log stderr all;
	define NODE_ID = $(addr4 "$node");
	define NODE_AS = $(node_as "$node");
	define EDGE_AS = $router_as;
	define NODE_ADDR4 = $(addr4 "$node");
	define NODE_ADDR6 = $(addr6 "$node");
	define EDGE_ADDR4 = $(gate4 "$node");
	define EDGE_ADDR6 = $(gate6 "$node");
	include "$home/anode-node.conf";
	EOT
	mkdir -p "$home/birdctl"
	chown bird: "$home/birdctl"
	chmod 750 "$home/birdctl"
	printf '#!/bin/sh\nexec /usr/sbin/birdc -s %s/birdctl/bird.ctl "$@"\n' "$home" >"$home/bin/birdc"
	chmod 755 "$home/bin/birdc"
	process_define "$node" bird \
		bird -f -u bird -g bird -c "$home/bird.conf" -s "$home/birdctl/bird.ctl"
	process_start "$node" bird
	wait_for 10 "BIRD on $node" "$home/bin/birdc" show status
}

# By hand, the way anoded does it: first the state file, then the running BIRD.
node_announce() {
	local protocol
	for protocol in anycast4 anycast6; do
		echo "disabled off;" >"$dir/$1/bird/$protocol.conf"
		"$dir/$1/bin/birdc" enable $protocol >/dev/null
	done
}
