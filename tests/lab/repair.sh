#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# BIRD in other people's hands: `birdc configure`, `birdc enable`, a state file that is lost. What
# anoded wants is there again within a second (and the time BIRD and the router take), and a
# withdrawn node never flashes up.
. "$(dirname "$(readlink -f "$0")")/scene.sh"
. "$scene_root/tests/lab/fault.sh"

scene_begin "t-repair-$$" 9
lab_up
state=$(lab_run info --json | jq -r .hosts.node1.bird_state)
measure_begin "$scene_dir/repair" 120 10

# came_within GOAL_MS SINCE
came_within() {
	measure_await 10 both_came node1 "$2"
	within_goal "$1" "$(milliseconds "$2" "$(route_came 4 node1 "$2")")" &&
		within_goal "$1" "$(milliseconds "$2" "$(route_came 6 node1 "$2")")"
}
# Two rounds of anoded's repair (a second each) later nothing has happened.
stays() { ! measure_await 2.5 one_left "$1"; }
one_left() { [ -n "$(route_left 4 node1 "$1")" ] || [ -n "$(route_left 6 node1 "$1")" ]; }
stays_away() { ! measure_await 2.5 one_came "$1"; }
one_came() { [ -n "$(route_came 4 node1 "$1")" ] || [ -n "$(route_came 6 node1 "$1")" ]; }
gone_within() { # GOAL_MS SINCE, after it has come
	local came
	measure_await 5 route_seen came "$2" || return
	came=$(route_came 4 node1 "$2")
	measure_await 5 route_seen left "$came" || return
	within_goal "$1" "$(milliseconds "$came" "$(route_left 4 node1 "$came")")"
}
route_seen() { [ -n "$(route_"$1" 4 node1 "$2")" ]; }

at=$EPOCHREALTIME
lab_run exec node1 birdc configure >/dev/null
check "announced: after birdc configure it still is, without a gap" stays "$at"

at=$EPOCHREALTIME
rm -f "$state"/*
lab_run exec node1 birdc configure >/dev/null
check "announced: state files lost and birdc configure: withdrawn by BIRD" measure_await 5 both_left node1 "$at"
check "... and announced again by anoded" came_within 1200 "$at"

server_dies 150

at=$EPOCHREALTIME
lab_run exec node1 birdc configure >/dev/null
check "withdrawn: after birdc configure it still is" stays_away "$at"

at=$EPOCHREALTIME
lab_run exec node1 birdc enable anycast4 >/dev/null
check "withdrawn: enabled by hand: withdrawn again" gone_within 1200 "$at"
measure_end
