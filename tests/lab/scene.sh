# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# scene: what every lab test begins and ends with. Sourced, not run.
#
# A test names its lab, says how many checks it makes, and makes them. Whatever happens, the lab is
# gone at the end.

scene_root=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
lab_command=$scene_root/deploy/lab
. "$scene_root/deploy/lab.d/measure.sh"
. "$scene_root/tests/lab/tap.sh"

# scene_begin LAB CHECKS
scene_begin() {
	lab_name=$1
	scene_dir=$(mktemp -d)
	trap scene_end EXIT
	trap 'exit 130' INT TERM HUP
	tap_begin "$2"
}

scene_end() {
	local status=$?
	trap - EXIT
	"$lab_command" down --name "$lab_name"
	rm -rf "$scene_dir"
	tap_end || [ $status != 0 ] || status=1
	exit $status
}

# lab_up OPTION...: a check, without which the others make no sense.
lab_up() {
	check "the lab comes up ($*)" lab_run up "$@"
	[ "$tap_bad" = 0 ] || exit 1
}

# at_most LIMIT VALUE: numbers, maybe with a fraction; no value is a failure.
at_most() {
	echo "measured ${2:-nothing}, at most $1"
	[ -n "$2" ] && jq -en --argjson limit "$1" --argjson value "$2" '$value <= $limit' >/dev/null
}
