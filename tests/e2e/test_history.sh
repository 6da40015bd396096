#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The history of configs: who put what in force and what that changed, over restarts, damage and full
# disks, and the way back to each of them. `apply FILE` makes FILE the config.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

config=
history() { vg_cli history --json | jq -r "$1"; }
generation() { pair_status .policy.generation; }
# policy NAME [MORE]: a config that one further set tells from others.
policy()
{
	pair_config internal <<-END
	  $1: [192.0.2.${2:-1}]
	END
}
apply() { policy "$@" >"$VG_TMP/new.yaml" && vg_cli apply "$VG_TMP/new.yaml"; }
# The set that tells the config in force from others.
in_force() { vg_cli ranges --json | jq -r '[.sets[].name] | map(select(startswith("set"))) | join(" ")'; }
entries() { history '[.entries[].generation] | join(" ")'; }
entries_on_disk() { find "$VG_STATE/history" -name '*.policy' | sort; }
exits() { local status=0; "${@:2}" >"$VG_TMP/out" 2>&1 || status=$?; cat "$VG_TMP/out"; ((status == $1)); }
prints() { grep -qF -- "$1" "$VG_TMP/out"; }

vg_setup history
pair_build
mkdir "$VG_TMP/etc"
config=$VG_TMP/etc/vpcgate.yaml
policy set-a >"$config"
chmod 640 "$config"
vg_check "the daemon starts" vg_daemon_start gated "$config"
vg_expect "start: the first entry" '["start",null,null]' "$(history '.entries | map([.cause, .by, .changes]) | .[] | tojson')"
vg_expect "start: nothing to go back to" null "$(history .rollback)"
vg_check "rollback without a former config: exit 1" exits 1 vg_cli rollback
vg_check "and it says so" prints "no other config to go back to"

vg_check "apply FILE" apply set-b 7
vg_expect "apply: it is in force" set-b "$(in_force)"
vg_check "apply: it is the config" cmp "$VG_TMP/new.yaml" "$config"
vg_expect "apply: with the mode of the old one" 640 "$(stat -c %a "$config")"
vg_expect "apply: nothing else is left" "vpcgate.yaml" "$(ls "$VG_TMP/etc")"
vg_expect "apply: nothing is left beside the socket" "" "$(find "$VG_TMP" -maxdepth 1 -name 'apply.*')"
vg_expect "apply: by whom" "0 vpcgate $VG_TMP/new.yaml" "$(history '.entries[-1] | "\(.by.uid) \(.by.comm) \(.file)"')"
vg_check "apply: the pid of the one who asked" test "$(history '.entries[-1].by.pid')" -gt 1
vg_expect "apply: what changed" \
	'{"name":"set-a","change":"gone","added":0,"removed":1,"added_prefixes":[],"removed_prefixes":["192.0.2.1/32"]} {"name":"set-b","change":"new","added":1,"removed":0,"added_prefixes":["192.0.2.7/32"],"removed_prefixes":[]}' \
	"$(history '.entries[-1].changes.sets | sort_by(.name) | map(tojson) | join(" ")')"

{ policy set-b 7; cat <<-END; } >"$config"
enforcement: monitor
services: [{name: web, protocol: tcp, port: 80, ingress: all}]
END
pair_reload
vg_expect "reload: a service and a setting" 'reload 0 web:tcp port 80, ingress all enforcement:enforce>monitor' \
	"$(history '.entries[-1] | "\(.cause) \(.by.uid) \(.changes.services[0] | "\(.name):\(.after)") \(.changes.settings[0] | "\(.name):\(.before)>\(.after)")"')"
before=$(entries)
pair_reload
vg_expect "the same config again is no news" "$before" "$(entries)"
vg_check "history is a table for people" exits 0 vg_cli history
vg_check "with what changed" prints "service +web; enforcement: monitor"
vg_check "and who" prints "root"

web=$(generation)
vg_check "rollback" exits 0 vg_cli rollback
vg_expect "rollback: it is in force" "set-b enforce" "$(in_force) $(pair_status .policy.enforcement)"
vg_check "rollback: the config is the former one" cmp <(policy set-b 7) "$config"
vg_check "a second rollback goes one further" exits 0 vg_cli rollback
vg_expect "it is in force" set-a "$(in_force)"
vg_check "a third has nowhere to go" exits 1 vg_cli rollback
vg_check "rollback to a generation between entries" exits 0 vg_cli rollback "$web"
vg_expect "that config is in force again" monitor "$(pair_status .policy.enforcement)"
vg_check "rollback to what never was: exit 1" exits 1 vg_cli rollback 9999
vg_check "and it says so" prints "generation 9999 is not in the history"
vg_check "rollback to nonsense: exit 2" exits 2 vg_cli rollback yesterday
vg_check "the config of an entry" cmp <(vg_cli history 1) <(policy set-a)

