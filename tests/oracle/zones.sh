# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# zones: the worlds of the oracle.
#
# In: the templates in zones/, the generator, a root zone if one lies beside the repository. Out: a directory for each
# world, with zone files in zones/ and a vector file world.vec that names them. Keys are made anew each time and thrown
# away with the directory.
#
# A template is loaded at four origins that are equally long, so that names of full length fit everywhere:
# u. unsigned, n. NSEC, h. NSEC3, o. NSEC3 with opt-out.

# Templates and generated zones. A child comes before its parent, which gets its DS.
zone_templates=(child.maze maze octets sizes zeros)
# Where there is NSEC3, names of full length stop NSD 4.6 as it loads them, and BIND's signer.
zone_templates_without_nsec3=(length)

# zone_make WORLD KIND ORIGIN FILE: signs FILE as the kind of world wants, and names it in the world.
zone_make() {
	local world=$1 kind=$2 origin=$3 file=$4 to=$1/zones/$3zone
	{
		case $kind in
		u) zone_flatten "$origin" "$file" "$to" ;;
		n) zone_flatten "$origin" "$file" "$to" && zone_sign_nsec "$world/keys" "$origin" "$to" ;;
		h | o) zone_flatten "$origin" "$file" "$to" && zone_sign_nsec3 "$world/keys" "$origin" "$to" "$kind" ;;
		esac
	} >"$world/log" 2>&1 || {
		cat "$world/log" >&2
		echo "zones: $origin: $file can't be made into a zone" >&2
		return 1
	}
	echo "zone $origin $origin""zone" >>"$world/world.vec"
}

# zone_flatten ORIGIN FILE TO: one record a line, owner on each line, names absolute; and octets that one server reads
# only behind a backslash and another one only without, as numbers.
zone_flatten() {
	octets_number "$2" >"$3.in" &&
		named-compilezone -q -i none -k ignore -m ignore -M ignore -S ignore -n ignore -r ignore -W ignore -s full \
			-o "$3.flat" "$1" "$3.in" &&
		octets_number "$3.flat" >"$3" &&
		rm -f "$3.flat" "$3.in"
}

octets_number() {
	sed -E -e 's/\\\\/\\092/g' -e 's/\\?\[/\\091/g' -e 's/\\?`/\\096/g' -e 's/\\?\{/\\123/g' "$1"
}

# zone_sign_nsec KEYS ORIGIN FILE: by BIND's signer.
zone_sign_nsec() {
	(
		cd "$1" &&
			dnssec-keygen -q -a ECDSAP256SHA256 -f KSK -n ZONE "$2" &&
			dnssec-keygen -q -a ECDSAP256SHA256 -n ZONE "$2" &&
			dnssec-signzone -q -S -P -d . -x -o "$2" -f "$3.signed" "$3"
	) && zone_flatten "$2" "$3.signed" "$3" && rm -f "$3.signed"
}

# zone_sign_nsec3 KEYS ORIGIN FILE KIND: by Knot's signer; BIND's can't sign names of full length so.
zone_sign_nsec3() {
	local opt_out=off out=$1/out role
	[ "$4" = h ] || opt_out=on
	mkdir -p "$out"
	cat >"$1/knot.conf" <<-EOT
		server:
		    rundir: "$1"
		database:
		    storage: "$1"
		policy:
		  - id: sign
		    algorithm: ecdsap256sha256
		    manual: on
		    nsec3: on
		    nsec3-iterations: 0
		    nsec3-salt-length: 0
		    nsec3-opt-out: $opt_out
		    cds-cdnskey-publish: none
		    zone-max-ttl: 1h
		    rrsig-lifetime: 60d
		    rrsig-refresh: 1d
		zone:
		  - domain: "$2"
		    file: "$3"
		    dnssec-signing: on
		    dnssec-policy: sign
		    semantic-checks: off
		    journal-content: none
	EOT
	# Keys of this very second are too young for the signer.
	for role in "ksk=yes zsk=no" "ksk=no zsk=yes"; do
		# shellcheck disable=SC2086
		keymgr -c "$1/knot.conf" "$2" generate $role created=-2h publish=-2h ready=-2h active=-1h || return
	done
	kzonesign -c "$1/knot.conf" -o "$out" "$2" || return
	zone_flatten "$2" "$out/${2}zone" "$3" &&
		dnssec-dsfromkey -2 -f "$3" "$2" >"$1/dsset-$2" &&
		rm -f "$out/${2}zone"
}

# world_begin DIRECTORY; world_end DIRECTORY NAME TYPE: an alias that leads into another zone, if there is one.
world_begin() {
	rm -rf "$1"
	mkdir -p "$1/zones" "$1/keys"
	# The whole run long.
	printf '# Zones of the oracle, made by tests/oracle/zones.sh.\nsetting lease 86400\n' >"$1/world.vec"
}

world_end() {
	printf '\ncase the ends of each question\nask %s %s\npass no_zone\n' "$2" "$3" >>"$1/world.vec"
}

# worlds_make DIRECTORY GENERATOR SEED: prints the worlds' directories.
worlds_make() {
	local here kind name names world=$1/zones-of-all-kinds i
	here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
	world_begin "$world"
	zone_make "$world" u other. "$here/zones/other.zone" || return
	for kind in u n h o; do
		names=("${zone_templates[@]}")
		[[ $kind == [ho] ]] || names+=("${zone_templates_without_nsec3[@]}")
		for name in "${names[@]}"; do
			zone_template "$here/zones" "$name" "$kind" "$world" >"$world/text" || return
			zone_make "$world" $kind "$name.$kind." "$world/text" || return
		done
		for i in 1 2 3; do
			"$2" $(($3 * 3 + i)) 150 >"$world/text" || return
			zone_make "$world" $kind "random$i.$kind." "$world/text" || return
		done
	done
	world_end "$world" alias-other.maze.u. A
	echo "$world"
	root_make "$1/root"
}

# zone_template FOLDER NAME KIND WORLD: the template's text, with the DS of its child.
zone_template() {
	cat "$1/${2%%.*}.zone"
	[ "$2" != maze ] || cat "$4/keys/dsset-child.$2.$3." 2>/dev/null || true
}

# The newest root zone that lies beside the repository, signed with keys of our own, and a zone below it.
root_make() {
	local here root
	here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
	root=$(printf '%s\n' "$here"/../../../shared/data/root/*.zone.gz | sort | tail -n 1)
	[ -r "$root" ] || return 0
	world_begin "$1"
	gzip -dc "$root" | awk '$4 !~ /^(RRSIG|NSEC|DNSKEY|ZONEMD)$/' >"$1/text"
	zone_make "$1" n . "$1/text" || return
	world_end "$1" . SOA
	echo "$1"
}
