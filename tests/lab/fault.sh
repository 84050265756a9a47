# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# fault: what happens to node1's local server, and what must follow. Sourced after scene.sh.
#
# Every figure is printed beside the goal of the design. What is asserted is twice the goal: the
# test machine has two cores for a whole network, a sanitizer build or a neighbour may steal one,
# and a figure that fails at random teaches nobody anything. Counts of queries have no such slack.

noise=2

within_goal() { # GOAL_MS MEASURED_MS
	echo "measured ${2:-nothing} ms, goal $1 ms, asserted $(($1 * noise)) ms"
	[ -n "$2" ] && [ "$2" -le $(($1 * noise)) ]
}

left_after() { # FAMILY SINCE
	local at
	at=$(route_left "$1" node1 "$2")
	[ -z "$at" ] || milliseconds "$2" "$at"
}
left_within() { within_goal "$1" "$(left_after "$2" "$3")"; } # GOAL_MS FAMILY SINCE


# Streams end, and say what they saw.
stream_good() { # WRONG LOST, at most
	jq -c . "$measure_dir"/stream[46].json
	[ "$(stream_sum answered)" -gt 0 ] && [ "$(stream_sum wrong)" -le "$1" ] &&
		[ "$(stream_sum lost)" -le "$2" ]
}

# What the fast path has not answered of the streams; probes don't come by the wire.
passed_little() { # NODE BEFORE
	local now
	now=$(node_queries "$1" passed)
	echo "passed: $2 before, $now now"
	[ "$now" -le "$2" ]
}

# server_dies GOAL_MS: three checks, after which node1 is withdrawn. Sets `at`.
server_dies() {
	at=$(lab_run signal node1 server KILL)
	measure_await 10 both_left node1 "$at"
	check "server killed: withdrawn at the router, IPv4" left_within "$1" 4 "$at"
	check "server killed: withdrawn at the router, IPv6" left_within "$1" 6 "$at"
	check "server killed: node1 says that it is withdrawn" \
		measure_await 5 node_state_is node1 withdrawn
}

# server_returns [STATE]: two checks. STATE is what node1 says then, if not "announced".
server_returns() {
	local state=${1-announced}
	at=$EPOCHREALTIME
	lab_run start node1 server
	check "server back: announced at the router again" measure_await 60 both_came node1 "$at"
	check "server back: node1 says that it is $state" \
		measure_await 10 node_state_is node1 "$state"
}
