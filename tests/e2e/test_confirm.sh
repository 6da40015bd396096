#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `apply --confirm`: a policy that nobody confirms goes by itself, whatever becomes of the daemon, the
# terminal, the clock and the machine meanwhile. Each case begins and ends with the strict policy.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/trial.sh"

# new_case NAME: what follows is of it; the log is a list of the cases.
new_case() { case=$1; printf '\ncase %d: %s\n' $((++cases)) "$case"; }
cases=0
start() { vg_daemon_start gated "$config"; }
# restart CASE [PREFIX...]: a daemon that was killed, and another one, perhaps below a command.
restart()
{
	local VG_DAEMON_PREFIX=("${@:2}")

	vg_check "$1: restart" start
}
# restart_at CASE OFFSET: a daemon whose boot clock is so many seconds off. Before Linux 6.3 unshare(1)
# sets the clock of a process's children alone, and nsenter(1) that of the process.
restart_at()
{
	touch "$VG_TMP/clocks"
	unshare "--time=$VG_TMP/clocks" --boottime "$2" true
	restart "$1" nsenter "--time=$VG_TMP/clocks"
	umount "$VG_TMP/clocks"
}
begin() { vg_check "$1: apply" trial_apply && vg_check "$1: in force" is_open; }
end() { vg_check "$1: goes back" trial_goes_back; }
logged() { tail -n +"$((lines + 1))" "$VG_TMP/daemon.log" | grep -F "$1"; }
time_is_over() { ((SECONDS >= end_s)); }
mark() { lines=$(wc -l <"$VG_TMP/daemon.log"); }
hinted() { pair_status '.hints[]' | grep -F "$1"; }
is_filtered() { [[ $(pair_xdp_id) != null ]]; }
not_hinted() { ! hinted "$1"; }
# With the copy of what it held.
file_is_gone() { rm "$VG_TMP/etc/office.txt" && find "$VG_STATE" -name '*office.txt-*.copy' -print -delete | grep -q .; }
metrics() { vg_in gated curl -sf "http://$(pair_status .exporter)/metrics"; }
metric() { metrics | sed -n 's/^vpcgate_confirm_pending //p'; }

vg_setup confirm
pair_build
mkdir "$VG_TMP/etc"
config=$VG_TMP/etc/vpcgate.yaml
trial_policy strict | tee "$VG_TMP/strict.yaml" >"$config"
vg_check "the daemon starts" start
vg_check "the strict policy is in force" is_strict

new_case confirm
begin "$case"
vg_check "$case: status shows the trial" test "$(pair_status .trial.back)" = 1
vg_check "$case: so does the screen" grep -q "^trial .* left to .vpcgate confirm. generation 2; then generation 1 comes back" <(vg_cli status)
vg_check "$case: and a hint" hinted "generation 2 is on trial"
vg_expect "$case: and a metric" 1 "$(metric)"
vg_check "$case: the config is the former one" cmp "$config" <(trial_policy strict)
vg_check "$case: keeps it" exits 0 vg_cli confirm
vg_expect "$case: no trial" "null 0" "$(pair_status .trial) $(metric)"
vg_check "$case: the config is the new one" cmp "$config" "$VG_TMP/open.yaml"
vg_daemon_stop KILL
vg_check "$case: restart" start
vg_check "$case: it stays" is_open
vg_check "$case: nothing is left to confirm: exit 1" exits 1 vg_cli confirm
vg_check "$case: which is said" prints "nothing waits to be confirmed"
vg_check "$case: back" exits 0 vg_cli rollback
vg_check "$case: the config is strict again" cmp "$config" <(trial_policy strict)

new_case expiry
mark
begin "$case"
vg_check "$case: time is left" test "$(trial_left)" -ge 5
end "$case"
vg_check "$case: the log says why" logged "nobody has confirmed generation"
vg_expect "$case: the history says so" "return null" "$(trial_history '.entries[-1] | "\(.cause) \(.by)"')"
vg_check "$case: as people read it" grep -q "apply open.yaml, not confirmed" <(vg_cli history)
vg_check "$case: too late to confirm: exit 1" exits 1 vg_cli confirm
vg_check "$case: the config was never another" cmp "$config" <(trial_policy strict)
vg_expect "$case: what was refused is nothing to go back to" null "$(trial_history .rollback)"

new_case "rollback while on trial"
begin "$case"
vg_check "$case: ends it" exits 0 vg_cli rollback
vg_check "$case: at once" is_strict
vg_expect "$case: no trial" null "$(trial_history .trial)"

