# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# servers: the four makes of name server on loopback, for tests that compare answers.
#
# In: a directory of the server's own, the addresses it listens on, a port, limits of UDP replies, and a world: a file
# with a line "zone ORIGIN FILE" for each zone (what "ask_server --world" prints). Out: server_config writes what the
# server needs into the directory, server_run becomes the server, in the foreground, as whoever called. Nothing is kept
# outside of the directory. Every server is as minimal as it can be made: what they say more is optional.

declare -A server_programs=([nsd]=nsd [knot]=knotd [bind]=named [pdns]=pdns_server)

# server_config MAKE DIRECTORY ADDRESSES PORT LIMIT4 LIMIT6 WORLD
server_config() {
	local make=$1
	shift
	mkdir -p "$1"
	"${make}_config" "$@"
}

# server_run MAKE DIRECTORY
server_run() {
	local program=${server_programs[$1]}
	case $1 in
	nsd) exec "$program" -d -c "$2/nsd.conf" ;;
	knot) exec "$program" -c "$2/knot.conf" ;;
	bind) exec "$program" -f -n 1 -U 1 -c "$2/named.conf" ;;
	pdns) exec "$program" --config-dir="$2" ;;
	esac
}

# zones_each WORLD FORMAT: printf with origin and file.
zones_each() {
	local word origin file
	while read -r word origin file; do
		# shellcheck disable=SC2059
		[ "$word" != zone ] || printf "$2" "$origin" "$file"
	done <"$1"
}

nsd_config() {
	local address
	cat >"$1/nsd.conf" <<-EOT
		server:
		    server-count: 1
		    username: ""
		    chroot: ""
		    database: ""
		    zonesdir: "$1"
		    pidfile: "$1/nsd.pid"
		    xfrdfile: "$1/xfrd.state"
		    xfrdir: "$1"
		    zonelistfile: "$1/zone.list"
		    ipv4-edns-size: $4
		    ipv6-edns-size: $5
		    minimal-responses: yes
		    rrl-ratelimit: 0
		    nsid: "ascii_oracle"
	EOT
	for address in $2; do echo "    ip-address: $address@$3"; done >>"$1/nsd.conf"
	printf 'remote-control:\n    control-enable: no\n' >>"$1/nsd.conf"
	zones_each "$6" 'zone:\n    name: "%s"\n    zonefile: "%s"\n' >>"$1/nsd.conf"
}

knot_config() {
	local address list=
	for address in $2; do list+="$address@$3, "; done
	cat >"$1/knot.conf" <<-EOT
		server:
		    listen: [ ${list%, } ]
		    rundir: "$1"
		    udp-workers: 1
		    tcp-workers: 1
		    background-workers: 1
		    udp-max-payload-ipv4: $4
		    udp-max-payload-ipv6: $5
		    nsid: "oracle"
		database:
		    storage: "$1"
		template:
		  - id: default
		    storage: "$1"
		    journal-content: none
		    zonefile-sync: -1
		    semantic-checks: off
		zone:
	EOT
	zones_each "$6" '  - domain: "%s"\n    file: "%s"\n' >>"$1/knot.conf"
}

bind_config() {
	local address list4='' list6=''
	for address in $2; do
		case $address in
		*:*) list6+=" $address;" ;;
		*) list4+=" $address;" ;;
		esac
	done
	cat >"$1/named.conf" <<-EOT
		options {
			directory "$1";
			pid-file none;
			session-keyfile none;
			server-id "oracle";
			cookie-algorithm siphash24;
			cookie-secret "000102030405060708090a0b0c0d0e0f";
			listen-on port $3 {${list4:- none;} };
			listen-on-v6 port $3 {${list6:- none;} };
			recursion no;
			dnssec-validation no;
			empty-zones-enable no;
			minimal-responses yes;
			notify no;
			allow-transfer { any; };
			edns-udp-size $4;
			max-udp-size $4;
			nocookie-udp-size $4;
			check-names primary ignore;
			check-integrity no;
			check-sibling no;
			check-wildcard no;
			check-mx ignore;
			check-mx-cname ignore;
			check-srv-cname ignore;
		};
		controls { };
	EOT
	zones_each "$6" 'zone "%s" { type primary; file "%s"; };\n' >>"$1/named.conf"
}

