#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A daemon that can make no socket of the internet, as its unit has it: vpcgate-outside asks the servers
# and listens in its place. Whatever becomes of that one, the filter stays as it is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
vg_setup outside
. "$(dirname "$0")/cloud.sh"

config=$VG_TMP/vpcgate.yaml
outside=$VG_TMP/outside.sock

# config ADDRESS
config()
{
	cat >"$config" <<-END
	interfaces: [ens4, ens5]
	ingress: internal
	discovery: {refresh: 10s, ca: $cloud_folder/ca.pem}
	sources:
	  vpc: [gcp:subnets]
	exporter: {listen: "$1"}
	END
}

# In the gated host's network, with the names that the daemon's prefix gives it.
outside_start()
{
	nsenter --net="/run/netns/$VG_ID-gated" -- "${names[@]}" \
		systemd-socket-activate --listen="$outside" "$VG_BUILD/vpcgate-outside" \
		>>"$VG_TMP/outside.log" 2>&1 </dev/null &
	outside_pid=$!
	VG_PIDS+=($!)
	vg_wait 10 test -S "$outside"
}
outside_stop()
{
	kill -KILL "$outside_pid"
	wait "$outside_pid" || true
	rm -f "$outside"
} 2>/dev/null

feed_is() { [[ $(pair_status ".feeds[0] | $1") == "$2" ]]; }
hint() { pair_status '.hints[]' | grep -F "$1"; }
exporter_is() { [[ $(pair_status .exporter) == "$1" ]]; }
scrape() { vg_in gated curl -sf --max-time $((5 * VG_SLOW)) "http://$1/metrics" | grep -F 'vpcgate_feed_failures_total{feed="gcp:subnets"}'; }
# The feed fails with this text in a hint.
fails_with() { feed_is .state failing && hint "$1"; }
no_socket() { ! "$VG_BUILD/tests/e2e/no_internet" python3 -c "import socket; socket.socket(socket.$1)" 2>"$VG_TMP/socket" && grep -q 'Errno 97' "$VG_TMP/socket"; }
admitted() { vg_in client ping -q -c 1 -W 2 -I "$good4" "$gated4"; }
denied() { ! vg_in client ping -q -c 1 -W 0.5 -I "$bad4" "$gated4"; }
filter_is_the_same() { [[ $(pair_xdp_id) == "$xdp_id" ]] && admitted && denied; }
no_token() { ! grep -aqF ya29 "$VG_TMP/daemon.log" "$VG_TMP/outside.log"; }

pair_build
cloud_build
cloud_start
names=("${VG_DAEMON_PREFIX[@]}")
VG_DAEMON_PREFIX=("$VG_BUILD/tests/e2e/no_internet")
VG_DAEMON_OPTIONS=(--outside "$outside")
cloud_world '{"projects": {"101": {"id": "my-app", "may_list": true, "connectors": [], "subnetworks": [{"name": "a", "network": "prod", "region": "us-central1", "purpose": "PRIVATE", "ipCidrRange": "10.128.0.0/20"}]}}}'
vg_check "no IPv4 socket can be made as the daemon runs" no_socket AF_INET
vg_check "nor an IPv6 one" no_socket AF_INET6

config 127.0.0.1:9820
outside_start
vg_check "the daemon starts" vg_daemon_start gated "$config"
xdp_id=$(pair_xdp_id)
vg_check "the feed is answered" vg_wait 10 feed_is .state fresh
vg_check "what it says is admitted, and nobody else" filter_is_the_same
vg_check "the exporter listens" vg_wait 10 exporter_is 127.0.0.1:9820
vg_check "it is scraped" scrape 127.0.0.1:9820

outside_stop
vg_check "without vpcgate-outside the feed fails, and a hint says what helps" \
	vg_wait 20 fails_with "start it with \`systemctl start vpcgate-outside.socket\`"
vg_check "the filter is the same" filter_is_the_same
vg_check "it is scraped all the same" scrape 127.0.0.1:9820
config 0.0.0.0:9820
vg_check "another address for the exporter: reload" pair_reload
vg_check "a hint says why it isn't there" vg_wait 5 hint "it stays on 127.0.0.1:9820 until a reload"
outside_start
vg_check "vpcgate-outside is back: the feed is answered" vg_wait 20 feed_is .state fresh
vg_check "reload" pair_reload
vg_check "the exporter is on the other address of the same port" vg_wait 10 exporter_is 0.0.0.0:9820
vg_check "it is scraped there" scrape "$gated4:9820"

kill -STOP "$outside_pid"
vg_expect "while vpcgate-outside hangs the daemon answers" 0.0.0.0:9820 "$(pair_status .exporter)"
vg_check "and the filter is the same" filter_is_the_same
kill -CONT "$outside_pid"

vg_daemon_stop TERM
outside_stop
vg_check "the daemon starts without vpcgate-outside" vg_daemon_start gated "$config"
vg_expect "with the answer that was saved" saved "$(pair_status '.feeds[0].state' | sed s/failing/saved/)"
vg_check "the filter is the same" filter_is_the_same
vg_check "a hint says that there are no metrics" \
	vg_wait 10 hint "there are no metrics, it is tried again every 10 s"
outside_start
vg_check "the exporter comes with vpcgate-outside, without a reload" vg_wait 20 exporter_is 0.0.0.0:9820
vg_check "neither log has an access token" no_token
vg_done
