#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The routers' side: deploy/bird's and deploy/frr's snippets on a BIRD and an FRR router in two
# different AS, two nodes with what bird-config prints. First eBGP, then iBGP over several hops; each
# with BFD and an MD5 password. Announcing is done by hand, the way anoded does it.
. "$(dirname "$(readlink -f "$0")")/stage.sh"
stage_begin routers 32

stage_host segment
node_as=65053
declare -A number=([n1]=1 [n2]=2 [rb]=251 [rf]=252)
for host in n1 n2 rb rf; do
	n=${number[$host]}
	stage_host $host "192.0.2.$n/24" "2001:db8:f::$n/64"
	ip -n "$stage_name-$host" address add "198.18.0.$n/32" dev lo
	ip -n "$stage_name-$host" address add "2001:db8:18::$n/128" dev lo
	for other in n1 n2 rb rf; do
		m=${number[$other]}
		[ "$host" = "$other" ] || {
			ip -n "$stage_name-$host" route add "198.18.0.$m/32" via "192.0.2.$m"
			ip -n "$stage_name-$host" -6 route add "2001:db8:18::$m/128" via "2001:db8:f::$m"
		}
	done
done
router_as() { # KIND ROUTER
	case $1.$2 in
	ebgp.rb) echo 64496 ;;
	ebgp.rf) echo 64497 ;;
	*) echo $node_as ;;
	esac
}
# address KIND FAMILY HOST
address() {
	case $1$2 in
	ebgp4) echo "192.0.2.${number[$3]}" ;;
	ebgp6) echo "2001:db8:f::${number[$3]}" ;;
	ibgp4) echo "198.18.0.${number[$3]}" ;;
	ibgp6) echo "2001:db8:18::${number[$3]}" ;;
	esac
}

node_files() { # KIND NODE
	local kind=$1 node=$2 home=$stage_dir/$2 family router hops="" filter=anode_export
	mkdir -p "$home/state/bird"
	[ "$kind" = ebgp ] || hops="multihop;" filter=anode_export_internal
	cat >"$home/anode.yaml" <<-EOT
	version: 1
	service: {addresses: [203.0.113.53, "2001:db8:53::53"]}
	interfaces: [{name: lan}]
	zones: [{name: example.test}]
	routing:
	  bird: {socket: $home/bird.ctl, state_dir: $home/state/bird}
	  as: $node_as
	  upstream_paths: ${paths_wanted:-2}
	  large_communities: ["65053:1:${number[$node]}"]
	  prefixes:
	    - {prefix: 203.0.113.0/24, protocol: anycast4, drain_protocol: anycast4_drain, peers: [rb4, rf4]}
	    - {prefix: "2001:db8:53::/48", protocol: anycast6, drain_protocol: anycast6_drain, peers: [rb6, rf6]}
	EOT
	"$anodectl" -c "$home/anode.yaml" bird-config >"$home/anode.conf"
	{
		cat <<-EOT
		log stderr all;
		router id 192.0.2.${number[$node]};
		protocol device {}
		protocol bfd {
			interface "*" { interval 300 ms; multiplier 3; };
			multihop { interval 300 ms; multiplier 3; };
		}
		include "$home/anode.conf";
		include "$home/leak[.]conf";
		EOT
		# The way to a neighbour over several hops is the kernel's.
		[ "$kind" = ebgp ] || for family in 4 6; do
			echo "protocol kernel { ipv$family { import all; export none; }; learn; }"
		done
		for router in rb rf; do
			for family in 4 6; do
				cat <<-EOT
				protocol bgp $router$family {
					local $(address "$kind" $family "$node") as $node_as;
					neighbor $(address "$kind" $family $router) as $(router_as "$kind" $router);
					hold time 9; connect delay time 1; connect retry time 2; error wait time 1, 4;
					password "${secret:-s3cret}"; bfd on; graceful restart off; allow local as 1; $hops
					ipv$family { import filter anode_import$family; export filter ${export:-$filter}; next hop self; };
				}
				EOT
			done
		done
	} >"$home/bird.conf"
}

