# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# primary: the hidden primary, a Knot that only the nodes' servers know.
#
# In: the master files of zones/. Out: NOTIFY to each node, transfers to whoever signs with the
# key `transfer` (RFC 8945), and zones/ORIGIN.records: each zone as the primary understands it,
# one record a line. A changed master file is served after `exec primary knotc zone-reload`.

primary_up() {
	local origin file home=$dir/primary
	mkdir -p "$home/bin" "$home/data"
	transfer_secret=$(secret_make)
	primary_config >"$home/knot.conf"
	chown -R knot: "$home" "$dir/zones"
	chmod 750 "$home"
	printf '#!/bin/sh\nexec /usr/sbin/knotc -s %s/knot.sock "$@"\n' "$home" >"$home/bin/knotc"
	chmod 755 "$home/bin/knotc"
	process_define primary server knotd -c "$home/knot.conf"
	process_start primary server
	while read -r origin file; do
		wait_for 30 "zone $origin at the primary" primary_settled "$origin" "${file%zone}records"
		[ -e "${file%zone}records" ] || fail "zone $origin can't be loaded: see what follows"
	done <"$dir/zones/list"
}

# Either there is a first transfer, or Knot has given up.
primary_settled() {
	primary_transfer "$1" "$2" || grep -qF "[$1] zone event 'load' failed" "$dir/log/primary.server"
}

primary_config() {
	local node origin file
	cat <<-EOT
	server:
	    rundir: $home
	    user: knot:knot
	    listen: [$(addr4 primary)@53, $(addr6 primary)@53]
	log:
	  - target: stderr
	    any: info
	database:
	    storage: $home/data
	control:
	    listen: $home/knot.sock
	key:
	  - id: transfer
	    algorithm: hmac-sha256
	    secret: "$transfer_secret"
	remote:
	EOT
	for node in $nodes; do
		printf '  - id: %s\n    address: %s\n    key: transfer\n' "$node" "$(addr4 "$node")"
	done
	cat <<-EOT
	acl:
	  - id: nodes
	    key: transfer
	    action: transfer
	template:
	  - id: default
	    storage: $dir/zones
	    acl: nodes
	    notify: [${nodes// /, }]
	    zonefile-load: difference
	    journal-content: changes
	zone:
	EOT
	while read -r origin file; do
		printf '  - domain: "%s"\n    file: "%s"\n' "$origin" "$file"
	done <"$dir/zones/list"
}

# kdig ends a transfer that succeeded with its own comment line, and has no failing exit status
# for one that was refused: an SOA at both ends is the proof.
primary_transfer() {
	in_host primary kdig @"$(addr4 primary)" +tcp +noall +answer +retry=0 +timeout=5 \
		-y "hmac-sha256:transfer:$transfer_secret" "$1" AXFR >"$2.part" || return
	awk '{ type = $4 } NR == 1 { first = type } END { exit !(NR > 1 && first == "SOA" && type == "SOA") }' \
		"$2.part" && mv "$2.part" "$2"
}
