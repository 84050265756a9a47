# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# network: namespaces, wires and addresses.
#
# Each wire is a veth between the router and one other host; an interface bears the name of the
# host at its other end. Addresses are the same in every lab (documentation ranges: RFC 5737,
# RFC 3849), because namespaces keep labs apart. The service addresses are on each node's
# loopback interface (not every kernel has dummy devices).

prefix4=203.0.113.0/24 service4=203.0.113.53
prefix6=2001:db8:53::/48 service6=2001:db8:53::53
router_as=65000

netns_of() { echo "anode-$lab-$1"; }

host_check() {
	case " client router primary $nodes " in
	*" $1 "*) ;;
	*) fail "there is no host \"$1\" in lab \"$lab\": client, router, primary, ${nodes// /, }" ;;
	esac
}

# The wire to a host: the host's address and the router's, of either family.
addr4() {
	case $1 in
	client) echo 198.51.100.2 ;;
	primary) echo 192.0.2.130 ;;
	node?) echo "192.0.2.$((16 * ${1#node} + 2))" ;;
	esac
}
addr6() {
	case $1 in
	client) echo 2001:db8:c::2 ;;
	primary) echo 2001:db8:a::2 ;;
	node?) echo "2001:db8:${1#node}::2" ;;
	esac
}
# The router's end is the address before the host's.
gate4() {
	local a
	a=$(addr4 "$1")
	echo "${a%.*}.$((${a##*.} - 1))"
}
gate6() {
	local a
	a=$(addr6 "$1")
	echo "${a%2}1"
}
node_as() { echo $((65000 + ${1#node})); }

# in_host HOST COMMAND...: for commands that need the network only, not /sys.
in_host() {
	local host=$1
	shift
	nsenter --net="/run/netns/$(netns_of "$host")" "$@"
}

network_up() {
	local host
	network_down # leftovers of a lab of this name
	for host in router client primary $nodes; do
		ip netns add "$(netns_of "$host")" || fail "can't make a network namespace"
		in_host "$host" ip link set lo up
		# Addresses are ours alone: usable at once (the servers bind to them).
		in_host "$host" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0
	done
	in_host router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for host in client primary $nodes; do network_wire "$host"; done
	for host in $nodes; do
		[ "$engine" = none ] || network_room "$host"
		in_host "$host" ip addr add $service4/32 dev lo
		in_host "$host" ip addr add $service6/128 dev lo nodad
	done
}

network_wire() {
	local host=$1 a4 g4
	a4=$(addr4 "$host") g4=$(gate4 "$host")
	ip link add name "$host" netns "$(netns_of router)" \
		type veth peer name router netns "$(netns_of "$host")"
	in_host router ip addr add "$g4/30" dev "$host"
	in_host router ip addr add "$(gate6 "$host")/64" dev "$host" nodad
	in_host router ip link set "$host" up
	in_host "$host" ip addr add "$a4/30" dev router
	in_host "$host" ip addr add "$(addr6 "$host")/64" dev router nodad
	in_host "$host" ip link set router up
	in_host "$host" ip route add default via "$g4"
	in_host "$host" ip -6 route add default via "$(gate6 "$host")"
	# veth hands packets over with their checksum still to be computed, and then nobody
	# verifies any: without offload the client checks what the fast path wrote, as over a wire.
	in_host "$host" ethtool -K router tx off >/dev/null
	in_host router ethtool -K "$host" tx off >/dev/null
}

# What comes in on a node's interface lies in buffers as large as a NIC's (wire.bpf.c).
network_room() {
	in_host router tc qdisc add dev "$1" clsact &&
		in_host router tc filter add dev "$1" egress bpf direct-action \
			object-file "$lab_build/deploy/lab.d/wire.bpf.o" section tc ||
		fail "can't attach $lab_build/deploy/lab.d/wire.bpf.o by tc (sch_clsact, cls_bpf)"
}

# Namespaces by name, so that this works without any record. Whoever still runs in one of them
# was started by this lab, or by a person through `exec`: it loses its network, so it ends here.
network_down() {
	local host netns pid pids
	for host in client primary node1 node2 router; do
		netns=$(netns_of "$host")
		[ -e "/run/netns/$netns" ] || continue
		pids=$(ip netns pids "$netns" 2>/dev/null) || true
		for pid in $pids; do
			[ "$pid" = $$ ] || kill -s KILL "$pid" 2>/dev/null || true
		done
		ip netns del "$netns"
	done
}