rb_files() { # KIND
	local kind=$1 node family hops=""
	[ "$kind" = ebgp ] || hops="multihop;"
	{
		cat <<-EOT
		log stderr all;
		define ROUTER_ID = 192.0.2.251;
		define ROUTER_AS = $(router_as "$kind" rb);
		include "$stage_root/deploy/bird/anode-router.conf";
		protocol bfd {
			interface "*" { interval 300 ms; multiplier 3; };
			multihop { interval 300 ms; multiplier 3; };
		}
		EOT
		[ "$kind" = ebgp ] || for family in 4 6; do
			echo "protocol kernel { ipv$family { import all; export none; }; learn; }"
		done
		for node in n1 n2; do
			for family in 4 6; do
				cat <<-EOT
				protocol bgp $node$family from anode_node$family {
					neighbor $(address "$kind" $family $node) as $node_as;
					source address $(address "$kind" $family rb);
					default bgp_local_pref $((300 - 100 * ${number[$node]}));
					password "s3cret"; bfd on; $hops
				}
				EOT
			done
		done
	} >"$stage_dir/rb.conf"
}

rf_files() { # KIND
	local kind=$1 node family at=""
	mkdir -p "$stage_dir/rf"
	{
		sed "s/^router bgp .*/router bgp $(router_as "$kind" rf)/" "$stage_root/deploy/frr/anode-router.conf"
		for node in n1 n2; do
			for family in 4 6; do
				at=$(address "$kind" $family $node)
				cat <<-EOT
				route-map $node-$family permit 10
				 set local-preference $((300 - 100 * ${number[$node]}))
				 call anode$family-import
				exit
				router bgp $(router_as "$kind" rf)
				 bgp router-id 192.0.2.252
				 neighbor $at remote-as $node_as
				 neighbor $at peer-group anode$family
				 neighbor $at password s3cret
				 neighbor $at bfd 3 300 300
				EOT
				[ "$kind" = ebgp ] || echo " neighbor $at update-source $(address ibgp $family rf)"
				cat <<-EOT
				 address-family ipv$family unicast
				  neighbor $at route-map $node-$family in
				 exit-address-family
				exit
				EOT
			done
		done
	} >"$stage_dir/rf/bgpd.conf"
	: >"$stage_dir/rf/zebra.conf"
	: >"$stage_dir/rf/bfdd.conf"
	chown -R frr: "$stage_dir/rf"
}

start() { # HOST
	local home=$stage_dir/$1 daemon bfd
	case $1 in
	rf)
		for daemon in zebra bfdd bgpd; do
			bfd=()
			[ $daemon != bfdd ] || bfd=(--bfdctl "$home/bfdd.sock")
			stage_start rf "rf-$daemon" /usr/lib/frr/$daemon --log stdout -u frr -g frr \
				-f "$home/$daemon.conf" -i "$home/$daemon.pid" -z "$home/zserv.api" \
				"${bfd[@]}" --vty_socket "$home" -P 0
			measure_await 10 test -S "$home/$daemon.vty" || return
		done
		;;
	rb) stage_start rb rb bird -f -c "$stage_dir/rb.conf" -s "$stage_dir/rb.ctl" ;;
	*)
		rm -f "$home/bird.ctl"
		stage_start "$1" "$1" bird -f -c "$home/bird.conf" -s "$home/bird.ctl"
		;;
	esac
}
birdc_at() { # HOST WORD...
	local socket=$stage_dir/$1/bird.ctl
	[ "$1" != rb ] || socket=$stage_dir/rb.ctl
	birdc -s "$socket" "${@:2}"
}
vty() { vtysh --vty_socket "$stage_dir/rf" -c "$*"; }
announce() { # NODE STATE: announced, degraded, withdrawn
	local family protocol up
	for family in 4 6; do
		for protocol in anycast${family}_drain anycast$family; do
			up=enable
			[ "$2" = announced ] || { [ "$2" = degraded ] && [ $protocol = anycast${family}_drain ]; } || up=disable
			echo "disabled $([ $up = enable ] && echo off || echo on);" >"$stage_dir/$1/state/bird/$protocol.conf"
			birdc_at "$1" $up $protocol
		done
	done
}

