#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demo as a person runs it: it ends by itself, says that every step happened, leaves nothing;
# and it fails when a step can't happen.
root=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
out=$(mktemp)
trap 'rm -f "$out" "$tap_output"' EXIT
. "$root/tests/lab/tap.sh"
tap_begin 4
name=t-demo-$$

nothing_left() { ! compgen -G "/run/netns/anode-$name-*" && [ ! -e "/run/anode-lab/$name" ]; }
told() { grep -q '^Every step happened' "$out"; }
fails() {
	! "$root/deploy/demo" --name "$name" --zone example.test=/dev/null >"$out" 2>&1 && cat "$out" && grep -q MISSED "$out" &&
		grep -q "zone example.test. can't be loaded" "$out" &&
		rm -r "$(sed -n 's/.*Logs and measurements: //p' "$out")"
}

demo_runs() {
	"$root/deploy/demo" --name "$name" 2>&1 | tee "$out"
	return "${PIPESTATUS[0]}"
}
check "the demo runs to its end" demo_runs
check "and says that every step happened" told
check "a zone that can't be served makes it fail, and say so" fails
check "and neither leaves anything behind" nothing_left
tap_end
