#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A config that is refused changes nothing and says why: each of the bad configs takes the place of
# the running one and the daemon is asked to reload.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"


# What is in force: XDP program on the NIC and policy program in its slot.
in_force()
{
	echo "XDP $(pair_xdp_id)" \
		"policy $(bpftool -j map dump pinned "$VG_BPFFS/programs" | jq -c '[.[] | .value]')"
}

good_config()
{
	pair_config internal <<-END
	services:
	  - {name: open, protocol: tcp, port: 8443, ingress: all}
	END
}

filter_is_in_force()
{
	vg_in client curl -sf --interface "$good4" --max-time $((3 * VG_SLOW)) -o "$VG_TMP/body" "http://$gated4:8080/" &&
		vg_in client curl -sf --interface "$bad4" --max-time $((3 * VG_SLOW)) -o "$VG_TMP/body" "http://$gated4:8443/" &&
		! vg_in client curl -s --interface "$bad4" --max-time 1 -o "$VG_TMP/body" "http://$gated4:8080/"
}

# try NUMBER: puts that bad config in place and reloads.
try()
{
	local at=$VG_TMP/bad/$1 name beside='' lines

	name=$(<"$at.name")
	cp "$at.yaml" "$config"
	if [[ -e $at.file ]]; then
		beside=$VG_TMP/config/$(<"$at.file")
		cp "$at.text" "$beside"
	fi
	lines=$(wc -l <"$VG_TMP/daemon.log")
	kill -HUP "$VG_DAEMON_PID"
	vg_wait 10 pair_failed_reloads_are $((++tried)) || true
	vg_expect "$name: status" "generation $generation, $(<"$at.expected")" \
		"$(pair_status '"generation \(.policy.generation), \(.reloads.last_error)"')"
	vg_expect "$name: the log" "error: $(<"$at.expected")" \
		"$(tail -n +$((lines + 1)) "$VG_TMP/daemon.log" | grep -a '^error: ' | head -n 1)"
	vg_expect "$name: what is in force" "$before" "$(in_force)"
	rm -f ${beside:+"$beside"}
}

vg_setup reload
pair_build
mkdir "$VG_TMP/bad" "$VG_TMP/config"
config=$VG_TMP/config/vpcgate.yaml
n=$("$VG_BUILD/tests/e2e/dump_bad_configs" "$VG_TMP/bad" "$VG_TMP/config")
vg_check "at least 50 bad configs" test "$n" -ge 50

good_config >"$config"
vg_check "the daemon starts" vg_daemon_start gated "$config"
pair_start http gated python3 "$pair_dir/http_server.py" 8080 8443
vg_check "the server listens" vg_wait 10 vg_in gated curl -sf -o "$VG_TMP/body" http://127.0.0.1:8080/
vg_check "the filter is in force" filter_is_in_force
before=$(in_force)
generation=$(pair_status .policy.generation)

# An emulated machine takes seconds for each, and no kernel judges a config.
tried=0
for ((i = 0; i < n; i += VG_SLOW)); do
	try "$i"
done
vg_expect "refused reloads" "$tried" "$(pair_status .reloads.failed)"
vg_check "after all of them the filter is in force" filter_is_in_force

good_config >"$config"
vg_check "a good config is taken again" pair_reload
vg_expect "last_error after it" null "$(pair_status .reloads.last_error)"
vg_check "the filter is in force after it" filter_is_in_force

rm "$config"
kill -HUP "$VG_DAEMON_PID"
vg_check "a config that is gone is refused" vg_wait 10 pair_failed_reloads_are $((tried + 1))
vg_check "its message names the file" grep -q "$config" <<<"$(pair_status .reloads.last_error)"
vg_check "the filter is in force without a config" filter_is_in_force
vg_done
