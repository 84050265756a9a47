#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# deploy/packages, with an apt-get and a dpkg-query of our own: it asks apt for nothing when
# nothing is missing, lets no service start, puts an administrator's policy-rc.d back, and says
# what is wrong when apt fails. In a mount namespace, so that the machine's files stay as they are.
if [ "${1-}" != inside ]; then
	exec unshare --mount --propagation private "$(readlink -f "$0")" inside
fi
root=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
work=$(mktemp -d)
trap 'rm -rf "$work" "$tap_output"' EXIT
. "$root/tests/lab/tap.sh"
tap_begin 7

# A /usr/sbin that holds what deploy/packages touches there, and nothing else.
mkdir "$work/bin" "$work/sbin"
mount --bind "$work/sbin" /usr/sbin
policy=/usr/sbin/policy-rc.d

# All packages are there but those in `missing`; apt-get install makes them so, unless told to fail.
cat >"$work/bin/dpkg-query" <<FAKE
#!/bin/sh
for p; do case \$p in -*|'\${'*) continue ;; esac
	grep -qx "\$p" $work/missing && { echo "no packages found matching \$p" >&2; continue; }
	echo "installed \$p"
done
FAKE
cat >"$work/bin/apt-get" <<FAKE
#!/bin/sh
echo "\$*" >>$work/apt
[ ! -e $work/fail ] || { echo "E: no network" >&2; exit 100; }
case "\$*" in *install*) $policy nsd start; echo \$? >$work/policy; : >$work/missing ;; esac
FAKE
printf '#!/bin/sh\necho "$*" >>%s/systemctl\n' "$work" >"$work/bin/systemctl"
chmod +x "$work"/bin/*
packages() {
	rm -f "$work"/{apt,policy,systemctl}
	PATH=$work/bin:$PATH "$root/deploy/packages" "$@" 2>&1 | tee "$work/out"
	return "${PIPESTATUS[0]}"
}

: >"$work/missing"
nothing_asked() { packages demo && [ ! -e "$work/apt" ] && [ ! -s "$work/out" ]; }
check "with nothing missing apt isn't asked, and nothing is said" nothing_asked

services_missing() { printf 'nsd\njq\n' >"$work/missing"; }
asked_for_those() {
	services_missing
	packages demo && grep -q ' update' "$work/apt" && grep -q ' install .* jq nsd$' "$work/apt"
}
check "what is missing, and only that, is installed" asked_for_those
denied() { [ "$(cat "$work/policy")" = 101 ] && [ ! -e "$policy" ]; }
check "no service may start meanwhile, afterwards the machine is as it was" denied
disabled() { [ "$(cat "$work/systemctl")" = "disable nsd" ]; }
check "a service that came with it isn't started at boot" disabled

own_policy() {
	printf '#!/bin/sh\nexit 104\n' >"$policy"
	chmod 755 "$policy"
	services_missing
	packages demo && [ "$(cat "$work/policy")" = 101 ] && grep -q 104 "$policy"
}
check "an administrator's policy is put back" own_policy

own_policy_after_failure() {
	services_missing
	touch "$work/fail"
	! packages demo && grep -q 104 "$policy" && grep -q 'no network' "$work/out" &&
		grep -q 'apt-get update failed' "$work/out"
}
check "also when apt fails, and the reason is told" own_policy_after_failure
rm "$work/fail"

build_only() {
	echo gcc >"$work/missing"
	printf '#!/bin/sh\nexit 104\n' >"$policy"
	packages build && [ "$(cat "$work/policy")" = 104 ]
}
check "without services the policy isn't touched" build_only
tap_end
