# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# info: what there is in a lab, for scripts (JSON) and for people (the same as text).

# One line for each value: its path in the object, a tab, the value as JSON. Nothing that we print
# as text holds a quote or a backslash: names and paths are our own, origins are checked.
info_put() { printf '%s\t%s\n' "$1" "$2"; }
info_text_put() { printf '%s\t"%s"\n' "$1" "$2"; }

info_json() {
	info_values | jq -nR '
		reduce (inputs / "\t") as [$path, $value] ({};
			setpath($path / "/" | map(tonumber? // .); $value | fromjson))'
}

info_values() {
	local host
	info_put schema 1
	info_text_put name "$lab"
	info_text_put dir "$dir"
	info_text_put logs "$dir/log"
	info_text_put engine "$engine"
	info_text_put server "$server"
	info_text_put router "$router"
	info_put prefixes "[\"$prefix4\", \"$prefix6\"]"
	info_put service "[\"$service4\", \"$service6\"]"
	info_zones
	info_questions
	for host in client router primary $nodes; do info_host "$host"; done
}

info_zones() {
	local origin file number=0
	while read -r origin file; do
		info_text_put zones/$number/origin "$origin"
		info_text_put zones/$number/file "$file"
		awk -v path=zones/$number '
			NR == 1 { print path "/serial\t" $7 }
			END { print path "/records\t" NR - 1 }' "${file%zone}records"
		number=$((number + 1))
	done <"$dir/zones/list"
}

info_questions() {
	local what name type number=0
	while read -r what name type; do
		info_put questions/$number "{\"case\": \"$what\", \"name\": \"${name//\\/\\\\}\", \"type\": \"$type\"}"
		number=$((number + 1))
	done <"$dir/questions"
}

info_host() {
	local host=$1 path=hosts/$1 home=$dir/$1
	info_text_put "$path/netns" "$(netns_of "$host")"
	info_put "$path/addresses" '[]'
	if [ "$host" != router ]; then
		info_text_put "$path/addresses/0" "$(addr4 "$host")"
		info_text_put "$path/addresses/1" "$(addr6 "$host")"
	fi
	info_put "$path/processes" '{}'
	info_processes "$host"
	case $host in
	router)
		if [ "$router" = bird ]; then
			info_text_put "$path/sockets/bird" "$home/bird.ctl"
		else
			info_text_put "$path/sockets/vty" "$home"
		fi
		;;
	primary) info_text_put "$path/sockets/knot" "$home/knot.sock" ;;
	node?) info_node "$host" ;;
	esac
}

info_node() {
	local path=hosts/$1 home=$dir/$1
	info_put "$path/as" "$(node_as "$1")"
	info_text_put "$path/interface" router
	info_put "$path/xdp" "$(info_xdp "$1")"
	info_text_put "$path/config" "$home/anode.yaml"
	info_text_put "$path/mirror_key" "$home/mirror.key"
	info_text_put "$path/bird_state" "$home/bird"
	info_text_put "$path/pins" "$(node_pins "$1")"
	info_text_put "$path/sockets/anoded" "$home/control.sock"
	info_text_put "$path/sockets/bird" "$home/birdctl/bird.ctl"
	info_text_put "$path/sockets/server" "$home/server/$server.sock"
}

info_processes() {
	local run proc
	for run in "$dir/run/$1".*; do
		[ -e "$run" ] || continue
		proc=${run##*.}
		info_put "hosts/$1/processes/$proc/pid" "$(process_alive "$1" "$proc" || echo null)"
		info_text_put "hosts/$1/processes/$proc/log" "$dir/log/$1.$proc"
		info_text_put "hosts/$1/processes/$proc/start" "$run"
	done
}

# How a program is attached, as the kernel says it: "native", "generic", or null.
info_xdp() {
	# ip asks for the name of the peer's namespace as well, and complains about any that goes.
	in_host "$1" ip -d link show dev router 2>/dev/null | awk '
		{ for (i = 1; i <= NF; i++) {
			if ($i == "xdp") mode = "native"
			if ($i == "xdpgeneric") mode = "generic"
			if ($i == "xdpoffload") mode = "offloaded"
			if ($i == "xdpmulti") mode = "multiple"
		} }
		END { print mode ? "\"" mode "\"" : "null" }'
}

info_text() {
	info_json | jq -r '
		"lab \(.name): \(.server) behind \(.router), engine \(.engine)",
		"  service   \(.service | join("  "))   announced as \(.prefixes | join("  "))",
		(.zones[] | "  zone      \(.origin)  serial \(.serial), \(.records) records"),
		(.hosts | to_entries[] | "  \((.key + "         ")[:9]) "
			+ ([.value.addresses[], (.value.processes | to_entries | map("\(.key) \(.value.pid // "ended")") | .[])]
				+ [if .value.xdp then "XDP \(.value.xdp)" else empty end] | join("  "))),
		"  logs      \(.logs)"'
}
