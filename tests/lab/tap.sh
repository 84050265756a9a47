# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tap: how a lab test says what it found. Sourced, not run.
#
# TAP, the Test Anything Protocol: a plan, a line for each check, comments. tests/run counts a check
# that was planned and not made as failed.

tap_begin() { # CHECKS
	tap_number=0
	tap_bad=0
	tap_output=$(mktemp)
	echo "1..$1"
}

# check NAME COMMAND...: one check. What the command prints goes to the comments; it runs in this
# shell, so that what it sets stays set (and sees the variables here, hence their names).
check() {
	local tap_name=$1
	shift
	tap_number=$((tap_number + 1))
	if "$@" >"$tap_output" 2>&1; then
		echo "ok $tap_number - $tap_name"
	else
		tap_bad=$((tap_bad + 1))
		echo "not ok $tap_number - $tap_name"
	fi
	sed 's/^/# /' "$tap_output"
}

# skip NAME REASON: a check that can't be made on this machine.
skip() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $1 # SKIP $2"
}

# tap_end: the exit status of a test.
tap_end() {
	rm -f "$tap_output"
	[ "$tap_bad" = 0 ]
}