new_case "the daemon is killed and comes back in time"
mark
begin "$case"
deadline=$(trial_history '.entries[-1].trial.deadline_us')
vg_daemon_stop KILL
restart "$case"
vg_check "$case: it counts on" logged "goes on waiting to be confirmed"
vg_expect "$case: to the same deadline" "$deadline" "$(trial_history '.entries[-1].trial.deadline_us')"
vg_check "$case: open until then" is_open
end "$case"

new_case "confirmed after the daemon was killed"
begin "$case"
vg_daemon_stop KILL
restart "$case"
vg_check "$case: confirm" exits 0 vg_cli confirm
vg_check "$case: it is in force" is_open
vg_check "$case: back" exits 0 vg_cli rollback

new_case "the daemon comes back too late"
begin "$case"
end_s=$((SECONDS + trial_s + 1))
vg_daemon_stop KILL
vg_wait 15 time_is_over
vg_check "$case: without a daemon it stays in force" is_open
mark
restart "$case"
vg_check "$case: back at once" is_strict
vg_expect "$case: no trial" null "$(trial_history .trial)"
vg_check "$case: the log says why" logged "nobody has confirmed generation"

new_case "the machine starts anew"
begin "$case"
vg_daemon_stop KILL
vg_check "$case: no pins" vg_cli detach
echo "00000000-0000-4000-8000-000000000000" >"$VG_TMP/boot_id"
# shellcheck disable=SC2016 # expanded by that script
restart "$case" unshare --mount bash -c 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"' "$VG_TMP/boot_id"
vg_check "$case: the former policy" is_strict
vg_expect "$case: no trial" null "$(trial_history .trial)"
vg_daemon_stop TERM
restart "$case"

new_case "time has gone by while the daemon was away"
begin "$case"
vg_daemon_stop KILL
restart_at "$case" 1000
vg_check "$case: back at once" is_strict
vg_daemon_stop TERM
restart "$case"

new_case "a clock that says less than there was"
begin "$case"
vg_daemon_stop KILL
# As far back as it goes: a machine may have booted a moment ago.
restart_at "$case" -$(($(cut -d. -f1 /proc/uptime) - 1))
vg_check "$case: what is in doubt goes back" is_strict
vg_daemon_stop TERM
restart "$case"

new_case "the clock is set"
vg_daemon_stop TERM
echo 0 >"$VG_TMP/clock"
restart "$case" env "LD_PRELOAD=$VG_BUILD/tests/e2e/set_clock.so" "VG_CLOCK_FILE=$VG_TMP/clock"
for step in 86400 -86400; do
	begin "$case by $step s"
	echo "$step" >"$VG_TMP/clock"
	vg_check "$case by $step s: the trial goes on" is_open
	vg_check "$case by $step s: it has time left" test "$(trial_left)" -ge 5
	end "$case by $step s"
	vg_check "$case by $step s: the history has that time" test \
		$(($(trial_history '.entries[-1].time_s') - $(date +%s) - step)) -gt -60
done
vg_daemon_stop TERM
restart "$case"

new_case "a second apply meanwhile"
begin "$case"
generation=$(pair_status .policy.generation) back=$(trial_history .trial.back)
vg_check "$case: refused without --confirm: exit 1" exits 1 vg_cli apply "$VG_TMP/strict.yaml"
vg_check "$case: which says what to do" prints "is on trial for another"
vg_check "$case: the config is refused, too" exits 1 vg_cli apply
vg_expect "$case: nothing has changed" "$generation" "$(pair_status .policy.generation)"
trial_policy open | sed 's/shared-vpc/another/' >"$VG_TMP/second.yaml"
vg_check "$case: with --confirm it takes its place" exits 0 vg_cli apply "$VG_TMP/second.yaml" --confirm 10s
vg_expect "$case: the last that was for good comes back" "$back" "$(trial_history .trial.back)"
end "$case"

new_case "the daemon is told to end, and comes back"
begin "$case"
mark
vg_daemon_stop TERM
vg_check "$case: the log says what waits" logged "is on trial: until the next start"
restart "$case"
vg_check "$case: the trial goes on" trial_waits
end "$case"

new_case "a reload meanwhile"
begin "$case"
mark
failed=$(pair_status .reloads.failed)
kill -HUP "$VG_DAEMON_PID"
vg_check "$case: refused" vg_wait 10 pair_failed_reloads_are $((failed + 1))
vg_check "$case: the log says why" logged "is on trial for another"
vg_check "$case: the trial goes on" is_open
end "$case"