declare -A prefix=([4]=203.0.113.0/24 [6]=2001:db8:53::/48)
# has ROUTER NODE: both families, valid; best ROUTER NODE: in use.
has() {
	local family at
	for family in 4 6; do
		at=$(address "$kind" $family "$2")
		case $1 in
		rb) birdc_at rb show route "${prefix[$family]}" protocol "$2$family" | grep -q "unicast" || return ;;
		rf) vty show bgp ipv$family unicast "${prefix[$family]}" json |
			jq -es --arg a "$at" '.[0] | any(.paths[]?; .peer.peerId == $a and .valid)' >/dev/null || return ;;
		esac
	done
}
best() {
	local family at
	for family in 4 6; do
		at=$(address "$kind" $family "$2")
		case $1 in
		rb) birdc_at rb show route "${prefix[$family]}" primary | grep -q "\[$2$family " || return ;;
		rf) vty show bgp ipv$family unicast "${prefix[$family]}" json |
			jq -es --arg a "$at" '.[0] | any(.paths[]?; .peer.peerId == $a and .bestpath.overall)' >/dev/null || return ;;
		esac
	done
}
both() { "$1" rb "$2" && "$1" rf "$2"; } # has|best NODE
neither() { ! "$1" rb "$2" && ! "$1" rf "$2"; }
bfd_up() { # of node 1 with both routers, both families
	[ "$(birdc_at n1 show bfd sessions | grep -c ' Up ')" = 4 ]
}
comes_up() {
	measure_await 30 both has n1 && measure_await 30 both has n2 && measure_await 10 both best n1 &&
		measure_await 20 bfd_up
}
drains() {
	announce n1 degraded
	measure_await 10 both best n2 && echo "both prefer node 2" && both has n1
}
bgp_at() { "$anodectl" -c "$stage_dir/$1/anode.yaml" bgp "${@:2}"; }
bgp_says() { # CODE FILTER
	local status
	bgp_at n1 --json >"$stage_dir/look"
	status=$?
	bgp_at n1
	echo "exit $status, expected $1"
	[ $status = "$1" ] && jq -e "$2" "$stage_dir/look"
}
# Silence alone tells: the hold time is 9 s.
frozen() {
	local at=$EPOCHREALTIME
	stage_signal n1 STOP
	measure_await 6 neither best n1
	local status=$?
	echo "no router uses it after $(milliseconds "$at" "$EPOCHREALTIME") ms"
	stage_signal n1 CONT
	return $status
}
back() { measure_await 40 both best n1 && measure_await 20 bfd_up; }
doctor_good() { stage_run n1 "$anodectl" -c "$stage_dir/n1/anode.yaml" doctor; }

# A node that leaks: 40 routes more, all exported.
leaks() {
	local i
	{
		echo 'filter leak { if source = RTS_STATIC then accept; reject; }'
		echo 'protocol static leaked { ipv4; '
		for i in $(seq 40); do echo "route 198.51.100.$((i * 4))/30 blackhole;"; done
		echo '}'
	} >"$stage_dir/n2/leak.conf"
	export=leak node_files "$kind" n2
	birdc_at n2 configure
}
leak_sent() { [ "$(birdc_at n2 show route exported rb4 count | grep -o '[0-9]* of' | grep -o '[0-9]*' | head -n 1)" -ge 40 ]; }
leak_bird() { # nothing of it is taken, and no more than 10 remembered
	measure_await 10 leak_sent || return
	birdc_at rb show route table master4
	! birdc_at rb show route table master4 | grep -q 198.51.100 &&
		[ "$(birdc_at rb show route filtered protocol n24 | grep -c unicast)" -le 10 ]
}
leak_frr() { measure_await 15 frr_ended; }
frr_ended() { vty show bgp ipv4 unicast summary json | jq -es --arg a "$(address "$kind" 4 n2)" '.[0].peers[$a].state as $s | $s and $s != "Established"'; }
leak_over() {
	rm -f "$stage_dir/n2/leak.conf"
	node_files "$kind" n2
	birdc_at n2 configure
}
password_wrong() { # nothing but the password differs
	secret=other node_files "$kind" n2
	birdc_at n2 configure
	measure_await 20 neither has n2 && ! measure_await 6 sessions_of n2
}
sessions_of() { birdc_at "$1" show protocols | grep BGP | grep -q Established; }
password_right() {
	node_files "$kind" n2
	birdc_at n2 configure
	measure_await 20 has rb n2
}

