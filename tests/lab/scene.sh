# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# scene: what every lab test begins and ends with. Sourced, not run.
#
# A test names its lab, says how many checks it makes, and makes them; it prints TAP. Whatever
# happens, the lab is gone at the end. Logs of a failed `up` are printed as comments.

scene_root=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
lab_command=$scene_root/deploy/lab
. "$scene_root/deploy/lab.d/measure.sh"

# scene_begin LAB CHECKS
scene_begin() {
	lab_name=$1
	scene_number=0
	scene_bad=0
	scene_dir=$(mktemp -d)
	trap scene_end EXIT
	trap 'exit 130' INT TERM HUP
	echo "1..$2"
}

scene_end() {
	local status=$?
	trap - EXIT
	"$lab_command" down --name "$lab_name"
	rm -rf "$scene_dir"
	[ $status != 0 ] || status=$((scene_bad > 0))
	exit $status
}

# check NAME COMMAND...: one check. Its output goes to the comments.
check() {
	local name=$1
	shift
	scene_number=$((scene_number + 1))
	if "$@" >"$scene_dir/check" 2>&1; then
		echo "ok $scene_number - $name"
	else
		scene_bad=$((scene_bad + 1))
		echo "not ok $scene_number - $name"
	fi
	sed 's/^/# /' "$scene_dir/check"
}

# lab_up OPTION...: a check, without which the others make no sense.
lab_up() {
	check "the lab comes up ($*)" lab_run up "$@"
	[ $scene_bad = 0 ] || exit 1
}

# at_most LIMIT VALUE: numbers, maybe with a fraction; no value is a failure.
at_most() {
	echo "measured ${2:-nothing}, at most $1"
	[ -n "$2" ] && jq -en --argjson limit "$1" --argjson value "$2" '$value <= $limit' >/dev/null
}
