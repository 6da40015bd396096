#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every answer and every exit status of vpcgate, with a daemon, without one, and without a filter.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

vg_setup cli
pair_build
config=$VG_TMP/vpcgate.yaml
status=0 out='' err=''

# Runs vpcgate; sets status, out and err.
cli()
{
	status=0
	out=$(vg_cli "$@" 2>"$VG_TMP/err") || status=$?
	err=$(<"$VG_TMP/err")
}

# answers NAME STATUS ARGS...: vpcgate ends with that status. Text goes to standard output where it
# is an answer and to standard error where it is an error.
answers()
{
	cli "${@:3}"
	vg_expect "$1: exit $2" "$2" "$status"
	if ((status == 2)); then
		vg_expect "$1: an error, one line" "vpcgate: 1" "${err%% *} $(wc -l <"$VG_TMP/err")"
	fi
}

# says NAME PATTERN TEXT: the text holds a match of the extended regular expression.
says() { vg_check "$1" matches "$2" "$3"; }
matches() { grep -E -- "$1" <<<"$2" || { echo "$2"; return 1; }; }
silent() { vg_expect "$1" "" "$2"; }

# datagrams FROM PORT COUNT: UDP from the client, 46 bytes a frame.
datagrams()
{
	vg_in client python3 -c '
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], 0))
for _ in range(int(sys.argv[3])):
    sock.sendto(b"vpcg", (sys.argv[4], int(sys.argv[2])))
' "$1" "$2" "$3" "$gated4"
}

