#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# In a guest that has no time for all of them: some of the random cases of tests/run.
# shellcheck source=../e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

vg_setup samples
# With this seed the first three policies have 3, 0 and 1,024 services, one NIC and three; the first
# monitors, the others enforce.
vg_check "random policies and frames" env VG_PAIRS=5000 "$VG_BUILD/tests/run/test_oracle" 1
# The walk through a packed table of several pages, which no small policy has.
vg_check "a large table" env VG_CASE="chains of /1 to" VG_PROBES=100 VG_CPU_MAX_S=300 \
	"$VG_BUILD/tests/run/test_scale" 1
# And of one page, whose size is that of what is in it.
for tables in "a list of" "57,344 classes"; do
	vg_check "tables of one page: $tables" env VG_CASE="$tables" VG_PROBES=100 VG_CPU_MAX_S=300 \
		"$VG_BUILD/tests/run/test_scale" 1
done
vg_check "random sequences of packets and time" env VG_SEQUENCES=500 "$VG_BUILD/tests/run/test_flows" 1
vg_done
