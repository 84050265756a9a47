#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demo as a person runs it: it ends by itself, says that every step happened, leaves nothing;
# and it fails when a step can't happen.
root=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
out=$(mktemp)
trap 'rm -f "$out"' EXIT
bad=0 number=0
echo "1..4"

check() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		bad=1
		echo "not ok $number - $name"
	fi
}

nothing_left() { ! compgen -G '/run/netns/anode-demo-*' && ! compgen -G '/run/anode-lab/demo-*'; }
told() { grep -q '^Every step happened' "$out"; }
fails() { ! "$root/deploy/demo" --zone example.test=/dev/null >"$out" 2>&1 && grep -q MISSED "$out"; }

demo_runs() { "$root/deploy/demo" >"$out" 2>&1; }
check "the demo runs to its end" demo_runs
sed 's/^/# /' "$out"
check "and says that every step happened" told
check "and leaves nothing behind" nothing_left
check "a zone that can't be served makes it fail, and say so" fails
sed 's/^/# /' "$out"
exit $bad
