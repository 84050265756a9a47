# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# anoded: the daemon on each node: its configuration, its start, its pins.
#
# In: what the other parts have set up. Out: anode.yaml as an operator would write it for this
# node, the daemon with it, and a wrapper `anodectl` that finds its socket.

# Where the programs are: another build folder (a sanitizer's) can be named.
lab_build=${ANODE_BUILD:-$lab_root/build}

node_pins() { echo "/sys/fs/bpf/anode/$lab-$1"; }

anoded_built() {
	local program
	for program in control/anoded control/cli/anodectl; do
		[ -x "$lab_build/$program" ] ||
			fail_early "$lab_build/$program isn't there: meson setup build && ninja -C build"
	done
}

anoded_up() {
	local node=$1 home=$dir/$1
	anoded_config "$node" | anoded_config_merge "$node" >"$home/anode.yaml"
	printf '#!/bin/sh\nexec %s/control/cli/anodectl -s %s/control.sock "$@"\n' "$lab_build" "$home" \
		>"$home/bin/anodectl"
	chmod 755 "$home/bin/anodectl"
	process_define "$node" anoded "$lab_build/control/anoded" -c "$home/anode.yaml"
	process_start "$node" anoded
}

# Generic mode: veth's native mode needs a program at the other end too and has little room for
# answers. `carrier_stable` is short, as a veth doesn't bounce.
anoded_config() {
	local node=$1 home=$dir/$1 origin
	cat <<-EOT
	version: 1
	instance: $lab-$node
	state_dir: $home/state
	node: {name: $node}
	service:
	  addresses: [$service4, "$service6"]
	interfaces:
	  - {name: router, engine: xdp, mode: generic}
	local_server:
	  address: 127.0.0.1
	  port: 53
	  source: [127.0.0.1, "::1"]
	keys:
	  - {name: mirror, algorithm: hmac-sha256, secret_file: $home/mirror.key}
	zones:
	EOT
	for origin in $(zone_origins); do
		echo "  - {name: \"$origin\", key: mirror, max_lag: 1s}"
	done
	cat <<-EOT
	fastpath:
	  memory: 256MiB
	  nsid: $node
	health:
	  carrier_stable: 1s
	  required: ["$(zone_origins | head -n 1)"]
	routing:
	  bird: {socket: $home/birdctl/bird.ctl, state_dir: $home/bird}
	  prefixes:
	    - {prefix: $prefix4, protocol: anycast4, drain_protocol: anycast4_drain, peers: [edge1]}
	    - {prefix: "$prefix6", protocol: anycast6, drain_protocol: anycast6_drain, peers: [edge1_v6]}
	control: {socket: $home/control.sock}
	log: {level: info}
	EOT
}

# Sections of --config-extra replace ours of the same name, whole.
anoded_config_merge() {
	if [ -z "$extra" ]; then
		cat
		return
	fi
	sed "s|@node@|$1|g; s|@dir@|$dir/$1|g" "$extra" >"$dir/$1/extra.yaml"
	awk '
		function key(line) { return match(line, /^[a-z_]+:/) ? substr(line, 1, RLENGTH) : "" }
		FNR == NR { if (key($0)) theirs[key($0)] = 1; extra = extra $0 "\n"; next }
		key($0) { drop = key($0) in theirs }
		!drop { print }
		END { printf "%s", extra }' "$dir/$1/extra.yaml" -
}

anoded_unpin() {
	local node
	for node in node1 node2; do rm -rf "$(node_pins $node)"; done
	rmdir /sys/fs/bpf/anode 2>/dev/null || true
}

# Whether a node's configuration makes announcing depend on the fast path.
anoded_fast_required() {
	"$dir/node1/bin/anodectl" config show --json | jq -e '.fastpath.required'
}

# Queries that the fast path on a node has answered so far.
anoded_fast() {
	"$dir/$1/bin/anodectl" stats --json | jq -e .queries.fast
}