# packets VERDICT REASON SOURCE: of the interface, as vpcgate counts them now.
packets()
{
	vg_cli counters --json | jq --arg v "$1" --arg r "$2" --arg s "$3" '[.counters[] |
		select(.verdict == $v and .reason == $r and (.source // "") == $s).packets] | add // 0'
}
packets_are() { [[ $(packets "$1" "$2" "$3") = "$4" ]]; }

pair_config internal >"$config" <<-'END'
	services:
	  - {name: web, protocol: udp, port: 8080, ingress: all}
	exporter: off
END

# ---- usage ----
usage()
{
	answers "no command" 2
	says "no command names help" 'vpcgate help' "$err"
	answers "unknown command" 2 stauts
	says "unknown command names the nearest" "'stauts'.*'status'" "$err"
	answers "unknown option" 2 drops --interfaec ens4
	says "unknown option names the nearest" "'--interfaec'.*'--interface'" "$err"
	answers "an option before its command" 2 --json status
	says "an option before its command" 'behind' "$err"
	answers "missing value" 2 check 10.128.0.1 --port
	answers "value too many" 2 status --json=yes
	answers "word too many" 2 status ens4
	answers "missing word" 2 check
	answers "missing file" 2 validate
	answers "interval too short" 2 drops --watch 0.01
	answers "interval is no number" 2 drops --watch nan
	answers "unknown command of help" 2 help stauts
	cli --version
	says "version" '^vpcgate [0-9]+\.[0-9]+\.[0-9]+$' "$out"
	vg_expect "--version behind a command" "$out" "$(vg_cli status --version)"
	for command in status drops counters flows check ranges validate discover detach help; do
		answers "help $command" 0 help $command
		says "help $command shows its usage" "Usage: vpcgate $command" "$out"
		answers "$command --help" 0 $command --help
	done
	answers "help" 0 help
	vg_expect "--help is help" "$out" "$(vg_cli --help)"
	status=0
	vg_cli help >/dev/full 2>/dev/null || status=$?
	vg_expect "a full disk: exit 2" 2 $status
}

# ---- a config, without daemon, filter and privilege ----
powerless() { setpriv --bounding-set=-all --inh-caps=-all "$VPCGATE" "$@"; }

files()
{
	answers "validate" 0 validate "$config"
	says "validate sums up" ': accepted: 4 source sets, .* IPv4 and .* IPv6 prefixes, 1 service;' "$out"
	says "validate tells the memory" 'tables take [0-9.]+ [KM]iB$' "$out"
	vg_expect "validate without privilege" "$out" "$(powerless validate "$config")"
	sed 's/^ingress:/ingres:/' "$config" >"$VG_TMP/bad.yaml"
	answers "validate a bad config" 1 validate "$VG_TMP/bad.yaml"
	says "validate says where and what" "^$VG_TMP/bad.yaml:2:1: .*'ingress'" "$err"
	silent "validate a bad config prints no answer" "$out"
	answers "validate no file" 2 validate "$VG_TMP/none.yaml"
	answers "validate a folder" 2 validate "$VG_TMP"

	answers "check a file: pass" 0 check "$good4" --config "$config"
	says "check a file: text" "^$good4 on ens4: PASS  admitted$" "$out"
	answers "check a file: drop" 1 check "$lb4" --port tcp/443 --config "$config"
	says "check a file: verdict" "^$lb4 -> tcp/443 on ens4: DROP  not-admitted$" "$out"
	says "check a file: prefix" '^  prefix   35\.191\.0\.0/16 \(google:' "$out"
	says "check a file: sets" '^  sets     load-balancer, health-check$' "$out"
	says "check a file: admits" '^  admits   vpc, shared-vpc$' "$out"
	says "check a file: replies" '^  note     a reply to a connection .* would pass \(reply\), a SYN not$' "$out"
	answers "check a file: service" 0 check "$bad4" --port udp/8080 --config "$config"
	says "check a file: the service" '^  service  web \(ingress: all\)$' "$out"
	answers "check a file: destination" 1 check "$bad4" --to "$gated4" --config "$config"
	says "check a file: destination" "^$bad4 -> $gated4 on ens4: DROP  unlisted$" "$out"
	vg_expect "check without privilege" "$out" \
		"$(powerless check "$bad4" --to "$gated4" --config "$config" || true)"
	answers "check a file: IPv6" 0 check "$good6" --config "$config" --json
	vg_expect "check a file: JSON" '["pass","admitted","fd20:1:2::/48",["vpc"]]' \
		"$(jq -c '[.verdict, .reason, .prefix, .sets]' <<<"$out")"
	answers "check: bad address" 2 check 10.128.0 --config "$config"
	answers "check: bad port" 2 check "$good4" --port 443 --config "$config"
	answers "check: bad destination" 2 check "$good4" --to "$good6" --config "$config"
	answers "check: other interface" 2 check "$good4" --interface eth9 --config "$config"
	answers "check: no file" 2 check "$good4" --config "$VG_TMP/none.yaml"
	cli check "$good4" --config "$VG_TMP/bad.yaml"
	vg_expect "check a bad config: exit 2" 2 $status

	answers "ranges of a file" 0 ranges --config "$config"
	says "ranges: heading" '^SET +PREFIX +ORIGIN +STATED BY$' "$out"
	says "ranges: a built-in list with its date and its source" \
		'^load-balancer +35\.191\.0\.0/16 +google:load-balancer \([0-9-]+\) +https://cloud\.google\.com/[^ ]+$' "$out"
	says "ranges: the config's own" "^vpc +10\.128\.0\.0/20 +$config *$" "$out"
	says "ranges: where they came from" '^SET +ORIGIN +PREFIXES +AGE$' "$out"
	says "ranges: how many of the config" "^vpc +$config +2 *$" "$out"
	printf 'interfaces: [ens4]\ningress: internal\nsources: {vpc: [gcp:subnets]}\n' >"$VG_TMP/feeds.yaml"
	answers "ranges of a server" 0 ranges --config "$VG_TMP/feeds.yaml"
	says "ranges: that nobody has asked" '^vpc +gcp:subnets +0 never read$' "$out"
	answers "validate with a feed" 0 validate "$VG_TMP/feeds.yaml"
	says "validate: what is not in it" 'MiB, without what 1 feed of servers holds$' "$out"
	answers "ranges of one set" 0 ranges --set vpc --config "$config" --json
	vg_expect "ranges: JSON" '[["vpc",["10.128.0.0/20","fd20:1:2::/48"]]]' \
		"$(jq -c '[.sets[] | [.name, [.ranges[].prefix]]]' <<<"$out")"
	answers "ranges of no set" 2 ranges --set vcp --config "$config"
	says "ranges names the sets that are" 'vpc, shared-vpc' "$err"
}

# ---- neither daemon nor filter ----
nothing()
{
	answers "status of nothing" 2 status
	says "status of nothing says how to start" 'systemctl start vpcgated' "$err"
	silent "status of nothing prints no answer" "$out"
	answers "drops of nothing" 2 drops
	answers "check without daemon" 2 check "$good4"
	says "check names the way without a daemon" '--config' "$err"
	answers "ranges without daemon" 2 ranges
	answers "detach of nothing" 0 detach
	answers "detach of one that is not there" 2 detach ens4
}

# ---- with a daemon ----
running()
{
	answers "status" 0 status
	says "status: policy" '^policy +generation 1, published .* ago, enforce$' "$out"
	says "status: contents" '4 source sets, .* IPv6 prefixes, 1 service$' "$out"
	says "status: tables" '^tables +[0-9.]+ MiB \(limit 256\.0 MiB\)$' "$out"
	says "status: publish" \
		'^publish +[0-9.]+ s of CPU time: parse [0-9.]+ s, compile [0-9.]+ s, load [0-9.]*[1-9][0-9.]* s$' \
		"$out"
	says "status: interface" '^ens4 +attached +native +internal +' "$out"
	silent "status has no escape sequences" "$(tr -cd '\033' <<<"$out")"
	answers "status --json" 0 status --json
	vg_expect "status: JSON" '[1,"enforce",[["ens4","attached"]],null]' \
		"$(jq -c '[.policy.generation, .policy.enforcement,
			[.interfaces[] | [.name, .state]], .ok]' <<<"$out")"
	answers "drops of a quiet interface" 0 drops --interface ens4 --socket "$VG_SOCKET"
	answers "drops of an interface without filter" 2 drops --interface ens5
	says "drops names the interfaces" 'ens4' "$err"
	cli check "$bad4" --json
	vg_expect "daemon and file give one answer" \
		"$(vg_cli check "$bad4" --json --config "$config" | jq -S .)" \
		"$(jq -S 'del(.generation)' <<<"$out")"
	answers "check: drop" 1 check "$bad4"
	answers "check: pass" 0 check "$good4"
	answers "check: bad address" 2 check 10.128.0
	vg_expect "ranges of daemon and file" "$(vg_cli ranges --config "$config")" "$(vg_cli ranges)"
	answers "ranges of no set" 2 ranges --set vcp
	answers "detach an unknown interface" 2 detach ens5
}

counted()
{
	datagrams "$good4" 9 3
	datagrams "$lb4" 9 5
	datagrams "$bad4" 9 7
	datagrams "$bad4" 8080 2
	vg_check "admitted frames are counted" vg_wait 5 packets_are pass admitted vpc 3
	vg_check "frames not admitted are counted" \
		vg_wait 5 packets_are drop not-admitted load-balancer 5
	vg_check "unlisted frames are counted" vg_wait 5 packets_are drop unlisted "" 7
	vg_check "frames to an open service are counted" vg_wait 5 packets_are pass open "" 2
	answers "drops" 0 drops
	says "drops: heading" '^INTERFACE VERDICT REASON +SOURCE +PACKETS BYTES$' "$out"
	says "drops: not admitted" '^ens4 +drop +not-admitted load-balancer +5 +230$' "$out"
	says "drops: unlisted" '^ens4 +drop +unlisted +- +7 +322$' "$out"
	silent "drops has no passes" "$(grep pass <<<"$out")"
	vg_expect "drops: JSON" '[["load-balancer",5,230],[null,7,322]]' "$(vg_cli drops --json |
		jq -c '[.counters[] | [.source, .packets, .bytes]]')"
	answers "counters" 0 counters --interface ens4
	says "counters has passes" '^ens4 +pass +admitted +vpc +3 +138$' "$out"
	says "counters: services" '^INTERFACE SERVICE VERDICT PACKETS BYTES$' "$out"
	says "counters: a service" '^ens4 +web +pass +2 +92$' "$out"
	vg_expect "counters: JSON of a service" '[["ens4","web","pass",2,92]]' "$(vg_cli counters --json |
		jq -c '[.services[] | [.interface, .service, .verdict, .packets, .bytes]]')"
	answers "status counts" 0 status --json
	vg_expect "status counts" '[12,552]' "$(jq -c '.interfaces[0].drop | [.packets, .bytes]' <<<"$out")"
	says "status has a hint" 'load-balancer was dropped 5 times on ens4' "$(vg_cli status)"
}

