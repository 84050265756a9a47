#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The daemon as an operator meets it: what bad input gets, what is waited for, what a person's
# word does, reload, death, return, and leaving service. Each is looked at where it counts: at the
# router, at the client, in the exit code.
. "$(dirname "$(readlink -f "$0")")/scene.sh"

scene_begin "t-daemon-$$" 35

cat >"$scene_dir/small.zone" <<'ZONE'
$ORIGIN small.test.
$TTL 300
@ SOA ns hostmaster 7 900 300 604800 60
@ NS ns
ns A 192.0.2.99
www A 192.0.2.80
ZONE
# shellcheck disable=SC2016  # $ORIGIN is the zone file's
{
	printf '$ORIGIN large.test.\n$TTL 300\n@ SOA ns hostmaster 3 900 300 604800 60\n@ NS ns\n'
	awk 'BEGIN { for (i = 0; i < 300000; i++) printf "n%d A 192.0.2.%d\n", i, i % 250 + 1
		print "ns A 192.0.2.99" }'
} >"$scene_dir/large.zone"

lab_up --server nsd --router bird --zone small.test="$scene_dir/small.zone" \
	--zone large.test="$scene_dir/large.zone"
info=$(lab_run info --json)
config=$(jq -r .hosts.node1.config <<<"$info")
pins=$(jq -r .hosts.node1.pins <<<"$info")
socket=$(jq -r .hosts.node1.sockets.anoded <<<"$info")
key=$(jq -r .hosts.node1.mirror_key <<<"$info")
service=$(jq -r '.service[0]' <<<"$info")
build=${ANODE_BUILD:-$scene_root/build}
cp "$config" "$scene_dir/good.yaml"

ctl() { lab_run exec node1 anodectl "$@"; }
status_is() { # EXIT CODE
	ctl -q status
	[ $? = "$1" ]
}
shows() { # JQ-FILTER over status
	ctl --json status | jq -e "$1"
}
announced() { # FAMILY: the router has the prefix from the node
	[ "$(lab_run exec router ip -"$1" -j route show \
		"$(jq -r ".prefixes[$1 / 2 - 2]" <<<"$info")" | jq -r '.[0].dev // "none"')" = node1 ]
}
gone() { ! announced "$1"; }
both() { "$1" 4 && "$1" 6; }
answers() {
	local reply
	reply=$(lab_run exec client kdig @"$service" +timeout=1 +retry=0 +norec "$@")
	echo "$reply"
	grep -q NOERROR <<<"$reply"
}
fast() { ctl --json stats | jq .queries.fast; }
counted_fast() { # the fast path has answered this question
	local before
	before=$(fast) && answers "$@" && [ "$(fast)" -gt "$before" ]
}
counted_passed() { # it has passed it, and the server has answered
	local before
	before=$(fast) && answers "$@" && [ "$(fast)" = "$before" ]
}
ended() { ! lab_run signal node1 anoded 0; }
term() { lab_run signal node1 anoded TERM && measure_await 10 ended; }
start() { lab_run start node1 anoded; }
restart() { term && start; }

check "status says announced" measure_await 15 status_is 0
check "the fast path answers" counted_fast www.small.test A

# What bad input gets.
refused() { # TEXT SED-SCRIPT: exit 3 with that text and place; nothing is started, nothing changed
	sed "$2; s|^instance: .*|instance: never-$$|; s|control.sock|never.sock|" "$scene_dir/good.yaml" \
		>"$scene_dir/bad.yaml"
	! diff "$scene_dir/bad.yaml" "$scene_dir/good.yaml" >/dev/null || return 1
	lab_run exec node1 "$build/control/anoded" -c "$scene_dir/bad.yaml" 2>"$scene_dir/said"
	[ $? = 3 ] || return 1
	cat "$scene_dir/said"
	grep -q "^$scene_dir/bad.yaml:[0-9]*:[0-9]*: .*$1" "$scene_dir/said" && grep -q '^ *^$' "$scene_dir/said" &&
		[ ! -e "/sys/fs/bpf/anode/never-$$" ] && [ ! -e "${socket%/*}/never.sock" ]
}
check "an unknown key is refused, with its place and a suggestion" \
	refused 'unknown key "fastpth", did you mean "fastpath"' 's/^fastpath:/fastpth:/'
check "an address twice is refused" refused 'stands twice' \
	"s/addresses: \\[$service,/addresses: [$service, $service,/"
