#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# anodectl check-zone against real servers: an NSD and a Knot in one namespace, the asker in
# another, no daemon anywhere. Each fault is made, and must be found; the sound zone must not.
. "$(dirname "$(readlink -f "$0")")/stage.sh"
stage_begin zone 24
dir=$stage_dir

stage_host segment
stage_host client 203.0.113.1/24 203.0.113.9/24 2001:db8:f::1/64
stage_host servers 203.0.113.2/24 2001:db8:f::2/64
client=$stage_name-client servers=$stage_name-servers
ip -n "$client" route add default via 203.0.113.2
ip -n "$client" -6 route add default via 2001:db8:f::2
for address in 192.0.2.1/32 192.0.2.2/32 198.51.100.1/32 2001:db8:1::1/128 2001:db8:2::1/128; do
	ip -n "$servers" address add "$address" dev lo
done

# zone_write FILE SERIAL [NAME]: with its two servers.
zone_write() {
	cat >"$1" <<-EOT
	\$ORIGIN example.test.
	\$TTL 60
	@ SOA ns1 hostmaster $2 900 300 604800 60
	@ NS ns1
	@ NS ${3:-ns2}
	ns1 A 192.0.2.1
	ns1 AAAA 2001:db8:1::1
	ns2 A 198.51.100.1
	ns2 AAAA 2001:db8:2::1
	EOT
	chmod 644 "$1"
}

# nsd_up NSID [ZONE]; knot_up NSID: with the zone as it is in its folder.
nsd_up() {
	mkdir -p "$dir/nsd"
	cat >"$dir/nsd/nsd.conf" <<-EOT
	server:
	    username: nsd
	    zonesdir: "$dir/nsd"
	    xfrdfile: "$dir/nsd/xfrd.state"
	    zonelistfile: "$dir/nsd/zone.list"
	    xfrdir: "$dir/nsd"
	    database: ""
	    pidfile: ""
	    server-count: 1
	    rrl-ratelimit: 0
	    nsid: "ascii_$1"
	    ip-address: 192.0.2.1
	    ip-address: 192.0.2.2
	    ip-address: 2001:db8:1::1
	remote-control:
	    control-enable: no
	zone:
	    name: "${2:-example.test}"
	    zonefile: "$dir/nsd/zone"
	EOT
	chown -R nsd: "$dir/nsd"
	server_start nsd 192.0.2.1 nsd -d -c "$dir/nsd/nsd.conf"
}
knot_up() {
	mkdir -p "$dir/knot"
	rm -f "$dir/knot/knot.pid"
	cat >"$dir/knot/knot.conf" <<-EOT
	server:
	    rundir: $dir/knot
	    user: knot:knot
	    nsid: $1
	    listen: [198.51.100.1@53, 2001:db8:2::1@53]
	    udp-workers: 1
	    tcp-workers: 1
	database:
	    storage: $dir/knot
	control:
	    listen: $dir/knot/knot.sock
	template:
	  - id: default
	    storage: $dir/knot
	    journal-content: none
	    zonefile-sync: -1
	    zonefile-load: whole
	zone:
	  - domain: example.test
	    file: $dir/knot/zone
	EOT
	chown -R knot: "$dir/knot"
	server_start knot 198.51.100.1 knotd -c "$dir/knot/knot.conf"
}

server_start() { # NAME ADDRESS COMMAND...
	local who=$1 address=$2
	shift 2
	stage_start servers "$who" "$@"
	measure_await 10 server_answers "$address"
}
server_answers() {
	stage_run client kdig @"$1" +timeout=1 +retry=0 example.test SOA | grep -q ';; ->>HEADER'
}
look() { # WORD...: the answer goes to $dir/look, the exit code is anodectl's
	stage_run client "$anodectl" --timeout 1s check-zone --resolver 192.0.2.1 \
		--grace 100ms "$@" >"$dir/look"
	local status=$?
	cat "$dir/look"
	return $status
}
exits() { # CODE WORD...
	local code=$1 status
	shift
	look "$@"
	status=$?
	echo "exit $status, expected $code"
	[ $status = "$code" ]
}
# finds CODE FINDING WORD...: exactly these kinds, comma-separated, and that exit code.
finds() {
	local code=$1 kinds=$2
	shift 2
	exits "$code" --json example.test "$@" &&
		[ "$(jq -r '[.findings[].finding] | unique | join(",")' "$dir/look")" = "$kinds" ]
}

