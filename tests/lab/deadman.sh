#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The dead man: anoded killed, frozen, and what the lines of deploy/systemd's units do then, as the
# router sees it. The lab has no systemd: the units' own command lines are run with what systemd
# would tell them ($SERVICE_RESULT).
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_begin "t-deadman-$$" 20
lab_up --nodes 1

units=$scene_root/deploy/systemd
home=$(jq -r .folder <<<"$(lab_run info --json)")
[ -d "$home" ] || home=/run/anode-lab/$lab_name
config=$home/node1/anode.yaml
# Whole units are read by systemd itself, with the programs as they were built here.
units_good() {
	local unit build=${ANODE_BUILD:-$scene_root/build}
	for unit in anoded.service anode-deadman.service anode-deadman.timer; do
		sed "s|/usr/sbin/anoded|$build/control/anoded|; s|/usr/bin/anodectl|$build/control/cli/anodectl|" \
			"$units/$unit" >"$scene_dir/$unit"
	done
	systemd-analyze verify --man=no "$scene_dir"/*.service "$scene_dir"/*.timer
}
check "systemd takes the units" units_good

# unit_line UNIT KEY [RESULT]: runs that command line on node1.
unit_line() {
	local line
	line=$(sed -n "s/^$2=//p" "$units/$1" | sed "s|/usr/bin/anodectl -c /etc/anode/anode.yaml|anodectl -c $config|; s/60s/1s/")
	[ -n "$line" ] || return
	echo "$line"
	# shellcheck disable=SC2086  # words of a command line
	lab_run exec node1 env ${3:+SERVICE_RESULT=$3} $line
}
stop_post() { unit_line anoded.service ExecStopPost "$1"; }
timer_turn() { unit_line anode-deadman.service ExecStart; }

routed() { # at the router, both families
	lab_run exec router ip -4 -j route show 203.0.113.0/24 | jq -es '.[0][0].dev == "node1"' &&
		lab_run exec router ip -6 -j route show 2001:db8:53::/48 | jq -es '.[0][0].dev == "node1"'
}
unrouted() {
	lab_run exec router ip -4 -j route show 203.0.113.0/24 | jq -es '. == [[]]' &&
		lab_run exec router ip -6 -j route show 2001:db8:53::/48 | jq -es '. == [[]]'
}
stays() { # COMMAND: through a second
	local i
	for i in $(seq 10); do
		"$@" >/dev/null || return
		sleep 0.1
	done
}
death_is() { sed -i "s/^  on_daemon_death:.*//; s/^routing:/routing:\n  on_daemon_death: $1/" "$config"; }
killed() { lab_run signal node1 anoded KILL; }
returns() { lab_run start node1 anoded && measure_await 40 routed; }

check "announced" measure_await 10 routed
death_is hold
hold() { killed && stop_post signal && stays routed; }
check "killed, on_daemon_death hold: the routes stay" hold
check "back again: it adopts them" returns
death_is withdraw
clean() { stop_post success && stays routed; }
check "withdraw, but it left service by itself: nothing is touched" clean
withdraw() {
	killed || return
	local at=$EPOCHREALTIME
	stop_post signal && measure_await 2 unrouted &&
		echo "withdrawn $(milliseconds "$at" "$EPOCHREALTIME") ms after ExecStopPost began"
}
check "killed, on_daemon_death withdraw: withdrawn at the router" withdraw
configured() { lab_run exec node1 birdc configure && stays unrouted; }
check "and stays so over BIRD's configure" configured
check "back again: announced by its own conditions" returns

# The watchdog ends a frozen one; here the timer finds it first, twice.
frozen_first() { lab_run signal node1 anoded STOP && timer_turn && stays routed; }
check "frozen: the timer's first turn only notes it" frozen_first
frozen_again() { timer_turn && measure_await 2 unrouted; }
check "still frozen: the next one withdraws" frozen_again
woken() { lab_run signal node1 anoded CONT && stays unrouted; }
check "woken up it finds itself superseded: stays withdrawn" woken
superseded() {
	lab_run exec node1 anodectl status --json |
		jq -es '.[0].prefixes | length == 2 and all(.cause == "superseded")'
}
check "and says so" measure_await 5 superseded
taken_back() { lab_run exec node1 anodectl auto && measure_await 40 routed; }
check "until an operator's auto" taken_back
alive() { timer_turn && stays routed && ! lab_run exec node1 test -e "$home/node1/bird/dead-since"; }
check "the timer lets a daemon that answers alone, and forgets" alive

by_hand() {
	killed && lab_run exec node1 anodectl -c "$config" withdraw --offline --family 4 --reason "by hand" --json >"$scene_dir/end" &&
		jq -e '.end == "withdrawn"' "$scene_dir/end" &&
		lab_run exec router ip -4 -j route show 203.0.113.0/24 | jq -es '. == [[]]' &&
		lab_run exec router ip -6 -j route show 2001:db8:53::/48 | jq -es '.[0][0].dev == "node1"' &&
		grep -q "by hand" "$home/node1/bird/anycast4.conf"
}
check "by hand, one family, with a reason in the state file" by_hand
broken_config() { # what keeps the daemon dead mustn't keep the dead man from acting
	lab_run start node1 anoded && measure_await 40 routed && killed || return
	cp "$config" "$scene_dir/good" && echo "nonsense: [" >>"$config"
	lab_run exec node1 anodectl -c "$config" -s "$home/node1/control.sock" withdraw --offline --dead-for 1s \
		--state-dir "$home/node1/bird" --bird "$home/node1/birdctl/bird.ctl" && stays routed &&
		lab_run exec node1 anodectl -c "$config" -s "$home/node1/control.sock" withdraw --offline --dead-for 1s \
			--state-dir "$home/node1/bird" --bird "$home/node1/birdctl/bird.ctl" && measure_await 2 unrouted
	local status=$?
	cp "$scene_dir/good" "$config"
	return $status
}
check "dead, and the configuration is broken: the dead man goes by the state files" broken_config
bird_frozen() { # what can't be withdrawn is said, and written down
	lab_run signal node1 bird STOP
	lab_run exec node1 anodectl -c "$config" --timeout 500ms withdraw --offline
	local status=$?
	lab_run signal node1 bird CONT
	[ $status = 5 ] && grep -q "^disabled on;" "$home/node1/bird/anycast6.conf"
}
check "BIRD is frozen: exit 5, and the state files say withdrawn" bird_frozen
check "then it can be withdrawn" lab_run exec node1 anodectl -c "$config" withdraw --offline
bird_gone() {
	lab_run signal node1 bird KILL
	measure_await 5 unrouted
	lab_run exec node1 anodectl -c "$config" withdraw --offline --json >"$scene_dir/end" &&
		jq -e '.end == "bird-gone"' "$scene_dir/end"
}
check "BIRD is gone: nothing to withdraw, exit 0" bird_gone
