# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# measure: what a lab's client and router see while something happens to a node.
#
# For scripts that run deploy/lab (the demo, the tests); not a part of deploy/lab itself.
# In: a lab's name and a folder. Out: in that folder stream4.json, stream6.json and passing.json
# (lab-stream's reports) and route.jsonl (lab-route's lines). All moments are seconds since 1970.
#
# The caller sets lab_command (the path of deploy/lab) and lab_name.

lab_run() {
	local verb=$1
	shift
	"$lab_command" "$verb" --name "$lab_name" "$@"
}

# For the background only: the job's pid is the command's, so that signals reach it.
lab_become() {
	local verb=$1
	shift
	exec "$lab_command" "$verb" --name "$lab_name" "$@"
}

# measure_begin FOLDER SECONDS RATE [PASSING]: a stream of each family, and the router's table. With
# PASSING also a stream of that rate of queries that only the local server answers, because they
# ask for its name (NSID, an EDNS option: the fast path passes those). They end by themselves after
# SECONDS, whatever becomes of us.
measure_begin() {
	local family service prefixes
	measure_dir=$1
	mkdir -p "$measure_dir"
	rm -f "$measure_dir"/*.json "$measure_dir"/*.jsonl
	measure_pids=()
	lab_run info --json >"$measure_dir/info.json"
	mapfile -t prefixes < <(jq -r '.prefixes[]' "$measure_dir/info.json")
	lab_become exec router lab-route "$2" "${prefixes[@]}" >"$measure_dir/route.jsonl" &
	measure_pids+=($!)
	jq -r '.questions[] | "\(.name) \(.type)"' "$measure_dir/info.json" >"$measure_dir/questions"
	for family in 4 6; do
		service=$(jq -r ".service[$family / 2 - 2]" "$measure_dir/info.json")
		lab_become exec client lab-stream -s "$service" -r "$3" -t "$2" \
			-f "$measure_dir/questions" >"$measure_dir/stream$family.json" &
		measure_pids+=($!)
	done
	if [ -n "${4-}" ]; then
		service=$(jq -r '.service[0]' "$measure_dir/info.json")
		lab_become exec client lab-stream -n -s "$service" -r "$4" -t "$2" \
			-f "$measure_dir/questions" >"$measure_dir/passing.json" &
		measure_pids+=($!)
	fi
	measure_await 5 measure_watching
}

# Streams and watch have begun when the table's first lines are there.
measure_watching() {
	[ "$(wc -l <"$measure_dir/route.jsonl")" -ge \
		"$(jq '.prefixes | length' "$measure_dir/info.json")" ]
}

# measure_await SECONDS COMMAND...: until it succeeds. Silent; fails when the time is over.
measure_await() {
	local end
	end=$((${EPOCHREALTIME/./} + $(jq -n "$1 * 1000000")))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		sleep 0.05
	done
}

# The streams wait another second for late replies, then report.
measure_end() {
	kill -s TERM "${measure_pids[@]}" 2>/dev/null || true
	wait "${measure_pids[@]}" 2>/dev/null || true
}

# route_left FAMILY NODE SINCE: the first moment from SINCE on at which the router sends nothing
# to that node any more; empty if there is none. route_came: the first at which it does.
route_left() { route_moment "$1" "$2" "$3" 0; }
route_came() { route_moment "$1" "$2" "$3" 1; }

# Polled while something is measured: cheaper than jq.
route_moment() {
	awk -F '"' -v family="$1" -v node="$2" -v since="$3" -v there="$4" '
		{ at = substr($3, 3) + 0; prefix = $6; device = $10 }
		at >= since + 0 && (prefix ~ /:/) == (family == 6) && (device == node) == there {
			printf "%.6f\n", at
			exit
		}' "$measure_dir/route.jsonl"
}

# both_left NODE SINCE, both_came NODE SINCE: of both families.
both_left() { [ -n "$(route_left 4 "$1" "$2")" ] && [ -n "$(route_left 6 "$1" "$2")" ]; }
both_came() { [ -n "$(route_came 4 "$1" "$2")" ] && [ -n "$(route_came 6 "$1" "$2")" ]; }

# stream_sum FIELD: of both families.
stream_sum() {
	jq -s "map(.$1) | add" "$measure_dir"/stream[46].json
}

# stream_lost SINCE UNTIL: how many queries sent in that time were lost.
stream_lost() {
	jq -s --argjson since "$1" --argjson until "$2" \
		'[.[].losses[] | select(.to >= $since and .from <= $until) | .count] | add // 0' \
		"$measure_dir"/stream[46].json
}

# milliseconds FROM TO
milliseconds() {
	jq -n --argjson from "$1" --argjson to "$2" '($to - $from) * 1000 | round'
}

# node_state NODE: what anodectl says of a node: "announced", "degraded", "withdrawn".
node_state() {
	lab_run exec "$1" anodectl status --json | jq -r .state
}
node_state_is() { [ "$(node_state "$1")" = "$2" ]; }

# node_queries NODE fast|passed
node_queries() {
	lab_run exec "$1" anodectl stats --json | jq ".queries.$2"
}

# fault_detected NODE SINCE: when the first check failed; asked while it still fails.
fault_detected() {
	lab_run exec "$1" anodectl status --json |
		jq --argjson since "$2" '[.health[] | select(.good | not) | .since | select(. >= $since)]
			| min // empty'
}
