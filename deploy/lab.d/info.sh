# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# info: what there is in a lab, for people and for scripts.

info_process() { # HOST PROC
	local pid
	pid=$(process_alive "$1" "$2") || pid=null
	jq -n --argjson pid "$pid" --arg log "$dir/log/$1.$2" --arg start "$dir/run/$1.$2" \
		'{pid: $pid, log: $log, start: $start}'
}

info_processes() { # HOST
	local run
	for run in "$dir/run/$1".*; do
		[ -e "$run" ] || continue
		info_process "$1" "${run##*.}" | jq --arg p "${run##*.}" '{($p): .}'
	done | jq -s 'add // {}'
}

# How the program is attached, as the kernel says it.
info_xdp() {
	in_host "$1" ip -d -j link show dev router |
		jq '.[0].xdp as $x | if $x then {mode: ({"1": "native", "2": "generic", "3": "offloaded"}[$x.mode | tostring] // "multiple"), program: $x.prog.id} else null end'
}

info_host() { # HOST
	local host=$1 home=$dir/$1
	case $host in
	router)
		jq -n --arg home "$home" --arg make "$router" '
			if $make == "bird" then {sockets: {bird: ($home + "/bird.ctl")}}
			else {sockets: {vty: $home}} end'
		;;
	primary) jq -n --arg home "$home" '{sockets: {knot: ($home + "/knot.sock")}}' ;;
	node?)
		jq -n --arg home "$home" --arg node "$host" --arg lab "$lab" --arg server "$server" \
			--argjson number "$(node_as "$host")" --argjson xdp "$(info_xdp "$host")" '{
				"as": $number, interface: "router", xdp: $xdp, config: ($home + "/anode.yaml"),
				mirror_key: ($home + "/mirror.key"), bird_state: ($home + "/bird"),
				pins: "/sys/fs/bpf/anode/\($lab)-\($node)",
				sockets: {
					anoded: ($home + "/control.sock"), bird: ($home + "/birdctl/bird.ctl"),
					server: ($home + "/server/\($server).sock")}}'
		;;
	*) echo '{}' ;;
	esac | jq --arg host "$host" --arg netns "$(netns_of "$host")" \
		--arg a4 "$(addr4 "$host")" --arg a6 "$(addr6 "$host")" \
		--argjson processes "$(info_processes "$host")" '
		{($host): ({netns: $netns, addresses: (if $a4 == "" then [] else [$a4, $a6] end),
			processes: $processes} + .)}'
}

info_zones() {
	local origin file
	while read -r origin file; do
		jq -n --arg origin "$origin" --arg file "$file" \
			--argjson serial "$(awk 'NR == 1 { print $7 }' "${file%zone}records")" \
			--argjson records "$(awk 'END { print NR - 1 }' "${file%zone}records")" \
			'{origin: $origin, file: $file, serial: $serial, records: $records}'
	done <"$dir/zones/list" | jq -s .
}

info_questions() {
	jq -R 'split(" ") | {case: .[0], name: .[1], type: .[2]}' <"$dir/questions" | jq -s .
}

info_json() {
	local host
	for host in client router primary $nodes; do info_host "$host"; done | jq -s \
		--arg name "$lab" --arg dir "$dir" --arg engine "$engine" --arg server "$server" \
		--arg router "$router" --argjson zones "$(info_zones)" \
		--argjson questions "$(info_questions)" \
		--argjson prefixes "[\"$prefix4\", \"$prefix6\"]" \
		--argjson service "[\"$service4\", \"$service6\"]" '
		{schema: 1, name: $name, dir: $dir, logs: ($dir + "/log"), engine: $engine,
		 server: $server, router: $router, prefixes: $prefixes, service: $service,
		 zones: $zones, questions: $questions, hosts: add}'
}

info_text() {
	info_json | jq -r '
		"lab \(.name): \(.server) behind \(.router), engine \(.engine)",
		"  service   \(.service | join("  "))   announced as \(.prefixes | join("  "))",
		(.zones[] | "  zone      \(.origin)  serial \(.serial), \(.records) records"),
		(.hosts | to_entries[] | "  \((.key + "         ")[:9]) \(.value.addresses | join("  "))"
			+ (if .value.xdp then "   XDP \(.value.xdp.mode)" else "" end)
			+ "   " + (.value.processes | to_entries | map("\(.key) \(.value.pid // "ended")") | join(", "))),
		"  logs      \(.logs)"'
}
