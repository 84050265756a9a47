#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# anodectl doctor and bird-config on a node whose BIRD is real: what bird-config prints is sound, and
# each thing that a person may get wrong is found by its name. A router's BIRD is at the other end.
#
# BIRDS names more binaries of BIRD that bird-config's output is given to: newer versions. BIRD
# names the one that runs on the node, instead of Debian's.
. "$(dirname "$(readlink -f "$0")")/stage.sh"
stage_begin doctor 27
bird=${BIRD:-bird}

stage_host segment
stage_host node 192.0.2.1/24 2001:db8:f::1/64
stage_host router 192.0.2.254/24 2001:db8:f::fe/64
home=$stage_dir/node
mkdir -p "$home" "$stage_dir/run/bird"
chmod 755 "$home" "$stage_dir/run" "$stage_dir/run/bird"

cat >"$stage_dir/anode.yaml" <<EOT
version: 1
service: {addresses: [203.0.113.53, "2001:db8:53::53"]}
interfaces: [{name: lan}]
zones: [{name: example.test}]
routing:
  bird: {socket: $home/bird.ctl, state_dir: $stage_dir/run/bird}
  as: 65053
  large_communities: ["65053:1:1"]
  drain: {prepends: 1, med: 50}
  prefixes:
    - {prefix: 203.0.113.0/24, protocol: anycast4, drain_protocol: anycast4_drain, peers: [edge1]}
    - {prefix: "2001:db8:53::/48", protocol: any-cast6, drain_protocol: any-cast6_drain, peers: [edge1]}
EOT
ctl() { stage_run node "$anodectl" -c "$stage_dir/anode.yaml" "$@"; }

# The sound configuration of a node. Faults are made of it by sed.
node_conf() {
	cat <<-EOT
	router id 192.0.2.1;
	protocol device {}
	protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }
	include "$home/anode.conf";
	# graceful restart on; is what a comment says
	protocol bgp edge1 {
		local 192.0.2.1 as 65053;
		neighbor 192.0.2.254 as 64496;
		connect delay time 1;
		bfd on;
		graceful restart off;
		allow local as 1;
		ipv4 { import filter anode_import4; export filter anode_export; };
		ipv6 { import filter anode_import6; export filter anode_export; next hop address 2001:db8:f::1; };
	}
	EOT
}
cat >"$stage_dir/router.conf" <<EOT
define ROUTER_ID = 192.0.2.254;
define ROUTER_AS = 64496;
include "$stage_root/deploy/bird/anode-router.conf";
protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }
protocol bgp node1 from anode_node4 {
	neighbor 192.0.2.1 as 65053; source address 192.0.2.254; bfd on;
	ipv6 { import filter anode_import6; export none; };
}
EOT
printed() { ctl bird-config >"$home/anode.conf" && cat "$home/anode.conf" && node_conf >"$home/bird.conf"; }
check "bird-config prints" printed
check "BIRD takes it, with no state file there" "$bird" -p -c "$home/bird.conf"
others() {
	local other
	for other in ${BIRDS:-}; do
		"$other" --version && "$other" -p -c "$home/bird.conf" || return
	done
}
check "so do other versions (${BIRDS:-none given})" others

birdc_node() { stage_run node birdc -s "$home/bird.ctl" "$@"; }
session_is() { birdc_node show protocols edge1 | grep -q "$1"; }
enabled() { # as anoded does it
	local protocol
	for protocol in anycast4 anycast4_drain any-cast6 any-cast6_drain; do
		echo "disabled off;" >"$stage_dir/run/bird/$protocol.conf"
	done
	birdc_node configure
}
begin() {
	stage_start router router bird -f -c "$stage_dir/router.conf" -s "$stage_dir/router.ctl"
	stage_start node node "$bird" -f -c "$home/bird.conf" -s "$home/bird.ctl"
	measure_await 10 session_is Established
	measure_await 10 bfd_up
}
bfd_up() { birdc_node show bfd sessions | grep -q ' Up '; }
check "the session comes up" begin

# finds CODE NAMES: exactly these remarks that aren't notes, and that exit code.
finds() {
	local code=$1 names=$2 status
	shift 2
	ctl doctor --json "$@" >"$stage_dir/look"
	status=$?
	cat "$stage_dir/look"
	echo "exit $status, expected $code"
	[ $status = "$code" ] &&
		[ "$(jq -r '[.remarks[] | select(.grade != "note") | .name] | unique | join(",")' "$stage_dir/look")" = "$names" ]
}
check "a sound node, withdrawn: nothing found" finds 0 ""
sound_announced() { enabled && measure_await 5 announced && finds 0 ""; }
announced() { birdc_node show route 203.0.113.0/24 exported edge1 | grep -q anycast4; }
check "a sound node, announced: nothing found" sound_announced
conf_found() { jq -e --arg conf "$home/bird.conf" --arg version "$("$bird" --version 2>&1 | awk '{ print $3 }')" \
	'.bird_conf == $conf and .bird == $version' "$stage_dir/look"; }
check "it found BIRD's own configuration file and version" conf_found

