#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The daemon is killed at 200 random moments: while it applies a config, reloads, attaches a new NIC,
# starts, and takes the place of another version. What passes in the kernel then is a whole policy,
# the old one or the new one, in both families; the next start makes it that of the config, resets no
# counter and leaves no pins behind.
. "$(dirname "$0")/lib.sh"

seed=${VG_SEED:-$(date +%s)}
kills=${VG_KILLS:-200}

both_seen() { jq -e --arg how "$1" '.in_force[$how] | .old > 0 and .new > 0' "$VG_TMP/seen"; }
kill_often()
{
	nice -n -10 python3 "$(dirname "$0")/killed.py" "$seed" "$kills" "$VG_ID-gated" "$VG_ID-client" "$VG_TMP" \
		"$VPCGATED" --config "$VG_TMP/config.yaml" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" \
		--state "$VG_STATE" --log-level warning >"$VG_TMP/seen"
}

vg_setup killed
vg_netns gated
vg_netns client
vg_veth gated ens4 client eth4
echo "     seed $seed (VG_SEED)"
vg_check "$kills kills, a whole policy after each" kill_often
# Else the moments were not those of the change.
for how in reload apply restart upgrade; do
	vg_check "$how: before and after the switch" both_seen "$how"
done
jq -c . "$VG_TMP/seen"
vg_done
