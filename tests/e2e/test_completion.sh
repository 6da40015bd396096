#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What bash offers behind `vpcgate`: the commands and options that the help names, and interfaces, sets,
# generations and files that are there.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/pair.sh
. "$(dirname "$0")/pair.sh"

file=$(realpath "$(dirname "$0")/../../tools/vpcgate.bash")

# completions WORD...: what is offered for the last one, sorted. /sys shows the interfaces of gated.
completions()
{
	# shellcheck disable=SC2016 # expanded by that shell
	vg_in gated env "VPCGATE=$VPCGATE" "VG_BPFFS=$VG_BPFFS" "VG_SOCKET=$VG_SOCKET" unshare --mount bash -c '
		mount -t sysfs none /sys
		. "$0"
		vpcgate() { "$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" "$@"; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_vpcgate
		printf "%s\n" "${COMPREPLY[@]}"' "$file" vpcgate "$@" 2>&1 | sort | xargs
}
# offers NAME EXPECTED WORD...
offers() { vg_expect "$1" "$2" "$(completions "${@:3}")"; }

commands() { "$VPCGATE" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
options_of() { "$VPCGATE" help "$1" | sed -n 's/^  \(--[a-z-]*\).*/\1/p'; }
sorted() { "$@" | sort | xargs; }
without_options() { tr ' ' '\n' | grep -v '^-' | xargs; }

vg_setup completion
pair_build
config=$VG_TMP/vpcgate.yaml
vg_in gated ip link add spare0 type veth peer name spare1
pair_config internal </dev/null >"$config"

# shellcheck disable=SC2016 # expanded by that shell
vg_expect "the file says whose completion it is" "complete -F _vpcgate vpcgate" "$(bash -c '. "$0"; complete -p' "$file")"
vg_expect "commands" "$(sorted commands)" "$(completions "" | without_options)"
vg_expect "of help, too" "$(sorted commands)" "$(completions help "" | without_options)"
vg_check "there are commands" test "$(commands | wc -l)" -gt 10
offers "a command's beginning" "rollback" ro
offers "behind an option of all" "detach discover drops" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" d
for command in $(commands); do
	offers "options of $command" "$(sorted options_of "$command")" "$command" --
done

offers "interfaces: drops" "ens4 spare0 spare1" drops --interface ""
offers "interfaces: a beginning" "spare0 spare1" check 10.128.0.1 --interface sp
vg_expect "interfaces: detach" "ens4 spare0 spare1" "$(completions detach "" | without_options)"
offers "durations" "1h 5m 60s" apply --confirm ""
offers "protocols" "icmp icmpv6" check 10.128.0.1 --port ic

mkdir "$VG_TMP/folder"
touch "$VG_TMP/folded"
for words in "validate" "apply" "check --config" "ranges --config" "discover --from"; do
	read -ra words <<<"$words"
	offers "files: ${words[*]}" "$VG_TMP/folded $VG_TMP/folder" "${words[@]}" "$VG_TMP/fold"
done
offers "folders" "$VG_TMP/folder" --bpffs "$VG_TMP/fold"

offers "sets without a daemon: none, and no error" "" ranges --set ""
vg_check "the daemon starts" vg_daemon_start gated "$config"
offers "sets" "health-check load-balancer shared-vpc vpc" ranges --set ""
echo "enforcement: monitor" >>"$config"
vg_check "another generation" vg_cli apply
for command in rollback history confirm; do
	vg_expect "generations: $command" "1 2" "$(completions "$command" "" | without_options)"
done
vg_done