check "a prefix without a service address is refused" refused 'holds none of the service addresses' \
	's|prefix: 203.0.113.0/24|prefix: 198.18.0.0/24|'
check "a timeout longer than its interval is refused" refused 'longer than the interval' \
	's/^health:/health:\n  interval: 50ms/'
second_daemon() {
	lab_run exec node1 "$build/control/anoded" -c "$config"
	[ $? = 1 ] && status_is 0
}
check "a second daemon is refused, the first goes on" second_daemon
reload_refused() { # EXIT TEXT SED-SCRIPT
	sed "$3" "$scene_dir/good.yaml" >"$config"
	ctl reload 2>"$scene_dir/said"
	[ $? = "$1" ] && cat "$scene_dir/said" && grep -q "$2" "$scene_dir/said" && status_is 0
}
check "a reload of a bad file changes nothing" \
	reload_refused 3 "$config:[0-9]*:[0-9]*: unknown key" 's/^health:/helth:/'
check "a reload that would take a restart changes nothing" \
	reload_refused 3 'fastpath.memory takes a restart' 's/memory: .*/memory: 64MiB/'
reload_good() {
	sed 's/^health:/health:\n  fail: 4/' "$scene_dir/good.yaml" >"$config"
	[ "$(ctl --json reload | jq -c .changed)" = '["health.fail"]' ] &&
		[ "$(ctl config show | jq .health.fail)" = 4 ] && both announced
}
check "a good reload changes what it says, and no route" reload_good

# Replies by the routing table: nothing is looked up where the interface doesn't forward.
forwarding() { # 0|1
	lab_run exec node1 sysctl -qw net.ipv4.conf.router.forwarding="$1" net.ipv6.conf.router.forwarding="$1"
}
awaits_forwarding() {
	local wait='any(.waiting[]; .kind == "forwarding" and .subject == "router IPv'
	shows "$wait"'4" and (.reason | test("net.ipv4.conf.router.forwarding")))' &&
		shows "$wait"'6")' && shows '.fastpath.healthy == false' && status_is 5
}
fib_awaits() {
	forwarding 0
	sed 's/^fastpath:/fastpath:\n  reply: fib/' "$scene_dir/good.yaml" >"$config"
	ctl -q reload && measure_await 5 awaits_forwarding && counted_passed www.small.test A &&
		ctl config check "$config" 2>&1 | grep 'doubtful.*net.ipv6.conf.router.forwarding'
}
check "reply: fib without forwarding is awaited, and said by config check" fib_awaits
fib_answers() {
	forwarding 1
	measure_await 5 status_is 0 && counted_fast www.small.test A &&
		! ctl config check "$config" 2>&1 | grep doubtful
}
check "with forwarding its replies go out" fib_answers
cp "$scene_dir/good.yaml" "$config"
ctl -q reload
measure_await 5 both announced

# A person's word.
withdrawn_by_hand() {
	ctl withdraw --reason "by the test" && measure_await 2 both gone && status_is 6 &&
		shows 'all(.prefixes[]; .override.verb == "withdraw" and .override.reason == "by the test"
			and .override.owner == "uid 0" and .seen == "withdrawn")'
}
check "withdraw withdraws, and says who and why" withdrawn_by_hand
back_by_hand() { ctl auto && measure_await 5 both announced && measure_await 15 status_is 0; }
check "auto brings it back" back_by_hand
one_family() {
	ctl withdraw --family 4 --for 8s && measure_await 5 gone 4 && announced 6 && status_is 5 &&
		measure_await 15 announced 4 && announced 6
}
check "a withdrawal of one family leaves the other, and ends by itself" one_family
kept() {
	both gone && shows 'all(.prefixes[]; .override.verb == "withdraw" and .override.uid == 0
		and .override.reason == "a line card")'
}
outlives() {
	ctl withdraw --reason "a line card" && measure_await 2 both gone && restart && measure_await 20 kept &&
		ctl auto && measure_await 15 both announced && measure_await 15 status_is 0
}
check "a withdrawal outlives a restart, until auto" outlives
remembers() {
	ctl history --count 20 && ctl --json history | jq -e 'any(.transitions[];
		.to == "withdrawn" and .cause == "override" and (.reason | test("a line card")))'
}
check "history says what happened and why, from before the restart too" remembers
supposes() {
	ctl policy && ctl --json policy --what-if server=refused |
		jq -e 'all(.prefixes[]; .wanted == "announced" and .would.state == "withdrawn" and .would.cause == "refused")' &&
		! ctl policy --what-if moon=full && both announced
}
check "policy says what it would do, and doesn't do it" supposes

