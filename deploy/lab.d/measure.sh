# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# measure: what a lab's client and router see while something happens to a node.
#
# For scripts that run deploy/lab (the demo, the tests); not a part of deploy/lab itself.
# In: a lab's name and a folder. Out: in that folder stream4.json, stream6.json (lab-stream's
# reports) and route.jsonl (lab-route's lines). All moments are seconds since 1970.
#
# The caller sets lab_command (the path of deploy/lab) and lab_name.

lab_run() {
	local verb=$1
	shift
	"$lab_command" "$verb" --name "$lab_name" "$@"
}

# measure_begin FOLDER SECONDS RATE: a stream of each family, and the router's table. They end by
# themselves after SECONDS, whatever becomes of us.
measure_begin() {
	local family service prefixes
	measure_dir=$1
	mkdir -p "$measure_dir"
	rm -f "$measure_dir"/*.json "$measure_dir"/*.jsonl
	measure_pids=()
	lab_run info --json >"$measure_dir/info.json"
	mapfile -t prefixes < <(jq -r '.prefixes[]' "$measure_dir/info.json")
	lab_run exec router lab-route "$2" "${prefixes[@]}" >"$measure_dir/route.jsonl" &
	measure_pids+=($!)
	jq -r '.questions[] | "\(.name) \(.type)"' "$measure_dir/info.json" >"$measure_dir/questions"
	for family in 4 6; do
		service=$(jq -r ".service[$family / 2 - 2]" "$measure_dir/info.json")
		lab_run exec client lab-stream -s "$service" -r "$3" -t "$2" \
			-f "$measure_dir/questions" >"$measure_dir/stream$family.json" &
		measure_pids+=($!)
	done
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
		sleep 0.02
	done
}

# The streams wait another second for late replies, then report.
measure_end() {
	kill -s TERM "${measure_pids[@]}" 2>/dev/null || true
	wait "${measure_pids[@]}" 2>/dev/null || true
}

# route_left FAMILY NODE SINCE: the first moment from SINCE on at which the router sends nothing
# to that node any more; empty if there is none. route_came: the first at which it does.
route_left() {
	route_moment "$1" "$3" '.device != $node' "$2"
}
route_came() {
	route_moment "$1" "$3" '.device == $node' "$2"
}
route_moment() {
	jq -rs --argjson family "$1" --argjson since "$2" --arg node "$4" \
		"map(select((.prefix | contains(\":\")) == (\$family == 6) and .at >= \$since and ($3)))
		| first | .at // empty" "$measure_dir/route.jsonl"
}

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
