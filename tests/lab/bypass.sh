#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# anodectl bypass: the local server answers a zone, or every zone, as long as a person wants it;
# over a restart of the daemon too. Clients see no difference.
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_begin "t-bypass-$$" 11
lab_up --nodes 1
info=$(lab_run info --json)
origin=$(jq -r '.zones[0].origin' <<<"$info") service=$(jq -r '.service[0]' <<<"$info")

ctl() { lab_run exec node1 anodectl "$@"; }
counted() { ctl stats --json | jq -es ".[0].queries.$1"; }
asks() { # how many of ten queries were answered fast
	local before i
	before=$(counted fast)
	for i in $(seq 10); do
		lab_run exec client kdig @"$service" +timeout=1 +retry=0 "$origin" SOA | grep -q NOERROR || return
	done
	fast=$(($(counted fast) - before))
	echo "$fast of 10 answered fast"
}
fast() { asks && [ "$fast" -ge 10 ]; }
passed() { asks && [ "$fast" = 0 ]; }
zone_says() { ctl zones --json "$origin" | jq -es ".[0].zones[0] | .state == \"$1\" and (.trouble | not)"; }

check "answered fast" fast
zone_off() { ctl bypass on "$origin" && measure_await 5 zone_says passing && passed; }
check "the zone is bypassed: answered by the local server, and in no trouble" zone_off
reason() { ctl zones --json "$origin" | jq -es '.[0].zones[0].reason == "bypassed by an operator"'; }
check "and says why" reason
restarted() {
	lab_run signal node1 anoded KILL && lab_run start node1 anoded || return
	measure_await 30 zone_says passing && measure_await 10 reason && passed
}
check "it stays so over a restart" restarted
zone_on() { ctl bypass off "$origin" && measure_await 10 zone_says fast && fast; }
check "off: answered fast again" zone_on
all_off() { ctl bypass on --json | jq -es '.[0].all' && measure_await 5 zone_says passing && passed; }
check "everything bypassed" all_off
all_on() { ctl bypass off && measure_await 10 zone_says fast && fast; }
check "off again" all_on
unknown() { ctl bypass on no.such.zone; [ $? = 1 ]; }
check "a zone that isn't configured is refused" unknown
not_bypassed() { ctl bypass off "$origin"; [ $? = 1 ]; }
check "so is taking back what isn't there" not_bypassed
usage() { ctl bypass maybe; [ $? = 2 ]; }
check "and what is neither on nor off" usage
