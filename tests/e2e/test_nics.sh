#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The life of NICs. Frames from a denied and from an admitted address arrive all the time, on every NIC
# from its first moment: from when the daemon says "attached" none of the denied ones may get
# through, whatever happens to the NIC, and a NIC that appears is attached within a second.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

second=$((1000000 * VG_SLOW))
# An emulated processor may stand still between the hook, which a frame has passed when it is attached,
# and the frame's time stamp.
late=$(((VG_SLOW - 1) * 10000))
now() { echo "${EPOCHREALTIME/./}"; }

# ---- what the daemon says ----

iso() { date -u -d "@${1:0:-6}.${1: -6}" +%FT%T.%6NZ; }
# said PATTERN SINCE: when it was first said after that, in microseconds.
said()
{
	local time

	time=$(jq -r --arg since "$(iso "$2")" --arg pattern "$1" \
		'select(.time >= $since and (.message | test($pattern))) | .time' "$VG_TMP/daemon.log" | head -n 1)
	[[ $time ]] && date -d "$time" +%s%6N
}
# await PATTERN SINCE: the same, within three seconds; in $at. Else what was said in its place.
await()
{
	at=
	vg_wait 3 said "$1" "$2" ||
		{ jq -r --arg since "$(iso "$2")" 'select(.time >= $since) | "\(.time) \(.message)"' "$VG_TMP/daemon.log"; return 1; }
	at=$(said "$1" "$2")
}

