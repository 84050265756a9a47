# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# router: the edge router between the client and the nodes, in two makes.
#
# In: eBGP sessions from the nodes. Out: the anycast prefixes in its kernel's table. Node1 is the
# nearer one (a higher local preference), so that one can see the traffic move and come back; a
# node that drains (GRACEFUL_SHUTDOWN, RFC 8326) is used only if there is no other.

router_up() {
	mkdir -p "$dir/router/bin"
	"router_up_$router"
}

router_up_bird() {
	local home=$dir/router
	router_config_bird >"$home/bird.conf"
	chown -R bird: "$home"
	printf '#!/bin/sh\nexec /usr/sbin/birdc -s %s/bird.ctl "$@"\n' "$home" >"$home/bin/birdc"
	chmod 755 "$home/bin/birdc"
	process_define router bird bird -f -u bird -g bird -c "$home/bird.conf" -s "$home/bird.ctl"
	process_start router bird
	wait_for 10 "the router's BIRD" "$home/bin/birdc" show status
}

router_config_bird() {
	local node preference
	cat <<-EOT
	log stderr all;
	define ROUTER_ID = 192.0.2.254;
	define ROUTER_AS = $router_as;
	include "$lab_source/bird/anode-router.conf";
	protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
	protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
	EOT
	for node in $nodes; do
		preference=$((300 - 100 * ${node#node}))
		cat <<-EOT
		protocol bgp $node from anode_node4 {
			neighbor $(addr4 "$node") as $(node_as "$node");
			source address $(gate4 "$node");
			default bgp_local_pref $preference;
		}
		protocol bgp ${node}_v6 from anode_node6 {
			neighbor $(addr6 "$node") as $(node_as "$node");
			source address $(gate6 "$node");
			default bgp_local_pref $preference;
		}
		EOT
	done
}

router_up_frr() {
	local home=$dir/router daemon
	router_config_frr >"$home/bgpd.conf"
	chown -R frr: "$home"
	printf '#!/bin/sh\nexec /usr/bin/vtysh --vty_socket %s "$@"\n' "$home" >"$home/bin/vtysh"
	chmod 755 "$home/bin/vtysh"
	echo "log timestamp precision 6" >"$home/zebra.conf"
	for daemon in zebra bgpd; do
		process_define router $daemon /usr/lib/frr/$daemon --log stdout -u frr -g frr \
			-f "$home/$daemon.conf" -i "$home/$daemon.pid" -z "$home/zserv.api" \
			--vty_socket "$home" -P 0
		process_start router $daemon
		wait_for 10 "the router's $daemon" test -S "$home/$daemon.vty"
	done
}

# The operator's snippet with this lab's AS, then the nodes. A node's own preference is set before
# the snippet's rules are called, so that a drain still overrides it.
router_config_frr() {
	local node family address
	echo "log timestamp precision 6"
	sed "s/^router bgp .*/router bgp $router_as/" "$lab_source/frr/anode-router.conf"
	for node in $nodes; do
		for family in 4 6; do
			address=$("addr$family" "$node")
			cat <<-EOT
			route-map $node-$family permit 10
			 set local-preference $((300 - 100 * ${node#node}))
			 call anode$family-import
			exit
			router bgp $router_as
			 bgp router-id 192.0.2.254
			 neighbor $address remote-as $(node_as "$node")
			 neighbor $address peer-group anode$family
			 address-family ipv$family unicast
			  neighbor $address route-map $node-$family in
			 exit-address-family
			exit
			EOT
		done
	done
}

# A node counts as connected when the router has its routes of both families from it.
router_wait() {
	wait_for 60 "the router to learn $prefix4 from $1" "router_learned_$router" 4 "$1"
	wait_for 60 "the router to learn $prefix6 from $1" "router_learned_$router" 6 "$1"
	if [ "$1" = node1 ]; then
		wait_for 10 "the router to forward $prefix4 to node1" router_forwards 4 node1
		wait_for 10 "the router to forward $prefix6 to node1" router_forwards 6 node1
	fi
}

router_learned_bird() {
	local prefix=prefix$1 protocol=$2
	[ "$1" = 4 ] || protocol=${2}_v6
	"$dir/router/bin/birdc" show route "${!prefix}" protocol "$protocol" | grep -q "^${!prefix}\|unicast"
}

router_learned_frr() {
	local prefix=prefix$1 family=ipv$1 address
	address=$("addr$1" "$2")
	"$dir/router/bin/vtysh" -c "show bgp $family unicast ${!prefix} json" |
		jq -e --arg a "$address" 'any(.paths[]?; .peer.peerId == $a and .valid)'
}

# The next hop in the kernel's table is what decides where packets go.
router_forwards() {
	local prefix=prefix$1
	in_host router ip -"$1" route show "${!prefix}" | grep -q "dev $2\b"
}
