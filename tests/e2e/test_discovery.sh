#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Ranges that keep themselves right: what changes at Google or in a file is in force soon, with no
# packet of others lost; what a server says while it is out of order never is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
vg_setup discovery
. "$(dirname "$0")/cloud.sh"

refresh_s=10 shrink_after_s=15
config=$VG_TMP/vpcgate.yaml
# Asked again about every refresh, and what comes then takes a moment.
soon_s=$((refresh_s + 5))

# config [SET...]: what is admitted inside, and what else there is to say.
nics='ens4, ens5' compute=
config()
{
	cat >"$config" <<-END
	interfaces: [$nics]
	ingress: internal
	discovery: {refresh: ${refresh_s}s, shrink-after: ${shrink_after_s}s, ca: $cloud_folder/ca.pem${compute:+, compute: "$compute"}}
	sources:
	  vpc: [gcp:subnets]
	$(printf '  %s\n' "$@")
	services:
	  - {name: lb, to: [gcp:forwarded-ips], protocol: tcp, port: 8443, ingress: all}
	END
}

# world SUBNETS [FORWARDED...]: the gated host's network has these many subnets, with the good client
# in the first and the bad one in the tenth, and these forwarding rules lead to the host.
world()
{
	cloud_world "$(jq -n --argjson n "$1" '
		{projects: {"101": {id: "my-app", may_list: true, connectors: [], subnetworks:
			[range($n) | {name: "subnet-\(.)", network: "prod", region: "us-central1",
				      purpose: "PRIVATE", ipCidrRange:
				(if . == 0 then "10.128.0.0/20" elif . == 9 then "203.0.113.0/24"
				 else "10.50.\(.).0/24" end)}]}}}')"
	forwarded "${@:2}"
}
# forwarded [ADDRESS...]: these forwarding rules alone lead to the host, at once.
forwarded()
{
	jq '.nics[0].forwardedIps = $ARGS.positional' "$cloud_folder/world.json" --args -- "$@" |
		cloud_write world.json
}

