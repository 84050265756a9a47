# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# zone: the zones that the lab serves, as master files in zones/ for the primary.
#
# In: --zone options, or by default the newest root zone that lies beside the repository, or else
# a generated one. Out: zones/list with a line "ORIGIN FILE" for each. Files named by a person are
# served as they are; only the default root zone is made unsigned, because the archive that it
# comes from kept few of its signatures.

zone_prepare() {
	local arg origin file root
	: >"$dir/zones/list"
	if [ ${#zone_args[@]} -gt 0 ]; then
		for arg in "${zone_args[@]}"; do
			origin=${arg%%=*} file=${arg#*=}
			[ -r "$file" ] || fail "--zone $arg: can't read the file"
			zone_add "$origin"
			case $file in
			*.gz) gzip -dc "$file" ;;
			*) cat "$file" ;;
			esac >"$zone_file"
		done
		return
	fi
	# Names are serials: the last in order is the newest.
	root=$(printf '%s\n' "$lab_root"/../shared/data/root/*.zone.gz | sort | tail -n 1)
	if [ -r "$root" ]; then
		zone_add .
		gzip -dc "$root" | zone_unsign >"$zone_file"
	else
		zone_add example.
		zone_generate example. 2000 >"$zone_file"
	fi
}

# Sets zone_file. The origin is checked here, once: it goes into configuration files.
zone_add() {
	local origin=${1%.}
	origin=${origin,,}.
	[[ $origin =~ ^(\.|([a-z0-9_-]{1,63}\.)+)$ && ${#origin} -le 254 ]] ||
		fail "--zone $1: not a zone name that the lab can serve"
	! grep -q "^$origin " "$dir/zones/list" || fail "--zone $1: given twice"
	zone_file=$dir/zones/${origin}zone
	echo "$origin $zone_file" >>"$dir/zones/list"
}

zone_origins() { cut -d ' ' -f 1 "$dir/zones/list"; }

# One record a line, owner on each line, type in the fourth field: the form of the archive.
zone_unsign() {
	awk '$4 !~ /^(RRSIG|NSEC|DNSKEY|ZONEMD)$/'
}

# zone_generate ORIGIN COUNT: a zone like a TLD's: delegations, some with glue inside the zone,
# some with DS; an apex with the usual records; an empty non-terminal. Always the same bytes.
zone_generate() {
	awk -v origin="$1" -v count="$2" 'BEGIN {
		OFS = "\t"
		print "$ORIGIN", origin
		print "$TTL", 3600
		print "@", "SOA", "ns1.nic hostmaster.nic 2026010100 1800 900 604800 600"
		print "@", "NS", "ns1.nic"
		print "@", "NS", "ns2.nic"
		print "@", "MX", "10 mail.nic"
		print "@", "TXT", "\"a zone made for the lab\""
		print "ns1.nic", "A", "192.0.2.201"
		print "ns1.nic", "AAAA", "2001:db8:f::201"
		print "ns2.nic", "A", "192.0.2.202"
		print "ns2.nic", "AAAA", "2001:db8:f::202"
		print "mail.nic", "A", "192.0.2.203"
		print "www.nic", "CNAME", "web.nic"
		print "web.nic", "A", "192.0.2.204"
		print "web.nic", "A", "192.0.2.205"
		print "web.nic", "AAAA", "2001:db8:f::204"
		print "host.below.an.ent", "TXT", "\"an.ent has no records\""
		for (i = 1; i <= count; i++) {
			name = sprintf("d%05d", i)
			if (i % 3 == 0) {
				print name, "NS", "ns1.nic"
				print name, "NS", "ns2.nic"
			} else {
				print name, "NS", "ns1." name
				print name, "NS", "ns2." name
				print "ns1." name, "A", "198.18." int(i / 256) % 256 "." i % 256
				print "ns2." name, "A", "198.19." int(i / 256) % 256 "." i % 256
				print "ns1." name, "AAAA", sprintf("2001:db8:%x::1", i)
			}
			if (i % 5 == 0)
				print name, "DS", sprintf("%d 13 2 %064x", i, i)
		}
	}'
}
