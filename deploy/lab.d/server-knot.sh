# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# server-knot: a node's local server in the make Knot DNS.

server_config() {
	local node=$1 home=$2 origin listen
	listen=$(for a in $(node_listen "$node"); do printf '%s@53, ' "$a"; done)
	{
		cat <<-EOT
		server:
		    rundir: $home
		    user: knot:knot
		    nsid: $node
		    listen: [${listen%, }]
		    udp-workers: 1
		    tcp-workers: 1
		log:
		  - target: stderr
		    any: info
		database:
		    storage: $home
		control:
		    listen: $home/knot.sock
		key:
		  - id: transfer
		    algorithm: hmac-sha256
		    secret: "$transfer_secret"
		  - id: mirror
		    algorithm: hmac-sha256
		    secret: "$mirror_secret"
		remote:
		  - id: primary
		    address: $(addr4 primary)
		    key: transfer
		acl:
		  - id: primary
		    address: $(addr4 primary)
		    key: transfer
		    action: notify
		  - id: anode
		    address: [127.0.0.1, "::1"]
		    key: mirror
		    action: transfer
		template:
		  - id: default
		    storage: $home
		    master: primary
		    acl: [primary, anode]
		zone:
		EOT
		for origin in $(zone_origins); do
			printf '  - domain: "%s"\n' "$origin"
		done
	} >"$home/knot.conf"
	chown -R knot: "$home"
	chmod 750 "$home"
}

# A killed Knot leaves its pid file, and doesn't start while a process of that number exists: a
# zombie does until init has asked for it.
server_command() {
	printf '%s\n' sh -c "rm -f '$1/knot.pid'; exec knotd -c '$1/knot.conf'"
}