# In the background, as a process of its own rather than a function's shell.
watch() { "$VPCGATE" --bpffs "$VG_BPFFS" drops "$@" >"$VG_TMP/watch" & }

# Two snapshots and more, then an interrupt ends it well.
watched()
{
	local pid

	watch --watch 0.1 --json
	pid=$!
	vg_check "--watch prints a line a snapshot" vg_wait 5 eval "(( \$(wc -l <'$VG_TMP/watch') >= 3 ))"
	# A shell without job control starts its jobs deaf to SIGINT, so TERM here.
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	vg_expect "--watch ends with status 0" 0 $status
	vg_expect "--watch prints JSON" 2 "$(jq -s '.[2].counters | length' "$VG_TMP/watch")"
	watch --watch=0.1
	pid=$!
	vg_check "--watch has a rate" vg_wait 5 grep -Eq 'unlisted +- +7 +322 +0$' "$VG_TMP/watch"
	kill -TERM $pid
	wait $pid || true
	says "--watch starts without a rate" '^ens4 +drop +unlisted +- +7 +322 +-$' "$(<"$VG_TMP/watch")"
}

# on_terminal COMMAND: what vpcgate writes to a terminal.
on_terminal()
{
	script -qec "'$VPCGATE' --bpffs '$VG_BPFFS' --socket '$VG_SOCKET' $1" /dev/null </dev/null |
		tr -d '\0'
}