interface() { pair_status ".interfaces[] | select(.name == \"$1\") | .$2"; }
interface_is() { [[ $(interface "$1" "$2") == "$3" ]]; }
metric() { vg_in gated curl -sf --max-time $((5 * VG_SLOW)) "http://$(pair_status .exporter)/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
dropped() { vg_cli drops --json | jq "[.counters[] | select(.interface == \"$1\") | .packets] | add // 0"; }

# ---- what gets through ----

# arrived PEER KIND FROM TO: frames of that kind that came from that peer between the two times.
arrived() { awk -v peer="$1" -v kind="$2" -v from="$3" -v to="$4" '$2 == peer && $3 == kind && $1 >= from && $1 <= to { n++ } END { print n + 0 }' "$VG_TMP/arrivals"; }
arrived_many() { (($(arrived "$1" "$2" "$3" "$(now)") >= $4)); }
flows() { vg_wait 5 arrived_many "$1" admitted "$2" "${3:-50}"; }

# quiet NIC PEER SINCE: 50 admitted frames come after that, no denied one does, and the NIC's
# counters say that some were dropped meanwhile.
quiet()
{
	local denied before

	before=$(dropped "$1")
	flows "$2" "$(now)" || { echo "no admitted frames arrive"; return 1; }
	denied=$(arrived "$2" denied $(($3 + late)) "$(now)")
	((denied == 0)) || { echo "$denied denied frames got through"; return 1; }
	(($(dropped "$1") >= before + 25)) || { echo "hardly any frame was dropped"; return 1; }
}
check_quiet() { vg_check "nothing denied gets through $1" quiet "$2" "$3" "$4"; }
within() { ((at > 0 && at - $1 < second)) || { echo "it took $((at - $1)) us"; return 1; }; }

# attached NIC PEER SINCE: it is said within a second, and nothing denied arrives from then on.
attached()
{
	vg_check "$1 is attached" await "^$1: attached in native mode" "$3"
	vg_check "within a second ($((at - $3)) us)" within "$3"
	check_quiet "from then on" "$1" "$2" "$at"
}

# appear NIC PEER: a new pair.
appear()
{
	since=$(now)
	vg_veth gated "$1" client "$2"
	attached "$1" "$2" "$since"
}
in_gated() { vg_in gated ip -force -batch - >/dev/null 2>&1 || true; }
# rename FROM TO...: at once, and while it is up; before Linux 6.2 a NIC has to be down for that.
rename()
{
	printf 'link set %s name %s\n' "$@" | vg_in gated ip -batch - 2>/dev/null && return
	printf 'link set %s down\n' "$@" | in_gated
	printf 'link set %s name %s\n' "$@" | vg_in gated ip -batch -
	printf 'link set %s up\n' "$@" | in_gated
}
gone() { ! vg_in gated ip link show dev "$1" && [[ ! -e $VG_BPFFS/links/$1 ]]; }
delete() { vg_in gated ip link delete "$1" && vg_wait 5 gone "$1"; }

# The pin of what is known by a name: see DIR/links in daemon/dataplane/dataplane.h.
pin_of() { find "$VG_BPFFS/links" -name "$1" -o -name "$1 *"; }
link_id() { bpftool --json link show pinned "$(pin_of "$1")" 2>/dev/null | jq .id; }
ifindex() { vg_in gated ip -json link show dev "$1" | jq '.[0].ifindex'; }

scene() { printf '\n%s\n' "$*"; }
config() { pair_config internal "$1" >"$VG_TMP/vpcgate.yaml"; }
everything='one0, "many*", old0, new0, left0, right0, short0, moved0, taken0'

vg_setup nics
vg_netns gated
vg_netns client
vg_netns other
VG_DAEMON_OPTIONS=(--log-format json)
# The second is for the daemon, not for what else the machine has to do.
VG_DAEMON_PREFIX=(nice -n -20)
pair_start watch gated python3 "$pair_dir/nic_traffic.py" watch "$VG_TMP/arrivals"
pair_start send client python3 "$pair_dir/nic_traffic.py" send "$bad4" "$good4" "$gated4"

scene "without a filter, what is denied gets through: the checks below can fail"
vg_veth gated free0 client peer-free0
vg_check "a denied frame arrives" vg_wait 10 arrived_many peer-free0 denied 0 50

config "$everything" <<<"exporter: {listen: 127.0.0.1:0}"
vg_check "the daemon starts without any of its NICs" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
vg_expect "one0 is absent" absent "$(interface one0 state)"

scene "1. a NIC appears"
appear one0 peer0

scene "2. down and up"
since=$(now)
vg_in gated ip link set one0 down
vg_in gated ip link set one0 up
check_quiet "" one0 peer0 "$since"

scene "3. another MTU"
since=$(now)
for mtu in 9000 1400 1500; do
	vg_in client ip link set peer0 mtu "$mtu"
	vg_check "MTU $mtu" vg_in gated ip link set one0 mtu "$mtu"
	check_quiet "with MTU $mtu" one0 peer0 "$since"
done
vg_expect "mode" native "$(interface one0 mode)"

scene "4. it goes, and another one comes under its name"
before=$(ifindex one0)
vg_in gated ip link delete one0
appear one0 peer0
vg_check "it is another one" test "$before" -ne "$(ifindex one0)"

scene "5. NICs of a glob appear, several at once"
appeared=()
for i in 0 1 2 3; do
	appeared+=("$(now)")
	vg_veth gated "many$i" client "peer-many$i"
done
for i in 0 1 2 3; do
	attached "many$i" "peer-many$i" "${appeared[i]}"
done
for i in 0 1 2 3; do
	vg_check "many$i goes" delete "many$i"
done
vg_expect "nothing is said to wait for the glob: other NICs are there" "" "$(interface 'many*' state)"

scene "6. it gets another name that the config has"
appear old0 peer-old0
since=$at
link=$(link_id old0)
renamed=$(now)
rename old0 new0
vg_check "the daemon says so" await "^new0: it was old0, and stays filtered" "$renamed"
vg_check "within a second" within "$renamed"
check_quiet "meanwhile" new0 peer-old0 "$since"
vg_expect "it is the same link" "$link" "$(link_id new0)"
vg_check "which is pinned by the new name" test -e "$VG_BPFFS/links/new0" -a ! -e "$VG_BPFFS/links/old0"
vg_check "what was counted before is found under the old name" test "$(dropped old0)" -gt 0
vg_expect "old0 is waited for" absent "$(interface old0 state)"

scene "7. it gets a name that the config doesn't have"
renamed=$(now)
rename new0 strange0
vg_check "the daemon says so" await "^strange0: it was new0, and no rule matches it now; it stays filtered" "$renamed"
check_quiet "meanwhile" strange0 peer-old0 "$since"
vg_expect "status knows what it was" new0 "$(interface strange0 known_as)"
vg_check "and what to do" grep -q "strange0 was called new0.*interfaces" <<<"$(pair_status '.hints[]')"
vg_daemon_stop KILL
vg_check "the daemon starts again after kill -9" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
check_quiet "over a restart" strange0 peer-old0 "$since"

scene "8. another NIC gets the name that it had"
vg_veth gated new0 client peer-new0
vg_check "both are filtered" await "^new0: attached" "$renamed"
check_quiet "on the other" new0 peer-new0 "$at"
check_quiet "on the first" strange0 peer-old0 "$since"
vg_expect "the first is the same link" "$link" "$(bpftool --json link show pinned "$VG_BPFFS/links/new0" | jq .id)"
vg_check "a reload" pair_reload
check_quiet "after a reload" strange0 peer-old0 "$since"
vg_in gated ip link delete new0
vg_check "the other one goes" vg_wait 5 interface_is new0 state absent
vg_check "vpcgate detach takes the filter off the first" vg_cli detach strange0
vg_expect "there is no XDP program" null "$(pair_xdp_id strange0)"
vg_in gated ip link delete strange0

scene "9. two NICs swap their names"
appear left0 peer-left0
appear right0 peer-right0
since=$at
left=$(link_id left0) right=$(link_id right0)
rename left0 swap0 right0 left0 swap0 right0
vg_check "the daemon says so" await "^(left|right)0: it was" "$since"
check_quiet "on one" right0 peer-left0 "$since"
check_quiet "on the other" left0 peer-right0 "$since"
vg_expect "they are the same links" "$right $left" "$(link_id left0) $(link_id right0)"
vg_check "one goes" delete left0
check_quiet "on the one that is left" right0 peer-left0 "$since"
vg_check "the other goes" vg_in gated ip link delete right0

scene "10. it is renamed while no daemon runs"
appear old0 peer-old0
since=$at
vg_daemon_stop
rename old0 new0
vg_check "the daemon starts" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
check_quiet "meanwhile" new0 peer-old0 "$since"
vg_check "it goes" delete new0

scene "11. it is moved to another network namespace and back"
appear moved0 peer-moved0
moved=$(now)
vg_in gated ip link set moved0 netns "$VG_ID-other"
vg_check "the daemon says so" await "^moved0: it has left this network namespace, and the filter is off there" "$moved"
vg_check "within a second" within "$moved"
vg_expect "it is waited for" absent "$(interface moved0 state)"
vg_expect "there is no XDP program" null "$(pair_xdp_id moved0 other)"
since=$(now)
vg_in other ip link set moved0 netns "$VG_ID-gated"
vg_in gated ip link set moved0 up
attached moved0 peer-moved0 "$since"
vg_check "it goes" delete moved0

scene "   ... while the policy is published for another one"
for ((i = 0; i < 20; i += VG_SLOW)); do
	vg_veth gated moved0 client peer-moved0
	vg_wait 5 interface_is moved0 state attached
	vg_in gated ip link add name many8 type veth peer name many8p
	# Every time a little later: before, while and after it is published.
	deadline=$(($(now) + i * 8000))
	until (($(now) > deadline)); do :; done
	vg_in gated ip link set moved0 netns "$VG_ID-other"
	vg_wait 5 interface_is moved0 state absent
	vg_in other ip link delete moved0
	vg_in gated ip link delete many8
done
vg_expect "nobody is said to have taken the filter off" 0 "$(grep -c "moved0: somebody took" "$VG_TMP/daemon.log")"

scene "   ... where it gets the number that one has here"
# next_number: what the other namespace would give to a new one.
next_number()
{
	vg_in other ip link add name number0 type bridge
	vg_in other ip -json link show dev number0 | jq '.[0].ifindex'
	vg_in other ip link delete number0
}
number=$(($(next_number) + 6))
while vg_in gated ip -json link | jq -e "any(.[]; .ifindex == $number)" >/dev/null; do ((number++)); done
vg_in gated ip link add name many9 index "$number" up type veth peer name many9p
vg_in gated ip link set many9p up
vg_check "one is here" vg_wait 5 interface_is many9 state attached
appear moved0 peer-moved0
vg_in other ip link add name squat0 index "$(ifindex moved0)" type bridge 2>/dev/null || true
until (($(next_number) >= number - 1)); do :; done
moved=$(now)
vg_in gated ip link set moved0 netns "$VG_ID-other"
vg_expect "it has that number there" "$number" "$(vg_in other ip -json link show dev moved0 | jq '.[0].ifindex')"
vg_check "the daemon says that it has left" await "^moved0: it has left this network namespace, and the filter is off there" "$moved"
vg_expect "there is no XDP program" null "$(pair_xdp_id moved0 other)"
vg_check "the one here is filtered" interface_is many9 state attached
vg_check "it can be detached" vg_cli detach many9
vg_expect "there is no XDP program" null "$(pair_xdp_id many9)"
vg_in other ip link delete moved0
vg_check "it goes" delete many9

scene "   ... and a NIC that was detached keeps to that, whatever it is called"
appear old0 peer-old0
vg_check "detach" vg_cli detach old0
rename old0 new0
vg_check "it is known by the other name" vg_wait 5 interface_is new0 state detached
vg_expect "there is no XDP program" null "$(pair_xdp_id new0)"
vg_in gated ip link delete new0
vg_check "a reload" pair_reload

scene "12. NICs appear and vanish in a moment"
since=$(now)
for i in {1..40}; do
	vg_in gated ip link add name short0 type veth peer name short-peer0
	# Every time a little later: 0 to 78 ms, which is before, while and after it is attached.
	deadline=$(($(now) + i * 2000 - 2000))
	until (($(now) > deadline)); do :; done
	vg_in gated ip link delete short0
done
vg_check "none is left" vg_wait 5 gone short0
vg_check "no pin of it is left" test -z "$(find "$VG_BPFFS/links" -name 'short0*')"
vg_check "it is waited for" vg_wait 5 interface_is short0 state absent
vg_check "the daemon finds nothing wrong with that" test -z "$(said "short0.*(can't|refuses)" "$since")"
appear short0 peer-short0
vg_check "it goes" delete short0

scene "13. somebody takes the filter off"
lost=$(now)
bpftool link detach pinned "$VG_BPFFS/links/one0"
vg_check "the daemon says so" await "^one0: somebody took the filter off: it is put back" "$lost"
vg_check "it is back" await "^one0: attached in native mode" "$lost"
vg_check "within a second ($((at - lost)) us)" within "$lost"
check_quiet "from then on" one0 peer0 "$at"
vg_expect "counted" 1 "$(metric 'vpcgate_attach_lost_total{interface="one0"}')"
vg_expect "in status, too" 1 "$(interface one0 lost)"
lost=$(now)
rm "$VG_BPFFS/links/one0"
vg_check "a removed pin: it is back" await "^one0: attached in native mode" "$lost"
vg_check "within a second ($((at - lost)) us)" within "$lost"
check_quiet "from then on" one0 peer0 "$at"
vg_expect "counted" 2 "$(metric 'vpcgate_attach_lost_total{interface="one0"}')"

scene "    ... and puts another program in its place"
vg_in gated bpftool prog load "$VG_BUILD/tests/e2e/other.bpf.o" "$VG_BPFFS_MOUNT/other"
lost=$(now)
vg_check "our link takes it" "$VG_BUILD/tests/e2e/update_link" "$VG_BPFFS/links/one0" "$VG_BPFFS_MOUNT/other"
vg_check "the daemon says so" await "^one0: somebody put program id [0-9]* in the filter's place: the filter is put back" "$lost"
vg_check "within a second ($((at - lost)) us)" within "$lost"
check_quiet "from then on" one0 peer0 "$at"
vg_expect "counted" 3 "$(metric 'vpcgate_attach_lost_total{interface="one0"}')"

scene "14. a NIC appears with somebody else's program"
vg_veth other taken0 client peer-taken0
vg_in other bpftool net attach xdpdrv pinned "$VG_BPFFS_MOUNT/other" dev taken0
foreign=$(pair_xdp_id taken0 other)
since=$(now)
vg_in other ip link set taken0 netns "$VG_ID-gated"
vg_in gated ip link set taken0 up
vg_check "the daemon names it" await "^taken0 already has an XDP program, id $foreign 'other_filter'" "$since"
vg_check "within a second" within "$since"
vg_expect "state" failed "$(interface taken0 state)"
vg_check "status shows it" grep -q "id $foreign 'other_filter'" <<<"$(interface taken0 reason)"
vg_expect "metric" 0 "$(metric 'vpcgate_interface_attached{interface="taken0",mode="none"}')"
vg_expect "it is still there" "$foreign" "$(pair_xdp_id taken0)"
since=$(now)
vg_in gated bpftool net detach xdpdrv dev taken0
attached taken0 peer-taken0 "$since"
vg_expect "it was said once" 1 "$(grep -c "taken0 already has an XDP program" "$VG_TMP/daemon.log")"

scene "15. another number of queues"
since=$(now)
vg_in gated ethtool -L taken0 rx 1 tx 1
check_quiet "" taken0 peer-taken0 "$since"
vg_check "it goes" delete taken0

scene "the filter ends where the config says so, and nowhere else"
config new0 <<<"exporter: {listen: 127.0.0.1:0}"
since=$(now)
vg_check "a reload without one0" pair_reload
vg_check "the daemon says so" await "^one0: no rule matches it any more, the filter is off" "$since"
vg_check "what is denied gets through" vg_wait 10 arrived_many peer0 denied "$(now)" 10
vg_expect "errors of the daemon, but for the other program" "" \
	"$(jq -r 'select(.severity == "ERROR") | .message' "$VG_TMP/daemon.log" | grep -v "taken0 already has")"
vg_done
