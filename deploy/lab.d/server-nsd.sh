# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# server-nsd: a node's local server in the make NSD. Rate limiting is off, because the lab's one
# client asks more than a real one. A crashed server finds its zones on disk.

server_config() {
	local node=$1 home=$2 address origin file name
	{
		cat <<-EOT
		server:
		    username: nsd
		    zonesdir: "$home"
		    xfrdfile: "$home/xfrd.state"
		    zonelistfile: "$home/zone.list"
		    xfrdir: "$home"
		    database: ""
		    pidfile: ""
		    log-only-syslog: no
		    verbosity: 1
		    server-count: 1
		    rrl-ratelimit: 0
		    rrl-whitelist-ratelimit: 0
		    zonefiles-write: 5
		    hide-version: yes
		    nsid: "ascii_$node"
		EOT
		for address in $(node_listen "$node"); do echo "    ip-address: $address"; done
		cat <<-EOT
		remote-control:
		    control-enable: yes
		    control-interface: "$home/nsd.sock"
		key:
		    name: transfer
		    algorithm: hmac-sha256
		    secret: "$transfer_secret"
		key:
		    name: mirror
		    algorithm: hmac-sha256
		    secret: "$mirror_secret"
		EOT
		while read -r origin file; do
			name=${file##*/}
			cat <<-EOT
			zone:
			    name: "$origin"
			    zonefile: "$home/${name%.zone}.secondary"
			    allow-notify: $(addr4 primary) transfer
			    request-xfr: $(addr4 primary) transfer
			    provide-xfr: 127.0.0.1 mirror
			    provide-xfr: ::1 mirror
			EOT
		done <"$dir/zones/list"
	} >"$home/nsd.conf"
	chown -R nsd: "$home"
	chmod 750 "$home"
}

server_command() {
	printf '%s\n' nsd -d -c "$1/nsd.conf"
}