# Leaving service and coming back.
leaves() {
	term && both gone && [ ! -e "$pins" ] && [ ! -e "$socket" ] &&
		! lab_run exec node1 ip -j -d link show router | jq -e '.[0].xdp'
}
check "SIGTERM leaves service: withdrawn, detached, unpinned" leaves
check "without the daemon anodectl says that it isn't there (4)" status_is 4
check "the server answers alone meanwhile, by its own address" \
	lab_run exec node1 kdig @127.0.0.1 +timeout=1 +retry=0 www.small.test A

waits_for() { shows "any(.waiting[]; .kind == \"$1\" and (.reason | test(\"$2\")))"; }
waits_withdrawn() { waits_for "$1" "$2" && status_is 6 && both gone; }
key_missing() {
	mv "$key" "$key.away" && start && measure_await 5 waits_withdrawn key "No such file"
}
check "a missing key file is awaited, withdrawn" key_missing
key_returns() { mv "$key.away" "$key" && measure_await 20 status_is 0 && counted_fast www.small.test A; }
check "it is noticed when it comes" key_returns

server_down() {
	term && lab_run signal node1 server KILL && start && measure_await 3 status_is 6 && both gone &&
		shows 'any(.health[]; .verdict == "refused")'
}
check "a server that isn't there is awaited, withdrawn" server_down
server_returns() { lab_run start node1 server && measure_await 30 status_is 0; }
check "it is noticed when it comes" server_returns

bird_down() {
	term && lab_run signal node1 bird TERM && start && measure_await 5 waits_withdrawn bird ""
}
check "BIRD that isn't there is awaited" bird_down
bird_returns() { lab_run start node1 bird && measure_await 15 both announced; }
check "it is noticed when it comes" bird_returns

interface_added() {
	sed 's/^  - {name: router,/  - {name: late0}\n&/' "$scene_dir/good.yaml" >"$config"
	restart && measure_await 30 waits_withdrawn interface "" # the program is loaded first
}
check "an interface that isn't there is awaited, withdrawn" interface_added
interface_comes() {
	lab_run exec node1 ip link add late0 type veth peer name late1 &&
		lab_run exec node1 ip link set late0 up && lab_run exec node1 ip link set late1 up &&
		measure_await 25 status_is 0 && shows 'all(.fastpath.interfaces[]; .attached)'
}
check "it is attached when it comes" interface_comes
lab_run exec node1 ip link del late0
cp "$scene_dir/good.yaml" "$config"
ctl -q reload

# A zone that doesn't fit.
too_large() {
	sed 's/memory: .*/memory: 16MiB/' "$scene_dir/good.yaml" >"$config"
	restart && measure_await 30 shows 'any(.zones.first[];
		.zone == "large.test" and .state == "passing" and (.reason | test("raise fastpath.memory")))'
}
check "a zone larger than the image isn't mirrored, and status says so" too_large
# The restarted node is announced again only after a while.
check "its queries pass, and the server answers them" measure_await 20 counted_passed n1.large.test A
check "the other zone is answered fast" counted_fast www.small.test A
cp "$scene_dir/good.yaml" "$config"
restart
measure_await 30 status_is 0

# Death and return: no route moves, no query is lost.
dies_and_returns() {
	measure_begin "$scene_dir/death" 8 50
	lab_run signal node1 anoded KILL && measure_await 2 status_is 4 && counted_dead && start &&
		measure_await 10 status_is 0
	local r=$?
	measure_end
	measure_await 15 test -s "$scene_dir/death/stream4.json" -a -s "$scene_dir/death/stream6.json"
	jq -c '{sent, answered, lost}' "$scene_dir"/death/stream*.json
	[ $r = 0 ] && both announced && jq -es '[.[] | .lost] | add == 0' "$scene_dir"/death/stream*.json
}
counted_dead() { answers www.small.test A; }
check "killed and started again: no query is lost" dies_and_returns
routes_stayed() {
	cat "$scene_dir/death/route.jsonl"
	[ "$(wc -l <"$scene_dir/death/route.jsonl")" = "$(jq '.prefixes | length' <<<"$info")" ]
}
check "and no route changes at the router" routes_stayed