fetch() { vg_in client curl -sf --interface "$1" --max-time "${3:-1}" -o "$VG_TMP/body" "http://$gated4:${2:-8080}/"; }
refused() { ! fetch "$1" "${2:-8080}"; }
feed() { pair_status ".feeds[] | select(.feed == \"$1\") | $2"; }
feed_is() { [[ $(feed "$1" "$2") == "$3" ]]; }
failures_are() { (($(feed "$1" .failures) >= $2)); }
hint() { pair_status '.hints[]' | grep -F "$1"; }
readyz() { vg_in gated curl -s --max-time 5 -w '%{http_code}' http://127.0.0.1:9820/readyz | paste -sd' '; }
metric() { vg_in gated curl -sf --max-time 5 http://127.0.0.1:9820/metrics | grep -F "$1"; }
log() { grep -aF "$1" "$VG_TMP/daemon.log"; }
ranges() { vg_cli ranges --json --set "${1:-vpc}" | jq -c '[.sets[0].ranges[].prefix]'; }

# shellcheck disable=SC2053 # a pattern
note_is() { [[ $(feed gcp:subnets .note) == $1 ]]; }
failed() { ! "$@" >"$VG_TMP/failed" 2>&1; }
# asked_more PATH COUNT: within a refresh.
asked_more() { vg_wait "$soon_s" eval "((\$(cloud_asked '$1') > $2))"; }

# The last word to systemd on whether it is ready.
notified() { grep -E '^(READY|RELOADING)=' "$VG_TMP/notify.json" | tail -n 1; }

# The time that CMD takes, in ms: the shortest of some, since others use the machine too.
fastest_ms()
{
	local start_us i us best_us=999999999

	for ((i = 0; i < 5; i++)); do
		start_us=${EPOCHREALTIME/./}
		"$@" >"$VG_TMP/fastest" || return 1
		us=$((${EPOCHREALTIME/./} - start_us))
		best_us=$((us < best_us ? us : best_us))
	done
	echo $((best_us / 1000))
}
quick() { (($(fastest_ms vg_cli status --json) < 100)); }
# set_clock SECONDS: as far ahead of the time is the daemon's clock from now on.
set_clock() { echo "$1" >"$VG_TMP/clock.new" && mv "$VG_TMP/clock.new" "$VG_TMP/clock"; }
memory_kb() { awk -v what="$1:" '$1 == what { print $2 }' "/proc/$VG_DAEMON_PID/status"; }

# ---- the start ----

pair_build
cloud_build
world 9
cloud_start
pair_start notify gated python3 -uc '
import socket, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(sys.argv[1])
while True:
    print(sock.recv(4096).decode())' "$VG_TMP/notify"
VG_DAEMON_PREFIX=(env "NOTIFY_SOCKET=$VG_TMP/notify" "LD_PRELOAD=$VG_BUILD/tests/e2e/set_clock.so"
	"VG_CLOCK_FILE=$VG_TMP/clock" "${VG_DAEMON_PREFIX[@]}")
set_clock 0
config
vg_check "the daemon starts" vg_daemon_start gated "$config"
vg_check "it has waited for the first answers" log "waiting for the first answers of feeds"
vg_expect "what it was told is in force with the first generation" "1 9 fresh" \
	"$(pair_status .policy.generation) $(feed gcp:subnets '"\(.ranges) \(.state)"')"
pair_start http gated python3 "$pair_dir/http_server.py" 8080 8443
pair_traffic receiver gated receive 9000 "$VG_TMP/received"
vg_check "the servers listen" vg_wait 10 pair_serves gated 9000
vg_check "a client in a subnet is admitted" vg_wait 10 fetch "$good4"
vg_check "a client outside is refused" refused "$bad4"

# ---- changes ----

pair_traffic sender client send steady "$good4" "$gated4" 9000 500
pair_traffic streamer client stream "$good4" "$gated4" 9000 50
vg_check "traffic flows" vg_wait 10 pair_received steady 100
world 10
vg_check "a subnet that is added is admitted" vg_wait $soon_s fetch "$bad4"
vg_expect "nobody has reloaded" "0 1" "$(pair_status '"\(.reloads.succeeded) \(.refreshes.succeeded)"')"
vg_check "the log says what has changed" log "gcp:subnets: 1 range added, 0 removed"
world 9
vg_check "a subnet that is removed is refused" vg_wait $soon_s refused "$bad4"
world 10
vg_check "ten subnets" vg_wait $soon_s feed_is gcp:subnets .ranges 10
world 6
vg_check "four of ten subnets are gone: it is so" vg_wait $soon_s feed_is gcp:subnets .ranges 6
world 10
vg_check "ten subnets again" vg_wait $soon_s feed_is gcp:subnets .ranges 10

# ---- losses that are held back ----

world 4
vg_check "six of ten subnets are gone: it is held back" vg_wait $soon_s feed_is gcp:subnets .state held
vg_expect "what was in force stays" 10 "$(feed gcp:subnets .ranges)"
vg_check "a client of a subnet that is said to be gone is admitted" fetch "$bad4"
vg_check "a hint says why, and what to do" hint "gcp:subnets: subnet: 6 of 10 ranges are gone (60%, max-shrink is 50%): 10.50.4.0/24, 10.50.5.0/24, 10.50.6.0/24, 10.50.7.0/24, ...; held back until"
# shellcheck disable=SC2016 # a command for people
vg_check "... with its command" hint 'unless it is accepted with `vpcgate apply --accept-shrink`'
vg_check "a metric tells" metric 'vpcgate_feed_held{feed="gcp:subnets"} 1'
refused_exits_1() { vg_cli apply "$VG_TMP/wrong.yaml" --accept-shrink >"$VG_TMP/apply" 2>&1; (($? == 1)); }
echo "ingress: nonsense" >"$VG_TMP/wrong.yaml"
vg_check "a config that is refused accepts nothing" refused_exits_1
vg_expect "... it is held back still" held "$(feed gcp:subnets .state)"
vg_check "a dry run shows what that would take away" grep -qF 10.50.4.0/24 <(vg_cli apply --accept-shrink --dry-run)
vg_expect "... and nothing without" "" "$(vg_cli apply --dry-run | grep -F 10.50.4.0/24)"
vg_expect "... it is held back still" held "$(feed gcp:subnets .state)"
vg_expect "it is accepted" "1 answer that was held back is accepted" \
	"$(vg_cli apply --accept-shrink | head -n 1)"
vg_expect "then it is in force" "4 fresh" "$(feed gcp:subnets '"\(.ranges) \(.state)"')"
vg_check "and refused" refused "$bad4"
vg_check "the metric tells" metric 'vpcgate_feed_held{feed="gcp:subnets"} 0'
world 10
vg_check "ten subnets once more" vg_wait $soon_s feed_is gcp:subnets .ranges 10
world 4
vg_check "six are gone again" vg_wait $soon_s feed_is gcp:subnets .state held
held=$SECONDS
set_clock 43200
vg_check "a loss that lasts is believed" vg_wait $((shrink_after_s + soon_s)) feed_is gcp:subnets .ranges 4
vg_check "... but not sooner, though somebody has set the clock 12 hours ahead" \
	test $((SECONDS - held)) -ge $((shrink_after_s - 2))
set_clock 0
world 10
vg_check "ten subnets at last, though the clock was set back" vg_wait $soon_s feed_is gcp:subnets .ranges 10
world 0
vg_check "no subnet at all is a mistake" vg_wait $soon_s hint "gcp:subnets: project 101 has no subnets in a network 'prod'"
vg_check "ten stay" feed_is gcp:subnets .ranges 10
world 10
vg_check "... until that passes" vg_wait $soon_s feed_is gcp:subnets .state fresh
pair_stop sender
pair_stop streamer
vg_expect "of all that, no packet was lost" "0 lost, 0 repeated" \
	"$(jq -r '.udp.steady | "\(.lost) lost, \(.repeated) repeated"' "$VG_TMP/received")"
vg_expect "... and no line" 0 "$(pair_result streamer .wrong)"

# ---- the metadata server ----

world 9
vg_check "nine subnets" vg_wait $soon_s feed_is gcp:subnets .ranges 9
vg_check "the load balancer's port is closed" refused "$bad4" 8443
world 9 "$gated4"
vg_check "a forwarding rule is known at once" vg_wait 5 fetch "$bad4" 8443
world 9 10.128.0.3
vg_check "one that is gone is held back" vg_wait 5 feed_is gcp:forwarded-ips .state held
vg_check "it stays open" fetch "$bad4" 8443
vg_cli apply --accept-shrink >"$VG_TMP/apply"
vg_check "until that is accepted" refused "$bad4" 8443

# ---- outages ----

# outage NAME ACTION ERROR: while the server behaves so, nothing changes but the feed's state.
outage()
{
	local failures

	failures=$(feed gcp:subnets .failures)
	cloud_control "{\"aggregated/subnetworks\": $2}"
	# What has failed before is asked again with a reload; a server that hangs is waited for.
	vg_cli apply >"$VG_TMP/apply"
	vg_check "$1: status answers quickly" quick
	vg_check "$1: it is a failure" vg_wait 45 failures_are gcp:subnets $((failures + 1))
	vg_check "$1: $3" grep -E "$3" <<<"$(feed gcp:subnets .error)"
	vg_expect "$1: what is in force" "$in_force" "$(ranges)"
	vg_check "$1: clients are admitted" fetch "$good4"
	vg_check "$1: others are refused" refused "$bad4"
	vg_check "$1: a hint says what stays" hint "its 9 ranges of "
}

in_force=$(ranges)
outage forbidden '{"status": 403}' 'role'
outage "not found" '{"status": 404}' 'finds no network'
outage "too many requests" '{"status": 429, "retry_after": 1}' '429'
outage "a server error" '{"status": 500}' '500'
outage "a cut connection" '"drop-connection"' '.'
outage truncated '"truncate"' '.'
outage "a bad prefix" '"bad-prefix"' '10.0.0.300/8'
outage "a login page" '"html"' 'HTML'
outage "50 MB" '"huge"' 'larger|bytes|MB'
outage "50 MB, packed" '"huge-gzip"' 'larger|bytes|MB'
outage "no answer at all" '"hang"' 'time'
echo "memory: $(memory_kb VmHWM) kB at most, $(memory_kb VmRSS) kB now"
vg_check "memory is bounded" test "$(memory_kb VmHWM)" -lt 131072
vg_check "failures are counted" metric 'vpcgate_feed_failures_total{feed="gcp:subnets"} 1'
promtool=$VG_BUILD/tools/promtool
[[ -x $promtool ]] || promtool=$(command -v promtool || echo promtool-is-missing)
vg_in gated curl -sf http://127.0.0.1:9820/metrics >"$VG_TMP/metrics"
vg_check "promtool check metrics" "$promtool" check metrics <"$VG_TMP/metrics"
cloud_control '{}'
vg_cli apply >"$VG_TMP/apply"
vg_check "it comes back by itself" vg_wait 20 feed_is gcp:subnets .state fresh
vg_check "the log says so" log "gcp:subnets answers again"

# ---- new feeds ----

before=$(pair_status .policy.generation)
config 'connectors: [gcp:connectors]'
cloud_control '{"/connectors": {"status": 503}}'
vg_cli apply >"$VG_TMP/apply" 2>&1 &
apply=$!
vg_check "while a new feed is waited for, status answers quickly" quick
vg_expect "... and the old policy is in force" "$before" "$(pair_status .policy.generation)"
vg_expect "systemd knows that it reloads" RELOADING=1 "$(notified)"
status=0
wait $apply || status=$?
vg_expect "without its answer the reload is refused" 1 "$status"
vg_expect "systemd knows that it is over" READY=1 "$(notified)"
vg_check "... with its place and the reason" grep -E "^$config:[0-9]+:[0-9]+: 'gcp:connectors' has no answer: .*503" "$VG_TMP/apply"
vg_expect "the policy in force stays" "$before" "$(pair_status .policy.generation)"
cloud_control '{"/connectors": {"status": 403}}'
start=$SECONDS
vg_cli apply >"$VG_TMP/apply" 2>&1 || true
vg_check "where there is no hope it is refused at once" test $((SECONDS - start)) -le 3
vg_check "... with the reason" grep "'gcp:connectors' has no answer: .*role" "$VG_TMP/apply"
cloud_control '{}'
vg_check "with its answer it is in force" vg_cli apply
vg_expect "though it has no ranges" "0 fresh" "$(feed gcp:connectors '"\(.ranges) \(.state)"')"

# ---- a right that is lost, an answer that is too much ----

# may_list BOOL: all subnets, or only one that may be used.
may_list()
{
	world "$1" && jq --argjson all "$2" '.projects["101"] |= (. + {may_list: $all, usable: [.subnetworks[0].name]})' \
		"$cloud_folder/world.json" | cloud_write world.json
}

config
vg_check "subnets alone" vg_cli apply
may_list 9 false
vg_check "the right to list all subnets is lost" vg_wait $soon_s note_is "*those known before are kept"
vg_expect "... and they stay" "$in_force" "$(ranges)"
may_list 9 true
vg_check "it is back" vg_wait $soon_s note_is null

# list COUNT: addresses far from each other, whose tables are large.
list()
{
	world "$2" && jq --rawfile text <(python3 -c '
import sys
print("\n".join(f"{i % 200 + 10}.{i // 200 % 250}.{i * 7 % 256}.{i % 255}" for i in range(int(sys.argv[1]))))
' "$1") '.files = {"/lists/many.txt": $text}' "$cloud_folder/world.json" | cloud_write world.json
}
many=https://cloud.test/lists/many.txt
list 10 9
config "many: ['$many']"
echo 'limits: {table-memory: 4MiB}' >>"$config"
vg_check "a list that is small" vg_cli apply
vg_expect "... is in force" "10 fresh" "$(feed $many '"\(.ranges) \(.state)"')"
list 49000 10
vg_check "one whose tables would be too large is refused" vg_wait $soon_s \
	hint "$many: its answer can't be used: "
vg_expect "... what it said before stays" 10 "$(feed $many .ranges)"
vg_check "what other feeds say is taken over meanwhile" vg_wait $soon_s fetch "$bad4"
list 20 9
vg_check "one that fits is taken over again" vg_wait $((2 * soon_s)) feed_is $many .ranges 20
vg_check "... and what others say" vg_wait $soon_s refused "$bad4"
config 'connectors: [gcp:connectors]'
vg_check "connectors, as before" vg_cli apply

# ---- NICs ----

config 'own: [gcp:metadata]'
vg_check "the metadata server's feed" vg_cli apply
vg_expect "... has the subnets of both NICs" '["10.128.0.0/20","10.9.0.0/24"]' "$(ranges own | jq -c sort)"
nics=ens4 config 'own: [gcp:metadata]'
vg_check "one NIC less" vg_cli apply
vg_check "... is a subnet less" vg_wait 5 feed_is gcp:metadata .ranges 1
config 'own: [gcp:metadata]'
vg_check "both NICs" vg_cli apply
vg_check "... have two" vg_wait 5 feed_is gcp:metadata .ranges 2
config 'connectors: [gcp:connectors]'
vg_check "connectors again" vg_cli apply

# ---- without a network ----

next=$(($(pair_status .policy.generation) + 1))
vg_daemon_stop
vg_cli detach >"$VG_TMP/detach"
cloud_stop
vg_check "the daemon starts without a network" vg_daemon_start gated "$config"
vg_expect "the saved ranges are in force with the first generation of this start" "$next $in_force" \
	"$(pair_status .policy.generation) $(ranges)"
vg_check "a client in a subnet is admitted" fetch "$good4"
vg_check "a client outside is refused" refused "$bad4"
vg_check "the log says how old they are" log "gcp:subnets: 9 ranges of"
vg_check "so does a hint" vg_wait 10 hint "; its 9 ranges of "

vg_daemon_stop
vg_cli detach >"$VG_TMP/detach"
saved=$(echo "$VG_STATE"/gcp-subnets-*)
sed -i 's/10\.128/10.129/' "$saved"
vg_check "the daemon starts with a saved file that is damaged" vg_daemon_start gated "$config"
vg_check "it is named" log "$saved is left out: its checksum is wrong"
vg_check "nobody is admitted" refused "$good4"
vg_expect "the feed is unread" unread "$(feed gcp:subnets .state)"
vg_check "a hint says so" hint "gcp:subnets has not answered so far, and gives no ranges until it does"
vg_expect "/readyz says so" "gcp:subnets: has not answered yet 503" "$(readyz)"
cloud_start
vg_check "once the network is there, clients are admitted" vg_wait 30 fetch "$good4"
vg_expect "/readyz is content" "ready 200" "$(readyz)"

# ---- an early end ----

vg_daemon_stop
vg_cli detach >"$VG_TMP/detach"
rm -r "$VG_STATE"
cloud_control '{".": "hang"}'
: >"$VG_TMP/daemon.log"
nsenter --net="/run/netns/$VG_ID-gated" -- "${VG_DAEMON_PREFIX[@]}" "$VPCGATED" --config "$config" \
	--bpffs "$VG_BPFFS" --socket "$VG_SOCKET" --state "$VG_STATE" >>"$VG_TMP/daemon.log" 2>&1 &
VG_DAEMON_PID=$!
vg_check "without any answer the daemon waits" vg_wait 10 log "waiting for the first answers of feeds"
vg_check "... and says so" grep "vpcgated is starting: it waits for the first answer of gcp:subnets" \
	<<<"$(vg_cli status 2>&1)"
vg_expect "nothing is filtered yet" null "$(pair_xdp_id)"
vg_daemon_stop
vg_expect "asked to end, it ends" 0 "$VG_DAEMON_STATUS"
vg_expect "nothing was filtered" null "$(pair_xdp_id)"
cloud_control '{}'
vg_check "the daemon starts again" vg_daemon_start gated "$config"
vg_expect "with what there is" "9 fresh" "$(feed gcp:subnets '"\(.ranges) \(.state)"')"

# ---- a service that is stricter than its interface ----

vg_daemon_stop
vg_cli detach >"$VG_TMP/detach"
rm -r "$VG_STATE"
cloud_stop
cat >"$config" <<-END
	interfaces: [$nics]
	ingress: all
	sources: {vpc: [10.128.0.0/20]}
	services:
	  - {name: db, to: [gcp:forwarded-ips], protocol: tcp, port: 8443, ingress: internal}
END
vg_check "the daemon starts without the service's addresses" vg_daemon_start gated "$config"
vg_expect "they are unread" unread "$(feed gcp:forwarded-ips .state)"
vg_check "a client outside is refused on its port" refused "$bad4" 8443
vg_check "... but on no other" fetch "$bad4"
vg_check "a client that it admits gets in" fetch "$good4" 8443
vg_check "a hint says so" hint "the destinations of service db are not known before gcp:forwarded-ips has answered"
vg_check "so does the log" log "gcp:forwarded-ips has not answered so far"
status=0
vg_cli check "$bad4" --to "$gated4" --port tcp/8443 >"$VG_TMP/answer" || status=$?
vg_expect "\`vpcgate check\` says that it is refused" 1 "$status"
vg_check "... and why" grep "judged by the stricter of it and the interface" "$VG_TMP/answer"
forwarded 10.128.0.3
cloud_start
vg_check "once they are known, others are open" vg_wait 30 fetch "$bad4" 8443
vg_expect "... and no hint is left" "" "$(hint "the destinations of service db")"
forwarded 10.128.0.3 "$gated4"
vg_check "an address that becomes the service's is closed" vg_wait $soon_s refused "$bad4" 8443
vg_check "... to others than it admits" fetch "$good4" 8443

# ---- files ----

# has PREFIX...: the set `office` holds these.
has() { [[ $(ranges office) == "$(jq -cn '$ARGS.positional' --args -- "$@")" ]]; }
# The way in which Kubernetes mounts a ConfigMap: each update is a folder of its own.
configmap()
{
	mkdir "$VG_TMP/map/..$1"
	cat >"$VG_TMP/map/..$1/list.txt"
	ln -s "..$1" "$VG_TMP/map/..tmp"
	mv -T "$VG_TMP/map/..tmp" "$VG_TMP/map/..data"
}

office=$VG_TMP/office.txt
mkdir "$VG_TMP/map"
ln -s ..data/list.txt "$VG_TMP/map/list.txt"
echo 192.0.2.0/28 | configmap 1
echo 192.0.2.16/28 >"$office"
echo '{"prefixes": [{"ipv4Prefix": "192.0.2.32/28", "scope": "north"},
	{"ipv4Prefix": "192.0.2.48/28", "scope": "south"}]}' >"$VG_TMP/list.json"
config "office: ['file:office.txt', 'file:list.json?scope=north', 'file:map/list.txt']"
vg_check "files are read" vg_cli apply
vg_check "... all of them" has 192.0.2.16/28 192.0.2.32/28 192.0.2.0/28
reloads=$(pair_status .reloads.succeeded)
echo 192.0.2.64/28 >>"$office"
vg_check "one written in place" vg_wait 5 has 192.0.2.16/28 192.0.2.64/28 192.0.2.32/28 192.0.2.0/28
echo 192.0.2.80/28 >"$VG_TMP/aside"
mv "$VG_TMP/aside" "$office"
vg_check "one renamed over" vg_wait 5 has 192.0.2.80/28 192.0.2.32/28 192.0.2.0/28
sed 's/north/east/; s/south/north/' "$VG_TMP/list.json" >"$VG_TMP/aside"
mv "$VG_TMP/aside" "$VG_TMP/list.json"
vg_check "JSON renamed over" vg_wait 5 has 192.0.2.80/28 192.0.2.48/28 192.0.2.0/28
sed -i 's/192.0.2.48/192.0.2.112/' "$VG_TMP/list.json"
vg_check "JSON that sed -i has changed" vg_wait 5 has 192.0.2.80/28 192.0.2.112/28 192.0.2.0/28
echo 192.0.2.96/28 | configmap 2
vg_check "a ConfigMap" vg_wait 5 has 192.0.2.80/28 192.0.2.112/28 192.0.2.96/28
rm -r "$VG_TMP/map/..1"
echo 192.0.2.128/28 | configmap 3
vg_check "... and again" vg_wait 5 has 192.0.2.80/28 192.0.2.112/28 192.0.2.128/28
generation=$(pair_status .policy.generation)
touch "$office"
vg_check "a file that is as it was is seen" vg_wait 5 log "$office has changed"
echo 192.0.2.300/28 >"$office"
vg_check "a damaged one is named, with its place" vg_wait 5 hint "$office:1:1: '192.0.2.300/28' is not a prefix"
vg_check "... and changes nothing" has 192.0.2.80/28 192.0.2.112/28 192.0.2.128/28
vg_expect "... nor did what changed nothing" "$generation 1" \
	"$(pair_status '"\(.policy.generation) \(.refreshes.failed)"')"
vg_check "a metric tells" metric 'vpcgate_refreshes_total{result="failed"} 1'
echo 192.0.2.160/28 | configmap 4
vg_check "what is in others is taken over all the same" vg_wait 5 has 192.0.2.80/28 192.0.2.112/28 192.0.2.160/28
vg_check "whoever applies such a config is told" failed vg_cli apply
vg_check "... where it is wrong" grep -F "$office:1:1: '192.0.2.300/28' is not a prefix" "$VG_TMP/failed"
reloads=$(pair_status .reloads.succeeded)
rm "$office"
vg_check "one that is gone is named" vg_wait 5 hint "$office': No such file"
vg_expect "... in the status" true "$(pair_status '.refreshes.damaged_file | contains("No such file")')"
vg_daemon_stop
vg_cli detach >"$VG_TMP/detach"
vg_check "the daemon starts all the same" vg_daemon_start gated "$config"
vg_check "... with what was there, and the first generation" has 192.0.2.80/28 192.0.2.112/28 192.0.2.160/28
vg_check "... and says so" log "what the file held before is in force"
echo 192.0.2.144/28 >"$office"
vg_check "mended, it is taken over" vg_wait 5 has 192.0.2.144/28 192.0.2.112/28 192.0.2.160/28
vg_expect "... and no hint is left" "null null" \
	"$(pair_status '"\(.refreshes.last_error) \(.refreshes.damaged_file)"')"
reloads=0
vg_expect "nobody has reloaded" "$reloads" "$(pair_status .reloads.succeeded)"

# ---- what can't work ----

sed 's/^ingress:/replies: off\n&/' "$config" >"$VG_TMP/off.yaml"
status=0
vg_cli validate "$VG_TMP/off.yaml" 2>"$VG_TMP/off" || status=$?
vg_expect "without replies no answer could come in" 1 "$status"
vg_check "... it says" grep "with \`replies: off\` no answer to 'gcp:subnets' could come in" "$VG_TMP/off"
vg_daemon_stop
vg_done