# broken SED FINDINGS...: the node's configuration changed by sed, looked at, and put right.
broken() {
	local script=$1 status
	shift
	node_conf | sed "$script" >"$home/bird.conf"
	birdc_node configure
	measure_await 5 settled
	# 3.x goes on for a moment after it has answered.
	measure_await 5 finds "$@"
	finds "$@"
	status=$?
	node_conf >"$home/bird.conf"
	birdc_node configure >/dev/null
	measure_await 10 session_is Established
	return $status
}
# A configure may restart the session, which is down for a moment.
settled() { session_is Established && birdc_node show protocols edge1 | grep -qv Reconf; }
check "graceful restart on" broken 's/graceful restart off/graceful restart on/' 5 graceful-restart
check "export all" broken 's/export filter anode_export/export all/' 5 filter-leaks
check "export none" broken 's/export filter anode_export/export none/' 5 filter-blocks
check "a filter that rejects ours" broken 's/export filter anode_export/export filter { reject; }/' 5 filter-blocks
leak='a protocol static alien { ipv4; route 198.51.100.0/24 blackhole; }'
check "a route that isn't ours goes out" \
	broken "\$$leak
	s/export filter anode_export/export filter { if source = RTS_STATIC then accept; reject; }/" 5 leak
foreign='a protocol static alien { ipv4 { preference 250; }; route 203.0.113.0/24 blackhole; }'
check "our prefix goes out of another protocol" \
	broken "\$$foreign
	s/export filter anode_export/export filter { if source = RTS_STATIC then accept; reject; }/" 5 foreign
check "into the kernel's table" \
	broken '$a protocol kernel { ipv4 { export all; import none; }; }' 5 kernel-export
check "import none: the guard is blind" broken 's/import filter [a-z_46]*/import none/' 8 guard-blind
check "our own AS in a path is a loop: the guard is blind" broken '/allow local as/d' 8 guard-blind
check "another date format" broken '$a timeformat base "%s";' 8 timeformat
peer_gone() {
	node_conf | sed 's/bgp edge1/bgp edge9/' >"$home/bird.conf"
	birdc_node configure && finds 5 no-peer
	local status=$?
	node_conf >"$home/bird.conf"
	birdc_node configure
	measure_await 10 session_is Established && measure_await 10 bfd_up
	return $status
}
check "a peer that isn't there" peer_gone

# The part that bird-config printed, changed by somebody.
spoiled() { # SED CODE FINDINGS
	ctl bird-config | sed "$1" >"$home/anode.conf"
	birdc_node configure
	measure_await 10 session_is Established
	finds "$2" "$3"
	local status=$?
	ctl bird-config >"$home/anode.conf"
	birdc_node configure
	measure_await 10 session_is Established
	return $status
}
check "the include of a state file is missing" spoiled '/anycast4_drain.conf/d' 5 no-include
check "the include has no pattern" spoiled '/anycast4.conf/s/[][]//g' 5 include-literal
check "not disabled ahead of it" spoiled '/^	disabled;/d' 5 not-disabled
check "a protocol is missing" spoiled 's/any-cast6_drain/other6_drain/' 5 no-protocol,not-in-conf

modes() {
	chmod 666 "$home/bird.ctl"
	finds 5 socket-open || return
	chmod 660 "$home/bird.ctl"
	chmod 775 "$stage_dir/run/bird"
	finds 5 state-dir-open || return
	chmod 755 "$stage_dir/run/bird"
	finds 0 ""
}
check "a socket for everybody, state files by anybody" modes
frozen() {
	stage_signal node STOP
	ctl --timeout 500ms doctor --json >"$stage_dir/look"
	local status=$?
	stage_signal node CONT
	[ $status = 5 ] && jq -e '[.remarks[].name] | index("bird-silent")' "$stage_dir/look"
}
check "BIRD is frozen" frozen
fib() {
	stage_run node sysctl -qw net.ipv4.conf.lan.forwarding=0 net.ipv6.conf.lan.forwarding=1
	cp "$stage_dir/anode.yaml" "$stage_dir/fib.yaml"
	echo 'fastpath: {reply: fib}' >>"$stage_dir/fib.yaml"
	measure_await 20 session_is Established && measure_await 10 bfd_up
	stage_run node "$anodectl" -c "$stage_dir/fib.yaml" doctor --json >"$stage_dir/look"
	[ $? = 8 ] && jq -e '[.remarks[] | select(.grade != "note") | .name] == ["forwarding"]' "$stage_dir/look"
}
check "reply: fib without forwarding" fib
unprivileged() { # as BIRD's user would: the state files' folder is closed to it
	stage_kill node TERM
	rm -f "$home/bird.ctl"
	chown bird: "$home"
	chmod 700 "$stage_dir/run"
	stage_start node node "$bird" -f -u bird -g bird -c "$home/bird.conf" -s "$home/bird.ctl"
	measure_await 20 session_is Established && measure_await 10 bfd_up
	finds 5 state-dir-closed
}
vlan() { # veth takes tags away, as most drivers do
	stage_run node ethtool -K lan rxvlan on
	finds 8 rx-vlan-offload
	local status=$?
	ip -n "$stage_name-node" link del lan.7
	return $status
}
if ip -n "$stage_name-node" link add link lan name lan.7 type vlan id 7 2>/dev/null; then
	check "rx-vlan-offload, and a VLAN to serve" vlan
else
	skip "rx-vlan-offload, and a VLAN to serve" "this kernel has no VLAN devices"
fi
check "BIRD's user can't get to the state files" unprivileged
