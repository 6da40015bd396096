#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `apply --dry-run` tells what would change and which connections would be cut off, and an apply that
# would cut off the very SSH session that it is run over asks first.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/trial.sh"

ssh_port=22
# What the logins below are by: the process that holds the connection, the address that it listens at
# unless it is that of the connection, and what is typed on the terminal that they have then.
sshd=sshd listen='' typed=''

# login_start FROM TO COMMAND...: over a connection that is used all the time; what COMMAND prints goes
# to $VG_TMP/out, and its status to $VG_TMP/status.
login_start()
{
	rm -f "$VG_TMP/status"
	vg_in gated env -u SSH_CONNECTION python3 "$pair_dir/sshd.py" "$sshd" "${listen:-$2}" "$ssh_port" \
		"$VG_TMP/status" "$typed" "${@:3}" >"$VG_TMP/out" 2>&1 </dev/null &
	VG_PIDS+=($!)
	vg_wait 10 listens
	pair_traffic session client stream "$1" "$2" "$ssh_port" 20
}
listens() { vg_in gated ss -Hltn "sport = :$ssh_port" | grep -q .; }
login_ended() { [[ -e $VG_TMP/status ]]; }
# over STATUS FROM TO WORDS...: an apply over such a login ends with that status; back_over: a rollback.
over() { command_over "$1" "$2" "$3" "${vpcgate_apply[@]}" "${@:4}"; }
back_over() { command_over "$1" "$2" "$3" "${vpcgate_apply[@]/%apply/rollback}" "${@:4}"; }
command_over()
{
	login_start "$2" "$3" "${@:4}"
	vg_wait 20 login_ended || return 1
	kill -TERM "${pair_pids[session]}" 2>/dev/null || true
	cat "$VG_TMP/out"
	[[ $(<"$VG_TMP/status") = "$1" ]] || { echo "status $(<"$VG_TMP/status")"; false; }
}
# What the session's client has had an answer to, in bytes, and how often it says the same again.
session_sends() { vg_in client ss -Htino state established "dport = :$ssh_port"; }
session_acked() { local n; n=$(session_sends | grep -o 'bytes_acked:[0-9]*') && echo "${n#*:}"; }
session_stalls() { session_sends | grep -qE 'backoff:([2-9]|1[0-9])'; }
# session_goes_on BYTES: more than these.
session_goes_on() { (($(session_acked) > $1)); }
serving() { pair_serves gated 9000 && pair_serves client 9000; }
dry() { vg_cli apply --dry-run --json "$@" >"$VG_TMP/dry.json" && jq -c . "$VG_TMP/dry.json"; }
dried() { jq -c "$1" "$VG_TMP/dry.json"; }
generation() { pair_status .policy.generation; }
open_again() { vg_cli apply "$VG_TMP/open.yaml" --yes >/dev/null && is_open >/dev/null; }
# hold FROM TO PORT NAME NS: a connection that stays.
hold() { pair_traffic "$4" "$5" stream "$1" "$2" "$3" 20; }
held() { [[ $(vg_in gated ss -Htn state established "( sport = :9000 or dport = :9000 )" | wc -l) -ge $1 ]]; }

vg_setup preview
vpcgate_apply=("$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" apply)
pair_build
mkdir "$VG_TMP/etc"
config=$VG_TMP/etc/vpcgate.yaml
trial_policy open | tee "$VG_TMP/open.yaml" >"$config"
trial_policy strict >"$VG_TMP/strict.yaml"
vg_check "the daemon starts" vg_daemon_start gated "$config"
vg_check "the open policy is in force" is_open
pair_traffic receive gated receive 9000 "$VG_TMP/received"
pair_traffic outside client receive 9000 "$VG_TMP/outside"
vg_check "both serve" vg_wait 20 serving
hold "$good4" "$gated4" 9000 good client
hold "$bad4" "$gated4" 9000 bad client
hold "$bad6" "$gated6" 9000 bad6 client
hold "$gated4" "$bad4" 9000 own gated
vg_check "four connections" vg_wait 20 held 4

before=$(generation)
vg_check "dry run" dry "$VG_TMP/strict.yaml"
vg_expect "dry run: nothing has changed" "$before" "$(generation)"
vg_check "dry run: nor the config" cmp "$config" "$VG_TMP/open.yaml"
vg_expect "dry run: what would" '{"name":"interface ens4","before":"ingress all, attach auto","after":"ingress internal, attach auto"}' \
	"$(dried '.changes.settings[0]')"
