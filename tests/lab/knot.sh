#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Knot DNS as the local server, on one node: its transfers, its death and its return. With nobody
# to take over, the prefixes are simply gone in between.
. "$(dirname "$(readlink -f "$0")")/scene.sh"
. "$scene_root/tests/lab/fault.sh"

scene_begin "t-knot-$$" 7
lab_up --server knot

# A change at the hidden primary comes out of the fast path: by NOTIFY to the server, by SOA poll
# and transfer to anoded.
origin=$(lab_run info --json | jq -r '.zones[0].origin')
serial=$(lab_run info --json | jq '.zones[0].serial')
fast_serial_is() {
	lab_run exec node1 anodectl zones --json |
		jq -e --argjson serial "$1" '.zones[0].serial.fast == $serial'
}
zone_changes() {
	local zone
	zone=$(lab_run info --json | jq -r '.zones[0].file')
	sed -i "0,/$serial/s//$((serial + 1))/" "$zone"
	lab_run exec primary knotc zone-reload "$origin" && measure_await 10 fast_serial_is $((serial + 1))
}
check "a zone's change reaches the fast path" zone_changes

measure_begin "$scene_dir/killed" 90 500
server_dies 150
server_returns
measure_end