before=$(entries) now=$(generation)
vg_daemon_stop KILL
vg_check "restart" vg_daemon_start gated "$config"
vg_expect "restart: the history is the same" "$before" "$(entries)"
vg_daemon_stop TERM
vg_check "the pins are gone, as after a boot" vg_cli detach
policy set-c >"$config"
vg_check "start with another config" vg_daemon_start gated "$config"
vg_check "generations go on counting" test "$(generation)" -gt "$now"
vg_expect "it is an entry, with what changed" "start set-b,set-c enforcement,web" \
	"$(history '.entries[-1] | "\(.cause) \([.changes.sets[].name] | sort | join(",")) \([.changes.settings[].name, .changes.services[].name] | join(","))"')"

# A config that is refused at a boot: the last of the history is taken.
# start_at SECONDS: the daemon starts so long after a boot, by its clock.
start_at()
{
	local VG_DAEMON_PREFIX=(nsenter "--time=$VG_TMP/clocks") status=0

	touch "$VG_TMP/clocks"
	unshare "--time=$VG_TMP/clocks" --boottime $(($1 - $(cut -d. -f1 /proc/uptime))) true
	vg_daemon_start gated "$config" || status=$?
	umount "$VG_TMP/clocks"
	return "$status"
}
refuses() { ! "$@" && [[ $VG_DAEMON_STATUS = 2 ]]; }
config_in_force() { vg_in gated curl -sf "http://$(pair_status .exporter)/metrics" | sed -n 's/^vpcgate_config_in_force //p'; }
hinted() { pair_status '.hints[]' | grep -qF -- "$1"; }
is_in_force() { [[ $(in_force) = "$1" ]]; }
last=$(generation)
cp "$config" "$VG_TMP/good.yaml"
sed 's/^ingress: .*/ingress: nobody/' "$config" >"$VG_TMP/refused.yaml"
cp "$VG_TMP/refused.yaml" "$config"
vg_daemon_stop TERM
vg_check "a filter is in force: no start" refuses start_at 60
vg_check "and that filter stays" test "$(pair_xdp_id)" != null
cp "$VG_TMP/good.yaml" "$config"
vg_check "the config is mended: a start" start_at 60
vg_check "taken off by hand" vg_cli detach
cp "$VG_TMP/refused.yaml" "$config"
vg_daemon_stop TERM
vg_check "taken off by hand, long after a boot: no start" refuses start_at 1000
vg_expect "taken off by hand: nothing is filtered" null "$(pair_xdp_id)"
vg_check "the pins are gone, as after a boot" vg_cli detach
vg_check "long after a boot: no start" refuses start_at 310
vg_expect "long after a boot: nothing is filtered" null "$(pair_xdp_id)"
mv "$config" "$config.away"
vg_check "a boot without a config: no start" refuses start_at 60
mv "$config.away" "$config"
before=$(entries_on_disk)
vg_check "a boot with a refused config: a start" start_at 60
vg_expect "a boot: what was in force before is" set-c "$(in_force)"
vg_check "a boot: it filters" test "$(pair_xdp_id)" != null
vg_check "a boot: the log says so" grep -qF "the config of generation $last in the history is taken in its place" "$VG_TMP/daemon.log"
vg_check "a boot: the status says why" grep -q "^$config:[0-9]*:[0-9]*: " <<<"$(pair_status .reloads.last_error)"
vg_check "a boot: so does a hint" hinted "the last reload was refused ($config:"
not_in_force="$config is not what is in force: \`vpcgate validate\` and \`vpcgate apply\` it, or \`vpcgate rollback $(generation)\`"
vg_check "a boot: and another what to do" hinted "$not_in_force"
vg_expect "a boot: and metrics" "1 0" "$(pair_status .reloads.failed) $(config_in_force)"
vg_expect "a boot: it is no news" "$before" "$(entries_on_disk)"
policy set-d >"$VG_TMP/new.yaml"
vg_check "a trial then" exits 0 vg_cli apply "$VG_TMP/new.yaml" --confirm 10s
vg_expect "a trial: it is in force" set-d "$(in_force)"
vg_check "over: the one from before is in force" vg_wait 15 is_in_force set-c
vg_expect "over: but not what the config holds" 0 "$(config_in_force)"
vg_check "over: the hint is there again" hinted "$config is not what is in force: "
vg_daemon_stop KILL
vg_check "a restart: no start" refuses start_at 60
vg_check "a restart: the filter stays" test "$(pair_xdp_id)" != null
vg_check "the pins are gone, as after a further boot" vg_cli detach
mv "$config" "$config.away"
mkdir "$config"
vg_check "a further boot, with what can't be read: a start" start_at 60
vg_check "can't be read: a hint" hinted "$config can't be read (Is a directory): mend that, or the next start fails; \`vpcgate history $(generation)\`"
vg_check "can't be read: what is in force is printed" cmp "$VG_TMP/good.yaml" <(vg_cli history "$(generation)")
rmdir "$config"
mv "$config.away" "$config"
vg_check "the way back that the hint tells" exits 0 vg_cli rollback "$(generation)"
vg_check "the way back: that is the config now" cmp "$VG_TMP/good.yaml" "$config"
vg_expect "the way back: and it is in force" "set-c 1" "$(in_force) $(config_in_force)"
vg_expect "the way back: no hint is left" 0 "$(pair_status ".hints | map(select(contains(\"$config\"))) | length")"

# A config that isn't what is in force, whatever the reason.
sed s/set-c/set-e/ "$VG_TMP/good.yaml" >"$config"
vg_expect "edited, as long as before" 0 "$(config_in_force)"
vg_check "edited: a hint" hinted "$config is not what is in force: "
pair_reload
vg_expect "reloaded" "set-e 1" "$(in_force) $(config_in_force)"
mv "$config" "$config.away"
vg_expect "gone" 0 "$(config_in_force)"
vg_check "gone: a hint" hinted "$config can't be read (No such file or directory): "
mv "$config.away" "$config"
vg_expect "back" 1 "$(config_in_force)"

for i in {1..12}; do
	apply "set-$i" >/dev/null
done
vg_expect "the last 11 are kept" 11 "$(history '.entries | length')"
vg_expect "on disk, too" 11 "$(find "$VG_STATE/history" -name '*.policy' | wc -l)"
vg_check "rollback to the oldest" exits 0 vg_cli rollback "$(history '.entries[0].generation')"
vg_expect "it is in force" set-2 "$(in_force)"

apply set-last >/dev/null
last=$(history '.entries[-1].generation')
printf x | dd of="$VG_STATE/history/$last.policy" bs=1 seek=200 conv=notrunc status=none
vg_daemon_stop TERM
vg_check "start with a damaged entry" vg_daemon_start gated "$config"
vg_check "the log names it" grep -q "$last.policy can't be used: its checksum is wrong" "$VG_TMP/daemon.log"
vg_expect "the config is in force all the same" set-last "$(in_force)"

mount -t tmpfs -o size=16k none "$VG_STATE/history"
dd if=/dev/zero of="$VG_STATE/history/full" bs=1k count=64 status=none 2>/dev/null || true
vg_check "a full disk: a config is applied" apply set-full
vg_expect "a full disk: it is in force" set-full "$(in_force)"
vg_check "a full disk: the history says so" grep -q "can't be written" <<<"$(history .error)"
vg_check "a full disk: so does a hint" grep -q "the history can't be written" <<<"$(pair_status '.hints[]')"
umount "$VG_STATE/history"

ln -s vpcgate.yaml "$VG_TMP/etc/link.yaml"
vg_daemon_stop TERM
vg_check "a config that is a link" vg_daemon_start gated "$VG_TMP/etc/link.yaml"
vg_check "isn't replaced: exit 2" exits 2 apply set-link
vg_check "and it says what to do" prints "is a symbolic link"
vg_expect "nothing has changed" set-full "$(in_force)"
echo "ingres: all" >"$VG_TMP/new.yaml"
vg_daemon_stop TERM
vg_check "the config itself" vg_daemon_start gated "$config"
vg_check "a bad file: exit 1" exits 1 vg_cli apply "$VG_TMP/new.yaml"
vg_check "its place is named" prints "$VG_TMP/new.yaml:1:1: "
vg_check "the config stays" cmp <(policy set-full) "$config"
vg_done