# Zones are signed already, where they are: the backend must be told (PRESIGNED).
pdns_config() {
	local origin file nsec3
	cat >"$1/pdns.conf" <<-EOT
		launch=bind
		bind-config=$1/zones.conf
		bind-dnssec-db=$1/dnssec.sqlite
		bind-check-interval=0
		local-address=${2// /, }
		local-port=$3
		socket-dir=$1
		daemon=no
		guardian=no
		disable-syslog=yes
		loglevel=4
		version-string=anonymous
		server-id=oracle
		security-poll-suffix=
		receiver-threads=1
		distributor-threads=1
		cache-ttl=0
		negquery-cache-ttl=0
		query-cache-ttl=0
		zone-cache-refresh-interval=0
		consistent-backends=no
		8bit-dns=yes
		udp-truncation-threshold=$4
	EOT
	zones_each "$6" 'zone "%s" { type master; file "%s"; };\n' >"$1/zones.conf"
	rm -f "$1/dnssec.sqlite"
	pdnsutil --config-dir="$1" create-bind-db "$1/dnssec.sqlite" >"$1/pdnsutil.log" 2>&1
	while read -r origin; do
		file=$(zones_each "$6" '%s %s\n' | awk -v "o=$origin" '$1 == o { print $2 }')
		# It doesn't read the zone for how it denies.
		nsec3=$(awk '$4 == "NSEC3" { print $5, $6, $7, $8; exit }' "$file")
		[ -z "$nsec3" ] || pdnsutil --config-dir="$1" set-nsec3 "$origin" "$nsec3" >>"$1/pdnsutil.log" 2>&1
		pdnsutil --config-dir="$1" set-presigned "$origin" >>"$1/pdnsutil.log" 2>&1
	done < <(zones_each "$6" '%s %s\n' | zones_signed)
}

# Of lines "ORIGIN FILE", the origins of those that are signed.
zones_signed() {
	local origin file
	while read -r origin file; do
		! grep -qE '[[:space:]]RRSIG[[:space:]]' "$file" || echo "$origin"
	done
}

# resolver_config DIRECTORY ADDRESS UPSTREAM WORLD: unbound as a validator of all signed zones of the world, which asks
# one address for every zone. Nothing is answered out of what it proved before.
resolver_config() {
	mkdir -p "$1"
	zones_each "$4" '%s %s\n' | while read -r _ file; do
		awk '$4 == "DNSKEY" && $5 == 257' "$file"
	done >"$1/anchors"
	cat >"$1/unbound.conf" <<-EOT
		server:
		    interface: $2
		    do-ip6: no
		    do-tcp: no
		    access-control: 127.0.0.0/8 allow
		    do-not-query-localhost: no
		    username: ""
		    chroot: ""
		    directory: "$1"
		    pidfile: ""
		    use-syslog: no
		    num-threads: 1
		    module-config: "validator iterator"
		    aggressive-nsec: no
		    qname-minimisation: no
		    harden-below-nxdomain: no
		    edns-buffer-size: 1232
		    trust-anchor-file: "$1/anchors"
		    local-zone: "test." transparent
		    target-fetch-policy: "0 0 0 0 0"
		    num-queries-per-thread: 1024
		    outgoing-range: 2048
		    infra-cache-min-rtt: 300
		    val-bogus-ttl: 0
		remote-control:
		    control-enable: no
	EOT
	zones_each "$4" 'stub-zone:\n    name: "%s"\n    stub-addr: UPSTREAM\n# %s\n' | sed "s/UPSTREAM/$3/" >>"$1/unbound.conf"
}

# resolver_run DIRECTORY
resolver_run() {
	exec unbound -d -c "$1/unbound.conf"
}