mkdir -p "$dir/nsd" "$dir/knot"
zone_write "$dir/nsd/zone" 7
zone_write "$dir/knot/zone" 7
check "the servers come up" eval "nsd_up ams1.dns && knot_up fra1.dns"

check "a sound zone: nothing found, exit 0" finds 0 ""
sound_json() {
	jq -e '.schema == 1 and .state == "good" and .up == 4 and .tested == 4 and
		([.servers[].name] | sort) == ["ns1.example.test", "ns2.example.test"] and
		all(.servers[].addresses[] | .udp, .tcp; .serial == 7 and .state == "good" and .rtt > 0) and
		([.servers[].addresses[].udp.nsid] | unique) == ["ams1.dns", "fra1.dns"] and
		([.servers[].addresses[].address] | sort) ==
			["192.0.2.1", "198.51.100.1", "2001:db8:1::1", "2001:db8:2::1"]' "$dir/look"
}
check "the JSON has each server's serial, NSID and time, over UDP and TCP" sound_json
sound_text() { exits 0 example.test && grep -q 'ns2.example.test  *198.51.100.1 .* ms .* ms  *7  *fra1.dns' "$dir/look"; }
check "so has the table" sound_text
nagios_ok() { exits 0 --nagios example.test && grep -q '^ZONE OK - example.test: 4 of 4 .* | up=4 down=0 findings=0$' "$dir/look"; }
check "Nagios: OK" nagios_ok
family() { exits 0 --json --family 6 example.test --accept untested && jq -e '.tested == 2 and .up == 2' "$dir/look"; }
check "one family alone" family
from() {
	exits 0 --from 203.0.113.9 example.test && ! exits 0 --from 203.0.113.77 --family 4 example.test
}
check "--from: an address of this host is used, another one can't be" from
check "a zone that isn't there: exit 1" exits 1 nothing.test
check "the zone's servers by hand, with no resolver" \
	stage_run client "$anodectl" check-zone example.test \
	--server ns1.example.test=192.0.2.1,ns2.example.test=198.51.100.1
check "two servers in one /24: same-prefix (and one node), exit 8" \
	stage_run client sh -c "$anodectl check-zone example.test --json \
	--server ns1.example.test=192.0.2.1,ns2.example.test=192.0.2.2 >$dir/look
	[ \$? = 8 ] && jq -e '[.findings[].finding] == [\"same-prefix\", \"one-node\"]' $dir/look"
same_site() { finds 8 same-site --site '\.([a-z]+)$' && jq -e '.findings[0].text | test("site dns")' "$dir/look"; }
check "--site: two nodes, one site: same-site" same_site

# What a BIRD beside the asker knows of the ways there.
paths() {
	cat >"$dir/bird.conf" <<-'EOT'
	router id 203.0.113.1;
	protocol device {}
	protocol static one {
		ipv4;
		route 192.0.2.0/24 blackhole { bgp_path.prepend(64500); bgp_path.prepend(64500); bgp_path.prepend(64496); };
		route 198.51.100.0/24 blackhole { bgp_path.prepend(64500); bgp_path.prepend(64497); };
	}
	protocol static two {
		ipv4 { preference 100; };
		route 192.0.2.0/24 blackhole { bgp_path.prepend(64500); bgp_path.prepend(64497); };
	}
	EOT
	stage_start client bird bird -f -c "$dir/bird.conf" -s "$dir/bird.ctl"
	measure_await 5 test -S "$dir/bird.ctl" || return
	finds 8 few-paths,same-origin --bird "$dir/bird.ctl" --paths 2 --family 4 --accept untested
	local status=$?
	jq -e '[.servers[].addresses[] | select(.address | test(":") | not) | .path | {prefix, origin, as_paths, best}] ==
		[{prefix: "192.0.2.0/24", origin: 64500, as_paths: 2, best: "64496 64500"},
		 {prefix: "198.51.100.0/24", origin: 64500, as_paths: 1, best: "64497 64500"}]' "$dir/look" ||
		status=1
	return $status
}
check "BIRD's AS paths: few-paths, same-origin" paths