vg_expect "dry run: of four connections two" '[4,2]' "$(dried '[.connections.open, .connections.refused]')"
vg_expect "dry run: from outside, and why" "[\"$bad6\",9000,true,\"ens4\",\"unlisted\"]
[\"$bad4\",9000,true,\"ens4\",\"unlisted\"]" \
	"$(dried '.connections.list | sort_by(.remote)[] | [.remote, .local_port, .inbound, .interface, .reason]')"
vg_check "dry run: packets that have passed" test "$(dried '.sources[0].packets')" -gt 0
vg_expect "dry run: of sources in no set" '["ens4",null]' "$(dried '.sources[0] | [.interface, .source]')"
vg_expect "dry run: no session" null "$(dried .session)"
vg_check "dry run for people" exits 0 vg_cli apply "$VG_TMP/strict.yaml" --dry-run
vg_check "dry run for people: changes" prints "  + ingress internal, attach auto"
vg_check "dry run for people: connections" prints "of 4 open TCP connections it would refuse 2:"
vg_check "dry run for people: sources" prints "packets of sources in no set so far"
{ trial_policy strict; echo "replies: off"; } >"$VG_TMP/off.yaml"
vg_check "replies: off" dry "$VG_TMP/off.yaml"
vg_expect "replies: off: what this host has opened, too" 3 "$(dried .connections.refused)"
{ trial_policy strict; echo "enforcement: monitor"; } >"$VG_TMP/monitor.yaml"
vg_check "monitor" dry "$VG_TMP/monitor.yaml"
vg_expect "monitor: refuses nobody" '[0,[]]' "$(dried '[.connections.refused, .sources]')"
{ trial_policy strict; echo "services: [{name: echo, protocol: tcp, port: 9000, ingress: all}]"; } >"$VG_TMP/service.yaml"
vg_check "a service" dry "$VG_TMP/service.yaml"
vg_expect "a service: is open" 0 "$(dried .connections.refused)"
vg_check "the config as it is" exits 0 vg_cli apply --dry-run
vg_check "the config as it is: no change" prints "nothing would change"
echo "ingres: all" >"$VG_TMP/wrong.yaml"
vg_check "a config that is refused: exit 1" exits 1 vg_cli apply "$VG_TMP/wrong.yaml" --dry-run
vg_check "a config that is refused: where" prints "$VG_TMP/wrong.yaml:1:1: "

before=$(generation)
vg_check "a login from outside, no terminal: exit 2" over 2 "$bad4" "$gated4" "$VG_TMP/strict.yaml"
vg_check "it names the session" prints "would refuse your own session from $bad4 (unlisted on ens4)"
vg_check "and what can be done" prints "--confirm 60s\` goes back by itself unless it is confirmed; --yes"
vg_expect "nothing has changed" "$before" "$(generation)"
vg_check "over IPv6: exit 2" over 2 "$bad6" "$gated6" "$VG_TMP/strict.yaml"
vg_check "over IPv6: it names the session" prints "your own session from $bad6"
listen=:: vg_check "IPv4 to a socket of IPv6: exit 2" over 2 "$bad4" "$gated4" "$VG_TMP/strict.yaml"
vg_check "IPv4 to a socket of IPv6: named" prints "your own session from $bad4"
vg_check "a dry run tells" over 0 "$bad4" "$gated4" "$VG_TMP/strict.yaml" --dry-run
vg_check "a dry run tells of it" prints "your own session from $bad4 would be refused"
sshd=sshd-session vg_check "since OpenSSH 9.8: exit 2" over 2 "$bad4" "$gated4" "$VG_TMP/strict.yaml"
vg_check "since OpenSSH 9.8: it names the session" prints "your own session from $bad4"
told="$bad4 50000 $gated4 22"
vg_check "SSH_CONNECTION: exit 2" exits 2 env "SSH_CONNECTION=$told" "${vpcgate_apply[@]}" "$VG_TMP/strict.yaml"
vg_check "SSH_CONNECTION: it names the session" prints "your own session from $bad4"
link_local=$(vg_in gated ip -json -6 address show dev ens4 scope link | jq -r '[.[].addr_info[].local | values][0]')
vg_check "SSH_CONNECTION of link-local addresses: exit 2" exits 2 env "SSH_CONNECTION=fe80::1%ens4 50000 $link_local%ens4 22" "${vpcgate_apply[@]}" "$VG_TMP/strict.yaml"
vg_check "SSH_CONNECTION of link-local addresses: it names the session" prints "your own session from fe80::1 "
# shellcheck disable=SC2016 # expanded by that shell
vg_check "SSH_CONNECTION that sudo has removed: exit 2" exits 2 env "SSH_CONNECTION=$told" \
	bash -c 'env -u SSH_CONNECTION "$@"; exit $?' - "${vpcgate_apply[@]}" "$VG_TMP/strict.yaml"
vg_check "SSH_CONNECTION that sudo has removed: it names the session" prints "your own session from $bad4"
typed=n vg_check "terminal, no: exit 1" over 1 "$bad4" "$gated4" "$VG_TMP/strict.yaml"
vg_check "terminal, no: it asks" prints "Continue? [y/N]"
vg_check "terminal, no: it says so" prints "nothing has changed"
vg_expect "nothing has changed by now" "$before" "$(generation)"

typed=y vg_check "terminal, yes: exit 0" over 0 "$bad4" "$gated4" "$VG_TMP/strict.yaml"
vg_check "terminal, yes: in force" is_strict
vg_check "the filter is taken off" exits 0 vg_cli detach
vg_check "what brings it back asks, too: exit 2" over 2 "$bad4" "$gated4"
vg_check "open again" open_again
vg_check "--yes: exit 0" over 0 "$bad4" "$gated4" "$VG_TMP/strict.yaml" --yes
vg_check "--yes: in force" is_strict
vg_check "open again" open_again
vg_check "a login from inside isn't asked" over 0 "$good4" "$gated4" "$VG_TMP/strict.yaml"
vg_check "open again" open_again
for told in "$bad4 50000 198.51.100.1 22" "$bad6 50000 2001:db8::1 22" nonsense; do
	vg_check "SSH_CONNECTION=$told isn't asked" exits 0 env "SSH_CONNECTION=$told" "${vpcgate_apply[@]}" "$VG_TMP/strict.yaml"
	vg_check "open again" open_again
done
vg_check "a session that goes on isn't asked" over 0 "$bad4" "$gated4" "$VG_TMP/monitor.yaml"
vg_check "open again" open_again

vg_check "--confirm without a terminal: exit 0" over 0 "$bad4" "$gated4" "$VG_TMP/strict.yaml" --confirm 10s
vg_check "--confirm without a terminal: it warns" prints "your own session from $bad4"
vg_check "--confirm without a terminal: in force" is_strict
vg_check "back" exits 0 vg_cli rollback

vg_check "rollback: to the strict policy" exits 0 vg_cli apply "$VG_TMP/strict.yaml"
vg_check "rollback: open again" open_again
before=$(generation)
vg_check "rollback: dry run: exit 0" exits 0 vg_cli rollback --dry-run
vg_check "rollback: dry run: what would change" prints "  + ingress internal, attach auto"
vg_check "rollback: dry run as JSON" exits 0 vg_cli rollback --dry-run --json
vg_expect "rollback: dry run as JSON: for good" "[$before,null]" "$(jq -c '[.generation, .session]' "$VG_TMP/out")"
vg_check "rollback: from outside, no terminal: exit 2" back_over 2 "$bad4" "$gated4"
vg_check "rollback: it names the session" prints "would refuse your own session from $bad4 (unlisted on ens4)"
typed=n vg_check "rollback: terminal, no: exit 1" back_over 1 "$bad4" "$gated4"
vg_check "rollback: a dry run tells" back_over 0 "$bad4" "$gated4" --dry-run
vg_check "rollback: a dry run tells of it" prints "your own session from $bad4 would be refused"
vg_expect "rollback: nothing has changed" "$before" "$(generation)"
typed=y vg_check "rollback: terminal, yes: exit 0" back_over 0 "$bad4" "$gated4"
vg_check "rollback: in force" is_strict
vg_check "rollback: open again" open_again
vg_check "rollback: --yes: exit 0" back_over 0 "$bad4" "$gated4" --yes --json
vg_expect "rollback: as JSON" "$(generation)" "$(jq .generation "$VG_TMP/out")"
vg_check "rollback: --yes: in force" is_strict
vg_check "rollback: open again" open_again
vg_check "rollback: a login from inside isn't asked" back_over 0 "$good4" "$gated4"
vg_check "rollback: open again" open_again

# A wrong yes: the session that it was said in is cut off, and works again.
# shellcheck disable=SC2016 # expanded by that shell
typed=y login_start "$bad4" "$gated4" bash -c '"$@"; echo "exit $?"; until [[ -e $0 ]]; do sleep 0.05; done' \
	"$VG_TMP/logout" "${vpcgate_apply[@]}" "$VG_TMP/strict.yaml" --confirm 10s
vg_check "a wrong yes: it was asked" vg_wait 10 prints "Continue? [y/N] y"
vg_check "a wrong yes: the session is cut off" vg_wait "$trial_s" session_stalls
vg_check "a wrong yes: and the policy in force" is_strict
acked=$(session_acked)
vg_check "a wrong yes: the trial ends" vg_wait "$trial_over_s" trial_ended
vg_check "a wrong yes: the same session goes on" vg_wait 30 session_goes_on "$acked"
vg_check "a wrong yes: it was told" vg_wait 10 prints "was not confirmed: generation"
vg_check "a wrong yes: with exit 1" vg_wait 10 prints "exit 1"
pair_stop session
touch "$VG_TMP/logout"
vg_check "a wrong yes: the session ends by itself" vg_wait 10 login_ended
vg_expect "a wrong yes: nothing was lost in it" 0 "$(pair_result session .wrong)"
vg_done
