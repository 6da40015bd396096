#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The exporter's pages, and that the CLI, /metrics and the maps themselves tell the same counts.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

get() { vg_in gated curl -s --max-time $((5 * VG_SLOW)) "http://$exporter/$1"; }
code() { vg_in gated curl -s --max-time $((5 * VG_SLOW)) -o "$VG_TMP/body" -w '%{http_code}' "${@:2}" "http://$exporter/$1"; }
metric() { get metrics | sed -n "s/^vpcgate_$1 //p"; }

# raw TEXT: sends the bytes as they are and prints the answer's first line.
raw()
{
	vg_in gated python3 -c 'import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
with socket.create_connection((host, int(port)), 5) as sock:
    sock.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
    sock.shutdown(socket.SHUT_WR)
    print(sock.makefile().readline().strip())' "$exporter" "$1"
}

traffic()
{
	local flow

	pair_traffic receive gated receive 9000 "$VG_TMP/received"
	vg_wait 10 test -e "$VG_TMP/received"
	pair_traffic good4 client send good4 "$good4" "$gated4" 9000 500
	pair_traffic good6 client send good6 "$good6" "$gated6" 9001 500
	pair_traffic lb4 client send lb4 "$lb4" "$gated4" 9000 500
	pair_traffic bad4 client send bad4 "$bad4" "$gated4" 9000 500
	pair_traffic bad6 client send bad6 "$bad6" "$gated6" 9002 500
	vg_wait 10 pair_received good4 200
	for flow in good4 good6 lb4 bad4 bad6 receive; do
		pair_stop "$flow"
	done
}

# Two readings of the CLI with everything else between them; again until both are the same, since
# the hosts' own chatter (router solicitations and the like) may be counted at any time.
readings()
{
	local map

	vg_cli counters --json >"$VG_TMP/cli"
	get metrics >"$VG_TMP/metrics"
	for map in labels counters service_counters; do
		bpftool -j map dump pinned "$VG_BPFFS/$map" >"$VG_TMP/$map"
	done
	vg_cli counters --json | cmp "$VG_TMP/cli"
}
compare()
{
	python3 "$pair_dir/compare_counters.py" "$VG_TMP"/{cli,metrics,labels,counters,service_counters}
}

drops_of() { vg_cli drops --json | jq "[.counters[] | select(.reason == \"$1\") | .packets] | add // 0"; }

vg_setup scrape
pair_build
config=$VG_TMP/vpcgate.yaml
pair_config internal >"$config" <<END
exporter: {listen: 127.0.0.1:0}
limits: {table-memory: 64MiB}
services:
  - {name: echo, protocol: udp, port: 9000, ingress: internal}
  - {name: probed, protocol: udp, port: 9001, also-admit: [health-check]}
  - {name: cors, protocol: udp, port: 9002, ingress: all}
END
vg_check "the daemon starts" vg_daemon_start gated "$config"
exporter=$(pair_status .exporter)
vg_check "port 0 took a free port, shown by status" grep -qE '^127\.0\.0\.1:[1-9][0-9]*$' <<<"$exporter"

vg_expect "/healthz" 200 "$(code healthz)"
vg_expect "/readyz" 200 "$(code readyz)"
vg_expect "/metrics" 200 "$(code metrics)"
vg_expect "another page" 404 "$(code other)"
vg_expect "another method" 405 "$(code metrics -X POST)"
vg_check "a bad request is refused" grep -qE '^(HTTP/1\.[01] 400.*|)$' <<<"$(raw 'nonsense\r\n\r\n')"
vg_expect "/healthz after a bad request" 200 "$(code healthz)"

traffic
vg_check "three readings with nothing between them" vg_wait 20 readings
vg_check "CLI, /metrics and the maps agree" compare
vg_expect "denied IPv4 datagrams" "$(pair_result bad4 .sent)" "$(drops_of unlisted)"
vg_expect "datagrams of the load balancer" "$(pair_result lb4 .sent)" "$(drops_of not-admitted)"
vg_expect "vpcgate_service_packets_total of the open service" "$(pair_result bad6 .sent)" \
	"$(metric 'service_packets_total{interface="ens4",service="cors",verdict="pass"}')"

promtool=$VG_BUILD/tools/promtool
[[ -x $promtool ]] || promtool=$(command -v promtool || echo promtool-is-missing)
promtool_check() { "$promtool" check metrics <"$VG_TMP/metrics"; }
vg_check "promtool check metrics" promtool_check

vg_expect "vpcgate_interface_attached" 1 "$(metric 'interface_attached{interface="ens4",mode="native"}')"
vg_expect "vpcgate_enforcing" 1 "$(metric 'enforcing{interface="ens4"}')"
vg_expect "vpcgate_policy_generation" "$(pair_status .policy.generation)" "$(metric policy_generation)"
vg_expect "vpcgate_table_bytes" "$(pair_status .policy.table_bytes)" "$(metric table_bytes)"
vg_expect "vpcgate_table_bytes_max" $((64 << 20)) "$(metric table_bytes_max)"
vg_expect "vpcgate_publish_seconds of the load" "$(pair_status '.policy.publish.load_us / 1000000')" \
	"$(metric 'publish_seconds{phase="load"}' | jq .)"
vg_expect "vpcgate_reloads_total succeeded" 0 "$(metric 'reloads_total{result="succeeded"}')"
vg_check "reload" pair_reload
vg_expect "vpcgate_reloads_total succeeded, after one" 1 "$(metric 'reloads_total{result="succeeded"}')"
echo "nonsense" >"$config"
kill -HUP "$VG_DAEMON_PID"
vg_check "a bad config is refused" vg_wait 5 pair_failed_reloads_are 1
vg_expect "vpcgate_reloads_total failed" 1 "$(metric 'reloads_total{result="failed"}')"
vg_expect "/readyz after a refused config" 200 "$(code readyz)"
vg_done