new_case "a file changes meanwhile"
echo 192.0.2.0/24 >"$VG_TMP/etc/office.txt"
{ trial_policy open; echo '  office: ["file:office.txt"]'; } >"$VG_TMP/feed.yaml"
vg_check "$case: apply" exits 0 vg_cli apply "$VG_TMP/feed.yaml" --confirm 10s
generation=$(pair_status .policy.generation)
echo 198.51.100.0/24 >"$VG_TMP/etc/office.new" && mv "$VG_TMP/etc/office.new" "$VG_TMP/etc/office.txt"
vg_check "$case: it is taken over" vg_wait 5 pair_generation_is $((generation + 1))
vg_check "$case: the trial goes on" trial_waits
end "$case"

new_case "the filter is taken off meanwhile"
begin "$case"
vg_check "$case: detach" vg_cli detach
vg_check "$case: its time is over" vg_wait "$trial_over_s" trial_ended
vg_expect "$case: it stays off" null "$(pair_xdp_id)"
vg_check "$case: apply" exits 0 vg_cli apply
vg_check "$case: it is back" is_strict

new_case "the filter was off before"
vg_check "$case: detach" vg_cli detach ens4
begin "$case"
vg_check "$case: the trial filters" is_filtered
trial_policy open | sed 's/shared-vpc/another/' >"$VG_TMP/second.yaml"
vg_check "$case: and another one in its place" exits 0 vg_cli apply "$VG_TMP/second.yaml" --confirm 10s
vg_check "$case: its time is over" vg_wait "$trial_over_s" trial_ended
vg_expect "$case: off it is again" null "$(pair_xdp_id)"
vg_expect "$case: with the recorder" "" "$(vg_in gated tc filter show dev ens4 egress)"
vg_expect "$case: and it says so" detached "$(pair_status '.interfaces[0].state')"
vg_check "$case: the next trial" exits 0 trial_apply
vg_check "$case: is confirmed" exits 0 vg_cli confirm
vg_check "$case: and one after it" exits 0 vg_cli apply "$VG_TMP/second.yaml" --confirm 10s
vg_check "$case: whose time is over" vg_wait "$trial_over_s" trial_ended
vg_check "$case: what was confirmed is filtered" is_filtered
vg_check "$case: apply" exits 0 vg_cli apply "$VG_TMP/strict.yaml"
vg_check "$case: it is back" is_strict

new_case "the history can't be written"
mount -t tmpfs -o size=4k none "$VG_STATE/history"
dd if=/dev/zero of="$VG_STATE/history/full" bs=1k count=16 status=none 2>/dev/null || true
generation=$(pair_status .policy.generation)
vg_check "$case: no trial: exit 1" exits 1 trial_apply
vg_check "$case: it says why" prints "the history can't be written"
vg_expect "$case: nothing was published" "$generation" "$(pair_status .policy.generation)"
vg_check "$case: the strict policy is in force" is_strict
umount "$VG_STATE/history"

