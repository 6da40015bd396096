# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# For tests of `apply --confirm`, after pair.sh and pair_build: two policies that a ping tells apart.

# The shortest trial that there is, and how long it takes at most until its end has come into force.
trial_s=10
trial_over_s=25

# trial_policy strict|open: bad4 is refused, or not.
trial_policy() { if [[ $1 = open ]]; then pair_config all; else pair_config internal; fi </dev/null; }
trial_apply() { trial_policy open >"$VG_TMP/open.yaml" && vg_cli apply "$VG_TMP/open.yaml" --confirm "${trial_s}s" "$@"; }
trial_history() { vg_cli history --json | jq -r "$1"; }
trial_waits() { [[ $(trial_history .trial) != null ]]; }
trial_ended() { [[ $(trial_history .trial) = null ]]; }
trial_left() { trial_history .trial.left_s; }
# shellcheck disable=SC2154 # of pair.sh
pings() { vg_in client ping -q -c 1 -W 1 -I "$1" "$gated4"; }
# bad4 is answered: the open policy is in force.
# shellcheck disable=SC2154
is_open() { pings "$bad4"; }
# shellcheck disable=SC2154
is_strict() { ! pings "$bad4" && pings "$good4"; }
# The former policy comes back by itself, not before its time.
trial_goes_back() { vg_wait "$trial_over_s" trial_ended && is_strict; }

# exits STATUS CMD...; prints TEXT: what that printed.
exits() { local status=0; "${@:2}" >"$VG_TMP/out" 2>&1 || status=$?; cat "$VG_TMP/out"; ((status == $1)); }
prints() { grep -qF -- "$1" "$VG_TMP/out" || { cat "$VG_TMP/out"; false; }; }
