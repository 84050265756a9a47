# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# questions: what the client asks before `up` believes that the lab works.
#
# In: the zones as the primary knows them. Out: the file `questions` with lines "CASE NAME TYPE",
# at least one for each kind of answer that a zone has, each asked over IPv4 and IPv6.

questions_choose() {
	local origin file
	while read -r origin file; do
		awk -v origin="$origin" '
		function ask(what, name, type) {
			if (!(what in asked)) print what, name, type
			asked[what] = 1
		}
		{ owner = tolower($1); type = $4 }
		owner ~ /^\*\./ { wildcard = 1 }
		owner == origin {
			if (type == "SOA") ask("apex", owner, "SOA")
			if (type == "NS") ask("apex-set", owner, "NS")
			next
		}
		type == "NS" { cut[owner] = 1; ask("referral", "below." owner, "A"); next }
		type == "DS" { ask("delegation-signer", owner, "DS"); next }
		type ~ /^(A|AAAA|MX|TXT|CNAME)$/ { held[owner " " type] = 1; order[n++] = owner " " type }
		END {
			# Glue is no answer: names at or below a cut are left out.
			for (i = 0; i < n; i++) {
				split(order[i], f, " ")
				above = f[1]
				while (above != origin && above != "" && !(above in cut))
					above = substr(above, index(above, ".") + 1)
				if (!(above in cut)) ask(tolower(f[2]), f[1], f[2])
			}
			if (!wildcard)
				ask("no-such-name", "no-such-name-in-the-lab" (origin == "." ? "" : ".") origin, "A")
			ask("no-data", origin, "HINFO")
		}' "${file%zone}records"
	done <"$dir/zones/list"
}

# question_ask FAMILY NAME TYPE: an answer over UDP from the service address.
question_ask() {
	local service=service$1
	in_host client kdig @"${!service}" +timeout=1 +retry=0 +norecurse +edns "$2" "$3" |
		grep -q '^;; ->>HEADER<<-.*\(NOERROR\|NXDOMAIN\)'
}

# The same, and the fast path of the node that the router has chosen counted it. Nobody else asks
# anything in the lab by now.
question_ask_fast() {
	local before after
	before=$(anoded_fast node1) || return
	question_ask "$@" || return
	after=$(anoded_fast node1) || return
	[ "$after" -gt "$before" ]
}

questions_check() {
	local what name type family ask=question_ask_fast by=" by the fast path"
	[ "$engine" != none ] && anoded_fast_required || ask=question_ask by=''
	questions_choose >"$dir/questions"
	while read -r what name type; do
		for family in 4 6; do
			wait_for 10 "an answer$by over IPv$family to \"$name $type\" ($what)" \
				$ask $family "$name" "$type" </dev/null
		done
	done <"$dir/questions"
}