new_case "the return can't be written"
mkdir "$VG_TMP/aside"
cp "$VG_STATE"/history/* "$VG_TMP/aside/"
mount -t tmpfs none "$VG_STATE/history"
cp "$VG_TMP"/aside/* "$VG_STATE/history/"
begin "$case"
# As after an error of the disk. One that is full gets room again by entries that are too old.
mount -o remount,ro "$VG_STATE/history"
generation=$(pair_status .policy.generation)
end "$case"
vg_check "$case: once" test "$(pair_status .policy.generation)" = $((generation + 1))
vg_check "$case: a hint says what is missing" hinted "the history can't be written"
vg_expect "$case: it is known all the same" return "$(trial_history '.entries[-1].cause')"
vg_check "$case: too late to confirm: exit 1" exits 1 vg_cli confirm
vg_check "$case: another config is put in force" exits 0 vg_cli apply "$VG_TMP/second.yaml"
vg_check "$case: and this one" exits 0 vg_cli apply "$VG_TMP/strict.yaml"
mount -o remount,rw "$VG_STATE/history"
vg_check "$case: it is written once it can be" vg_wait 20 not_hinted "the history can't be written"
vg_check "$case: all of it" test -s "$VG_STATE/history/$((generation + 1)).policy"
cp "$VG_STATE"/history/* "$VG_TMP/aside/"
umount "$VG_STATE/history"
cp "$VG_TMP"/aside/* "$VG_STATE/history/"

new_case "a start on trial, where the NIC refuses"
vg_in gated ip link add busy0 up type veth peer name busy1
vg_in gated bpftool prog load "$VG_BUILD/tests/e2e/other.bpf.o" "$VG_BPFFS_MOUNT/other"
vg_in gated bpftool net attach xdpgeneric pinned "$VG_BPFFS_MOUNT/other" dev busy0
pair_config internal busy0 </dev/null >"$VG_TMP/busy.yaml"
vg_check "$case: apply" exits 0 vg_cli apply "$VG_TMP/busy.yaml" --confirm 10s
vg_check "$case: ens4 is open" is_open
vg_daemon_stop KILL
restart "$case"
vg_check "$case: the trial goes on" trial_waits
end "$case"
vg_in gated ip link delete busy0
rm "$VG_BPFFS_MOUNT/other"

new_case "a file of the former config is gone"
echo 192.0.2.0/24 >"$VG_TMP/etc/office.txt"
{ trial_policy strict; echo '  office: ["file:office.txt"]'; } >"$VG_TMP/feed.yaml"
vg_check "$case: a config with a file" exits 0 vg_cli apply "$VG_TMP/feed.yaml"
begin "$case"
rm "$VG_TMP/etc/office.txt"
end "$case"
vg_expect "$case: its copy stands" '["192.0.2.0/24"]' "$(vg_cli ranges --set office --json | jq -c '[.sets[].ranges[].prefix]')"
echo 192.0.2.0/24 >"$VG_TMP/etc/office.txt"

new_case "the former config can't come back"
vg_check "$case: a config with a file" exits 0 vg_cli apply "$VG_TMP/feed.yaml"
begin "$case"
file_is_gone
vg_check "$case: a hint says so" vg_wait "$trial_over_s" hinted "can't come back: "
vg_check "$case: what is in force stays" is_open
vg_check "$case: the trial can still be seen" trial_waits
echo 192.0.2.0/24 >"$VG_TMP/etc/office.txt"
end "$case"

new_case "the config itself on trial"
trial_policy strict >"$config"
pair_reload
trial_policy open >"$config"
vg_check "$case: apply" exits 0 vg_cli apply --confirm 10s
vg_check "$case: in force" is_open
end "$case"
vg_check "$case: a hint says what the config holds" hinted "was tried and never confirmed"
vg_expect "$case: so does a metric" "vpcgate_config_in_force 0" "$(metrics | grep ^vpcgate_config_in_force)"
cp "$config" "$VG_TMP/tried.yaml"
trial_policy strict >"$config"
vg_check "$case: no longer, once that is mended" not_hinted "was tried and never confirmed"
cp "$VG_TMP/tried.yaml" "$config"
failed=$(pair_status .reloads.failed)
kill -HUP "$VG_DAEMON_PID"
vg_check "$case: a reload doesn't put it in force" vg_wait 10 pair_failed_reloads_are $((failed + 1))
vg_daemon_stop TERM
mark
restart "$case"
vg_check "$case: nor does a restart" is_strict
vg_check "$case: the log says so" logged "holds a config that was tried and never confirmed"
vg_check "$case: who asks for it gets it" exits 0 vg_cli apply
vg_check "$case: it is in force" is_open
vg_daemon_stop TERM
restart "$case"
vg_check "$case: and stays" is_open
vg_check "$case: strict" exits 0 vg_cli apply "$VG_TMP/strict.yaml"

new_case "a file without a name"
trial_policy open >"$VG_TMP/nameless.yaml"
exec 9<"$VG_TMP/nameless.yaml"
rm "$VG_TMP/nameless.yaml"
vg_check "$case: apply" exits 0 vg_cli apply /dev/fd/9 --confirm 10s
exec 9<&-
generation=$(trial_history .trial.generation)
vg_check "$case: another generation is not confirmed: exit 1" exits 1 vg_cli confirm $((generation - 1))
vg_check "$case: which says what is on trial" prints "generation $generation is on trial by now, not $((generation - 1))"
vg_check "$case: the trial goes on" trial_waits
vg_check "$case: this one is" exits 0 vg_cli confirm "$generation"
vg_check "$case: it is the config" cmp "$config" <(trial_policy open)
vg_check "$case: strict" exits 0 vg_cli apply "$VG_TMP/strict.yaml"

new_case "the terminal"
script=(script -qefc "$(printf '%q ' "$VPCGATE" --socket "$VG_SOCKET" apply "$VG_TMP/open.yaml" --confirm 10s)")
"${script[@]}" "$VG_TMP/terminal" </dev/null >/dev/null 2>&1 &
terminal=$!
VG_PIDS+=("$terminal")
vg_check "$case: counts down" vg_wait 10 grep -q "s left to .vpcgate confirm." "$VG_TMP/terminal"
vg_expect "$case: nothing lies about meanwhile" "" "$(ls -d "$(dirname "$VG_SOCKET")"/apply.* "$VG_TMP"/etc/*.new 2>/dev/null)"
kill -KILL "$terminal" || true
vg_check "$case: is gone" vg_wait 10 vg_gone "$terminal"
vg_check "$case: the trial goes on" trial_waits
end "$case"
status=0
"${script[@]}" "$VG_TMP/terminal" </dev/null >/dev/null 2>&1 || status=$?
vg_expect "$case: waits for the end: exit 1" 1 "$status"
vg_check "$case: tells how it ended" grep -q "was not confirmed: generation" "$VG_TMP/terminal"

new_case "a countdown without a daemon"
rm "$VG_TMP/terminal"
"${script[@]}" "$VG_TMP/terminal" </dev/null >/dev/null 2>&1 &
terminal=$!
VG_PIDS+=("$terminal")
vg_check "$case: counts down" vg_wait 10 grep -q "s left to .vpcgate confirm." "$VG_TMP/terminal"
vg_daemon_stop KILL
vg_check "$case: ends" vg_wait 40 vg_gone "$terminal"
status=0
wait "$terminal" || status=$?
vg_expect "$case: exit 1" 1 "$status"
vg_check "$case: tells what to do" grep -q "no vpcgated is there to go back: .* .systemctl start vpcgated" "$VG_TMP/terminal"
vg_check "$case: it is in force" is_open
restart "$case"
vg_check "$case: back at once" is_strict

new_case "a countdown without a way back"
{ trial_policy strict; echo '  office: ["file:office.txt"]'; } >"$VG_TMP/feed.yaml"
vg_check "$case: a config with a file" exits 0 vg_cli apply "$VG_TMP/feed.yaml"
rm "$VG_TMP/terminal"
"${script[@]}" "$VG_TMP/terminal" </dev/null >/dev/null 2>&1 &
terminal=$!
VG_PIDS+=("$terminal")
vg_check "$case: counts down" vg_wait 10 grep -q "s left to .vpcgate confirm." "$VG_TMP/terminal"
file_is_gone
vg_check "$case: ends" vg_wait 40 vg_gone "$terminal"
status=0
wait "$terminal" || status=$?
vg_expect "$case: exit 1" 1 "$status"
vg_check "$case: tells what is wrong" grep -q "was not confirmed, but generation .* can't come back: " "$VG_TMP/terminal"
echo 192.0.2.0/24 >"$VG_TMP/etc/office.txt"
end "$case"

new_case "a start that fails on trial"
begin "$case"
vg_daemon_stop KILL
mkdir "$VG_TMP/plain"
VG_BPFFS=$VG_TMP/plain/vpcgate start || true
vg_expect "$case: exit 1, so that another follows" 1 "$VG_DAEMON_STATUS"
restart "$case"
end "$case"
VG_BPFFS=$VG_TMP/plain/vpcgate
vg_daemon_stop TERM
start || true
vg_expect "$case: without a trial it is 2" 2 "$VG_DAEMON_STATUS"
VG_BPFFS=$VG_BPFFS_MOUNT/vpcgate
restart "$case"

flock "$VG_TMP/etc" sleep 100 &
VG_PIDS+=($!)
vg_check "another vpcgate replaces the config: exit 2" exits 2 vg_cli apply "$VG_TMP/open.yaml"
vg_check "which is said" prints "can't be replaced: another vpcgate has been about to for 15 s"
vg_check "nothing has changed" is_strict

vg_check "no trial of what can't be taken back: exit 2" exits 2 vg_cli apply --confirm 10s --accept-shrink
vg_check "which is said" prints "--accept-shrink can't be tried"

for duration in 9s 61m 1d 10 soon; do
	vg_check "--confirm $duration: exit 2" exits 2 vg_cli apply --confirm "$duration"
	vg_check "--confirm $duration: what would be right" prints "write 10s to 3600s"
done
vg_done
