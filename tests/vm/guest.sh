#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# In the guest: the programs pass this kernel's verifier with all kinds of policy, and the filter
# works on virtio NICs, one of which takes native XDP and one, like Compute Engine's, doesn't.
export VG_BUILD=/vpcgate
. /vpcgate/tests/e2e/lib.sh
. /vpcgate/tests/e2e/pair.sh
uname -r
time "$VG_BUILD/tests/run/test_peers"
time VG_PAIRS=3000 "$VG_BUILD/tests/run/test_oracle" 1
ip link
cat /modules/list