stage_kill nsd
stage_kill knot
all_down() {
	stage_run client "$anodectl" --timeout 1s check-zone example.test --metrics "$dir/metrics" \
		--server ns1.example.test=192.0.2.1,ns2.example.test=198.51.100.1
	[ $? = 6 ]
}
check "all down: exit 6" all_down
metrics_down() {
	cat "$dir/metrics"
	grep -qF 'anode_check_zone_up{zone="example.test",server="ns1.example.test",address="192.0.2.1",transport="tcp"} 0' "$dir/metrics" &&
		grep -qF 'anode_check_zone_findings{zone="example.test",finding="all-down",grade="dead"} 1' "$dir/metrics"
}
check "all down in the metrics" metrics_down
nagios_down() {
	stage_run client "$anodectl" --timeout 1s check-zone example.test --nagios \
		--server ns1.example.test=192.0.2.1,ns2.example.test=198.51.100.1
	[ $? = 2 ]
}
check "all down: Nagios CRITICAL" nagios_down
resolver_down() { # nobody listens there: not asked is not down
	stage_run client "$anodectl" --timeout 1s check-zone example.test --resolver 192.0.2.1 \
		--nagios --metrics "$dir/metrics"
	[ $? = 3 ] && grep -qF 'anode_check_zone_success{zone="example.test"} 0' "$dir/metrics"
}
check "no resolver: Nagios UNKNOWN, and no success in the metrics" resolver_down

nsd_up ams1.dns
check "one server down: exit 5" finds 5 down
nagios_one() { exits 1 --nagios example.test && grep -q '^ZONE WARNING - example.test: 2 of 4 ' "$dir/look"; }
check "one down: Nagios WARNING" nagios_one

zone_write "$dir/knot/zone" 6
knot_up fra1.dns
serials() { finds 5 serials && jq -e 'all(.findings[]; .text | test("ns2.* has serial 6, the newest is 7"))' "$dir/look"; }
check "different serials: exit 5, and who is behind" serials
stage_kill knot
zone_write "$dir/knot/zone" 7 ns3
knot_up fra1.dns
check "another set of NS records" finds 5 ns-set
stage_kill knot
zone_write "$dir/knot/zone" 7
knot_up ams1.dns
one_node() { finds 8 one-node; }
check "the same NSID everywhere: one-node, exit 8" one_node
stage_kill knot
knot_up fra1.dns

# TCP answers of Knot's are lost: a filter somewhere.
no_tcp() {
	ip -n "$servers" rule add from 198.51.100.1 ipproto tcp sport 53 blackhole || return
	finds 5 no-tcp --family 4 --accept untested
	local status=$?
	ip -n "$servers" rule del from 198.51.100.1 ipproto tcp sport 53 blackhole
	return $status
}
check "no answer over TCP: exit 5" no_tcp

lame() {
	stage_kill nsd
	nsd_up ams1.dns other.test
	stage_run client "$anodectl" --timeout 1s check-zone example.test --json \
		--resolver 198.51.100.1 >"$dir/look"
	[ $? = 5 ] && cat "$dir/look" && jq -e '([.findings[].finding] | unique) == ["lame"] and
		all(.findings[]; .text | test("ns1.*REFUSED|ns1.*SERVFAIL"))' "$dir/look"
}
check "a server that doesn't serve the zone: lame" lame
stage_kill nsd
nsd_up ams1.dns
watch_once() { # the first turn's file, then the second's
	rm -f "$dir/metrics"
	stage_start client watch "$anodectl" check-zone example.test --resolver 192.0.2.1 --watch=1 \
		--metrics "$dir/metrics"
	measure_await 5 test -e "$dir/metrics" && stamp=$(stat -c %i "$dir/metrics") &&
		measure_await 5 changed && stage_kill watch TERM
}
changed() { [ "$(stat -c %i "$dir/metrics")" != "$stamp" ] && [ "$(grep -c 'of 4 addresses answer' "$dir/watch.log")" -ge 2 ]; }
check "--watch looks again and rewrites the metrics" watch_once
