#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fragments carry nothing past the filter: shapes of attack in both families, against refused ports
# beside an open one, a refused port beside open ones, and refused ports beside a flow's; and honest
# fragments arrive.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

# Shapes that a Linux receiver falls for when nothing filters.
effective=("IPv4 "{plain-udp,plain-tcp,tiny-tcp-of-8-bytes,second-first-before}
	"IPv4 "{last-before-refused-first,id-again-after-admitted,protocol-switched-around}
	"IPv6 "{plain-udp,plain-tcp,second-first-before,last-before-refused-first}
	"IPv6 "{id-again-after-admitted,atomic-udp,atomic-tcp,hidden-by-nine-headers,fragment-header-behind-eight})

policy_internal()
{
	pair_config internal <<-END
	services:
	  - {name: open-udp, protocol: udp, port: 7000, ingress: all}
	  - {name: open-tcp, protocol: tcp, port: 7000, ingress: all}
	  - {name: big, protocol: udp, port: 9000, ingress: all}
	END
}
policy_all()
{
	pair_config all <<-END
	services:
	  - {name: strict-udp, protocol: udp, port: 7100, ingress: internal}
	  - {name: strict-tcp, protocol: tcp, port: 7100, ingress: internal}
	END
}

# attack FILE FIRST-PORT [FLOW]: a line each: family, shape, port, counted, expected.
attack()
{
	local program=(vg_in client python3 "$pair_dir/fragments.py" attack eth0 "$gated_mac")

	"${program[@]}" "$bad4" "$gated4" "$2" ${3:+"$3.4"} | sed 's/^/IPv4 /' >"$1" &&
		"${program[@]}" "$bad6" "$gated6" $(($2 + 200)) ${3:+"$3.6"} | sed 's/^/IPv6 /' >>"$1"
}

# What has come from this source port, such as "udp:7100 socket:7100".
arrived() { jq -r ".\"$1\" // [] | join(\" \")" "$VG_TMP/arrived"; }
at_refused_port() { [[ $(arrived "$1") == *:7100* ]]; }

# Once an honest datagram is noted, everything before it is.
mark=60000
all_is_noted()
{
	vg_in client python3 -c 'import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], int(sys.argv[3])))
sock.sendto(b"mark", (sys.argv[2], 7100))' "$good4" "$gated4" $((++mark))
	vg_wait 2 at_refused_port "$mark"
}

# judged TITLE FILE: a check for each shape.
judged()
{
	local family name port counted expected reached

	vg_check "$1: what is honest arrives" vg_wait 20 all_is_noted
	while read -r family name port counted expected; do
		at_refused_port "$port" && reached="arrived: $(arrived "$port")" || reached="nothing arrived"
		vg_expect "$1, $family: $name" "$expected, nothing arrived" "$counted, $reached"
	done <"$2"
}

# Of the shapes that should, those that don't arrive.
ineffective()
{
	local family name port

	while read -r family name port _; do
		at_refused_port "$port" && printf '%s %s\n' "$family" "$name"
	done <"$1" | sort | comm -13 - <(printf '%s\n' "${effective[@]}" | sort)
}

talk_received() { [[ $(jq .received "$VG_TMP/$1.state") -ge $2 ]]; }
# Numbered datagrams in fragments, from outside to an open service, and echoes of the host's own.
honest()
{
	local name sent

	export VG_DATAGRAM=5000
	pair_traffic "big4$1" client send "big4$1" "$bad4" "$gated4" 9000 100
	pair_traffic "big6$1" client send "big6$1" "$bad6" "$gated6" 9000 100
	pair_traffic "good4$1" client send "good4$1" "$good4" "$gated4" 9000 100
	pair_start "talk4$1" gated python3 "$pair_dir/talk.py" udp "$gated4" "$bad4" 5300 \
		"$VG_TMP/talk4$1.state" 6000
	pair_start "talk6$1" gated python3 "$pair_dir/talk.py" udp "$gated6" "$bad6" 5300 \
		"$VG_TMP/talk6$1.state" 6000
	for name in "big4$1" "big6$1" "good4$1"; do
		vg_check "ingress: $1: $name: datagrams of 5,000 bytes arrive" vg_wait 20 pair_received "$name" 50
	done
	for name in "talk4$1" "talk6$1"; do
		vg_check "ingress: $1: $name: echoes of the host's own 6,000 bytes arrive" \
			vg_wait 20 talk_received "$name" 50
	done
	for name in "big4$1" "big6$1" "good4$1" "talk4$1" "talk6$1"; do
		vg_check "ingress: $1: $name ends" pair_stop "$name"
	done
	for name in "big4$1" "big6$1" "good4$1"; do
		sent=$(pair_result "$name" .sent)
		vg_wait 5 pair_received "$name" "$sent" || true
		vg_expect "ingress: $1: $name: all of $sent" "$sent" "$(jq ".udp.$name.received" "$VG_TMP/received")"
	done
	for name in "talk4$1" "talk6$1"; do
		vg_expect "ingress: $1: $name: all of the echoes, in order" "$(jq .sent "$VG_TMP/$name.state") 0" \
			"$(jq -r '"\(.received) \(.wrong)"' "$VG_TMP/$name.state")"
	done
}

vg_setup fragments
pair_build
gated_mac=$(pair_mac gated ens4)
config=$VG_TMP/vpcgate.yaml
pair_traffic receive gated receive 9000 "$VG_TMP/received"
pair_start arrived gated python3 "$pair_dir/fragments.py" listen "$VG_TMP/arrived"
pair_start echo client python3 "$pair_dir/talk.py" serve 5300
vg_check "the client echoes" vg_wait 20 pair_serves client 5300
vg_check "the listener listens" vg_wait 20 all_is_noted

{ policy_internal; echo "enforcement: monitor"; } >"$config"
vg_check "the daemon starts" vg_daemon_start gated "$config"
vg_check "monitor: the attacks are sent" attack "$VG_TMP/monitored" 21000
vg_check "monitor: what is honest arrives" vg_wait 20 all_is_noted
vg_expect "monitor: attacks that should work, and don't" "" "$(ineffective "$VG_TMP/monitored")"

policy_internal >"$config"
vg_check "ingress: internal, enforced" pair_reload
vg_check "the attacks are sent" attack "$VG_TMP/attacks" 22000
judged "ingress: internal" "$VG_TMP/attacks"
honest internal

pair_start hold4 gated python3 "$pair_dir/fragments.py" hold "$gated4" "$bad4" 5300 "$VG_TMP/flow.4"
pair_start hold6 gated python3 "$pair_dir/fragments.py" hold "$gated6" "$bad6" 5300 "$VG_TMP/flow.6"
vg_check "the host opens flows in IPv4" vg_wait 20 test -s "$VG_TMP/flow.4"
vg_check "the host opens flows in IPv6" vg_wait 20 test -s "$VG_TMP/flow.6"
vg_check "the attacks are sent" attack "$VG_TMP/attacks" 23000 "$VG_TMP/flow"
judged "beside a flow" "$VG_TMP/attacks"

policy_all >"$config"
vg_check "ingress: all, enforced" pair_reload
vg_check "the attacks are sent" attack "$VG_TMP/attacks" 24000
judged "ingress: all" "$VG_TMP/attacks"
honest all
vg_done