colours()
{
	local escape=$'\033'

	says "a terminal gets colours" "${escape}\[31mdrop" "$(on_terminal drops)"
	silent "NO_COLOR" "$(NO_COLOR=1 on_terminal drops | tr -cd '\033')"
}

monitored()
{
	echo "enforcement: monitor" >>"$config"
	vg_check "the reload is done" pair_reload
	datagrams "$bad4" 9 1
	vg_check "monitor counts" vg_wait 5 packets_are would-drop unlisted "" 1
	answers "check under monitor" 0 check "$bad4"
	says "check under monitor" "^$bad4 on ens4: WOULD-DROP  unlisted$" "$out"
	answers "drops under monitor" 0 drops
	says "drops under monitor" '^ens4 +would-drop +unlisted +- +1 +46$' "$out"
	answers "status under monitor" 0 status
	says "status under monitor" 'monitor \(drops nothing\)' "$out"
	says "status under monitor has its columns" 'WOULD-DROP/S$' "$out"
}

# ---- the daemon is dead, the filter is not ----
orphaned()
{
	vg_daemon_stop KILL
	answers "status without daemon" 0 status
	says "status without daemon says so" \
		'vpcgated is not running: the filter of generation 2 stays in force; start it with .systemctl start vpcgated' "$out"
	# The mode is the NIC's to tell, which is in another network namespace than this shell.
	says "status without daemon shows the interface" '^ens4 +attached +native +- +[0-9]' \
		"$(vg_in gated "$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" status)"
	answers "status without daemon, JSON" 0 status --json
	vg_expect "status without daemon, JSON" '[null,2,"monitor","ens4","attached",12]' \
		"$(jq -c '[.daemon, .policy.generation, .policy.enforcement,
			(.interfaces[0] | .name, .state, .drop.packets)]' <<<"$out")"
	answers "drops without daemon" 0 drops
	answers "check without daemon" 2 check "$good4"
	answers "detach another without daemon" 2 detach ens5
	answers "detach without daemon" 0 detach ens4
	says "detach names it" '^detached ens4;' "$out"
	vg_expect "no program is left on the interface" null "$(pair_xdp_id)"
	answers "status without daemon and filter" 2 status
	answers "counters are left" 0 counters
	answers "detach all without daemon" 0 detach
	vg_expect "nothing is left" "" "$(find "$VG_BPFFS" -type f 2>/dev/null)"
	answers "counters are gone" 2 counters
}

detached()
{
	vg_daemon_start gated "$config"
	answers "detach through the daemon" 0 detach ens4
	says "detach through the daemon" '^detached ens4;' "$out"
	vg_expect "detached: no program is left on the interface" null "$(pair_xdp_id)"
	answers "status after detach" 0 status
	says "status after detach" '^ens4 +detached ' "$out"
	vg_daemon_stop
}

# fake TEXT: a daemon that says this to one question, and ends.
fake()
{
	rm -f "$VG_TMP/fake.sock"
	python3 -c 'import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen(1)
peer = listening.accept()[0]
peer.recv(65536)
peer.sendall(sys.argv[2].encode())
peer.close()' "$VG_TMP/fake.sock" "$1" &
	VG_PIDS+=($!)
	vg_wait 10 test -S "$VG_TMP/fake.sock"
}

faked()
{
	local VG_SOCKET=$VG_TMP/fake.sock

	fake ""
	answers "a daemon that ends meanwhile" 2 apply
	says "a daemon that ends meanwhile" 'ended before it answered: .vpcgate status. tells what is in force$' "$err"
	fake '{"ok":'
	answers "half an answer" 2 apply
	says "half an answer" 'does not answer as vpcgated does$' "$err"
	fake '{"ok":false,"error":"no"}'
	answers "a refusal" 1 apply
	vg_expect "a refusal, as it came" no "$err"
}

usage
files
nothing
faked
vg_daemon_start gated "$config"
running
counted
watched
colours
monitored
orphaned
detached
vg_done
