# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion of vpcgate(8) for bash.

# The command among the words so far, skipping the values of options before it.
_vpcgate_command()
{
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--bpffs | --socket) ((i++)) ;;
		-*) ;;
		*)
			echo "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_vpcgate_interfaces()
{
	local path

	for path in /sys/class/net/*; do
		[[ -d $path && $path != */lo ]] && echo "${path##*/}"
	done
}

# Set names, where the daemon is there to be asked.
_vpcgate_sets()
{
	vpcgate ranges 2>/dev/null | awk '!NF { exit } NR > 1 && !seen[$1]++ { print $1 }'
}

# Generations that can be gone back to, where the daemon is there to be asked.
_vpcgate_generations()
{
	vpcgate history 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# _vpcgate_files KIND CURRENT: -f for files, -d for folders.
_vpcgate_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_vpcgate()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="status drops counters flows check ranges validate discover apply confirm rollback history detach help"
	local globals="--bpffs --socket --help --version" command words

	COMPREPLY=()
	case $previous in
	--bpffs)
		_vpcgate_files -d "$current"
		return
		;;
	--socket | --config | --from | --ca)
		_vpcgate_files -f "$current"
		return
		;;
	--interface) words=$(_vpcgate_interfaces) ;;
	--set) words=$(_vpcgate_sets) ;;
	--port)
		words="tcp/ udp/ sctp/ icmp icmpv6"
		compopt -o nospace 2>/dev/null
		;;
	--confirm)
		words="60s 5m 1h"
		;;
	--to | --network | --metadata | --compute | --vpcaccess) return ;;
	esac
	# A value of which there is none is no place for options either.
	if [[ ! ${words+set} ]]; then
		command=$(_vpcgate_command)
		case $command in
		'') words="$commands $globals" ;;
		status | flows) words="--json $globals" ;;
		drops | counters) words="--interface --watch --json $globals" ;;
		check) words="--to --port --interface --config --json $globals" ;;
		ranges) words="--set --config --json $globals" ;;
		validate)
			if [[ $current != -* ]]; then
				_vpcgate_files -f "$current"
				return
			fi
			words=$globals
			;;
		discover)
			words="--from --network --interface --metadata --compute --vpcaccess --ca $globals"
			;;
		apply)
			if [[ $current != -* ]]; then
				_vpcgate_files -f "$current"
				return
			fi
			words="--confirm --dry-run --yes --accept-shrink --json $globals"
			;;
		confirm) words="$(_vpcgate_generations) $globals" ;;
		rollback) words="$(_vpcgate_generations) --dry-run --yes --json $globals" ;;
		history) words="$(_vpcgate_generations) --json $globals" ;;
		detach) words="$(_vpcgate_interfaces) $globals" ;;
		help) words="$commands $globals" ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _vpcgate vpcgate