scenario() { # KIND
	kind=$1
	local host
	for host in n1 n2; do node_files "$kind" $host; done
	rb_files "$kind"
	rf_files "$kind"
	for host in rb rf n1 n2; do start $host; done
	measure_await 10 birdc_at n2 show status
	measure_await 10 birdc_at n1 show status
	announce n1 announced >/dev/null
	announce n2 announced >/dev/null
	check "$kind: both routers have both nodes' prefixes, prefer node 1, BFD is up" comes_up
	check "$kind: bgp shows sessions, BFD and attributes" bgp_says "$3" "$2"
	check "$kind: the doctor finds no fault" doctor_good
	check "$kind: a drain (GRACEFUL_SHUTDOWN) moves both routers, the route stays" drains
	[ "$kind" = ebgp ] || check "$kind: with eBGP's filter a drain would be a loop: the doctor knows" loops
	check "$kind: bgp shows the drain's attributes" bgp_says "$3" 'all(.peers[].prefixes[];
		.state == "degraded" and (.attributes.community | test("65535, ?0")) and
		.attributes.large_community == "(65053, 1, 1)")'
	announce n1 announced >/dev/null
	check "$kind: and back" measure_await 5 both best n1
	announce n1 withdrawn >/dev/null
	check "$kind: withdrawn from both routers" measure_await 5 neither has n1
	announce n1 announced >/dev/null
	check "$kind: announced again" measure_await 5 both best n1
	check "$kind: a frozen node: BFD ends it before the hold time" frozen
	check "$kind: it comes back" back
	leaks >/dev/null
	check "$kind: a node that leaks: BIRD takes nothing, and remembers 10 at most" leak_bird
	check "$kind: a node that leaks: FRR ends the session" leak_frr
	leak_over >/dev/null
	check "$kind: a wrong password: no session" password_wrong
	check "$kind: the right one again" password_right
}
loops() {
	export=anode_export node_files "$kind" n1
	birdc_at n1 configure
	stage_run n1 "$anodectl" -c "$stage_dir/n1/anode.yaml" doctor --json >"$stage_dir/look"
	local status=$?
	cat "$stage_dir/look"
	measure_await 5 neither has n1 || status=1
	node_files "$kind" n1
	birdc_at n1 configure
	[ $status = 5 ] && jq -e '[.remarks[] | select(.grade == "fault") | .name] | unique == ["drain-loops"]' "$stage_dir/look" &&
		measure_await 5 both has n1
}
stop_all() {
	local who
	for who in "${!stage_pids[@]}"; do stage_kill "$who" KILL; done
	rm -rf "$stage_dir"/rf "$stage_dir"/n1 "$stage_dir"/n2 "$stage_dir"/rb.*
}

scenario ebgp '(.peers | length) == 4 and all(.peers[]; .established and .bfd == "Up" and
	(.internal | not) and (.multihop | not) and .local_as == 65053) and
	all(.prefixes[]; .upstream_paths == 2 and .upstreams == ["64496", "64497"]) and
	all(.peers[].prefixes[]; .state == "announced" and .attributes.as_path == "65053")' 0
three_wanted() {
	paths_wanted=3 node_files ebgp n1
	bgp_says 8 '.warnings | length == 2'
	local status=$?
	node_files ebgp n1
	return $status
}
check "bgp: fewer AS paths than wanted: exit 8" three_wanted
one_left() {
	birdc_at n1 disable rf4
	bgp_says 5 'any(.warnings[]; test("203.0.113.0/24: 1 upstream AS path,")) and
		any(.warnings[]; test("rf4: the session is Down")) and .prefixes[0].upstream_paths == 1'
}
check "bgp: a session less: exit 5, and how many AS paths are left" one_left
stop_all
# iBGP: one network behind both, so that one path is all there is.
scenario ibgp '(.peers | length) == 4 and all(.peers[]; .established and .bfd == "Up" and
	.internal and .multihop) and all(.prefixes[]; .upstream_paths == 1) and
	all(.peers[].prefixes[]; .state == "announced" and .attributes.as_path == "")' 8
gone() {
	stage_kill n1 KILL
	bgp_at n1
	[ $? = 4 ]
}
check "bgp: no BIRD: exit 4" gone
