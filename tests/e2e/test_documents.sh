#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What README.md, the manual pages and `make help` say is so: their configs are accepted, their
# commands run, each metric is described, and what is installed is where they say it is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

top=$(realpath "$pair_dir/../..")

# block PATTERN: the first block of README.md, between lines of ```, that has a line like this.
block()
{
	awk -v pattern="$1" '
		/^```/ { if (inside && found) { printf "%s", text; exit }; inside = !inside; text = ""; found = 0; next }
		inside { text = text $0 "\n"; found = found || $0 ~ pattern }' "$top/README.md"
}

# Settings alone, with the office's file beside the config.
readme_config() { block '^interfaces:' | sed "s|/etc/vpcgate/office.txt|office.txt|"; }
# What it says of feeds is no whole config.
readme_feeds() { printf 'interfaces: [ens4]\ningress: internal\n' && block '^sources: +# feeds' | sed 's|/etc/vpcgate/subnets.json|office.txt|'; }
manual_feeds() { printf 'interfaces: [ens4]\ningress: internal\n' && sed -n '/^sources:$/,/^\.Ed/ { /^  vpc: \[gcp/,/^discovery/p }' "$top/docs/vpcgate.yaml.5" | sed '1i sources:'; }
manual_config() { sed -n '/^interfaces:/,/^\.Ed/ { /^\.Ed/!p }' "$top/docs/vpcgate.yaml.5"; }

accepted() { "$1" >"$config" && vg_cli validate "$config"; }

# A prefix of the example with host bits set, and what README.md says that this gives.
mistake()
{
	sed 's|10\.128\.0\.0/20|10.128.0.5/20|' "$config" >"$VG_TMP/mistake/vpcgate.yaml"
	(cd "$VG_TMP/mistake" && "$VPCGATE" validate vpcgate.yaml 2>&1) || true
}

# The commands of README.md, with words put in for what stands for words, so that there is something to
# confirm and to go back to.
commands()
{
	block '^vpcgate status' | cut -c1-37 |
		sed "s|discover|& --from $top/tests/data/subnets-gcloud.json --network prod|
			s|apply \[FILE\]|apply $VG_TMP/other.yaml --confirm 60s|; s/\[IF\]/ens4/; s/\[.*\]//; s/ADDRESS/$good4/; s|FILE|$config|; s/ *$//"
}

# Metrics that there are, and that a document describes.
exported() { vg_in gated curl -sf --max-time 5 "http://$(pair_status .exporter)/metrics" | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' | sort; }
described() { grep -oE "$1\bvpcgate_[a-z_]+" "$2" | grep -o 'vpcgate_[a-z_]*' | sort -u; }

# Targets that help tells of, and all but the one that is only a part of others.
targets_told() { make -s -C "$top" help | cut -c1-24 | sed 's/^ *make//' | xargs -n 1 | sort; }
targets() { sed -n 's/^\.PHONY: //p' "$top/Makefile" | xargs -n 1 | grep -vx build-tests | sort; }

installed()
{
	cat <<-END
	etc/vpcgate
	lib/systemd/system/vpcgate-outside.service
	lib/systemd/system/vpcgate-outside.socket
	lib/systemd/system/vpcgate-prepare.service
	lib/systemd/system/vpcgated.service
	usr/bin/vpcgate
	usr/lib/sysusers.d/vpcgate.conf
	usr/libexec/vpcgate-outside
	usr/sbin/vpcgated
	usr/share/bash-completion/completions/vpcgate
	usr/share/doc/vpcgate/examples/vpcgate.yaml
	usr/share/man/man5/vpcgate.yaml.5
	usr/share/man/man8/vpcgate.8
	usr/share/man/man8/vpcgated.8
	END
}

# The programs of the units and the example of README.md are among what was installed.
unit_program() { test -x "$root$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$root/lib/systemd/system/$1.service")"; }
elsewhere()
{
	local root=$VG_TMP/elsewhere

	make -s -C "$top" O="$(realpath --relative-to="$top" "$VG_BUILD")" DESTDIR="$root" PREFIX=/usr/local install
	unit_program "$1" && [[ $(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/$1.service") = /usr/local/* ]]
}
readme_example() { "$root/usr/bin/vpcgate" validate "$root$(grep -om 1 '/usr/share/doc/[a-z/]*\.yaml' "$top/README.md")"; }

vg_setup documents
pair_build
mkdir "$VG_TMP/mistake" "$VG_TMP/root"
config=$VG_TMP/vpcgate.yaml
root=$VG_TMP/root
echo 203.0.113.0/24 | tee "$VG_TMP/office.txt" >"$VG_TMP/mistake/office.txt"

vg_expect "make help tells of every target" "$(targets)" "$(targets_told)"
vg_check "make install" make -s -C "$top" O="$(realpath --relative-to="$top" "$VG_BUILD")" DESTDIR="$root" install
vg_expect "what is installed" "$(installed)" \
	"$(cd "$root" && find . \( -type f -o -type d -empty \) -printf '%P\n' | LC_ALL=C sort)"
vg_check "the unit's program is installed" unit_program vpcgated
vg_check "the program of vpcgate-outside is installed" unit_program vpcgate-outside
for program in vpcgated vpcgate-outside; do
	vg_check "so is that of $program, below another prefix" elsewhere "$program"
done
vg_check "the installed example is accepted" readme_example

vg_check "the manual page's config is accepted" accepted manual_config
vg_check "the manual page's feeds are accepted" accepted manual_feeds
vg_check "README's feeds are accepted" accepted readme_feeds
vg_check "README's config is accepted" accepted readme_config
vg_expect "README's mistake is refused as it says" "$(block '^vpcgate.yaml:')" "$(mistake)"

sed 's/^enforcement: .*/enforcement: enforce/' "$config" >"$VG_TMP/other.yaml"
vg_check "the daemon starts with README's config" vg_daemon_start gated "$config"
vg_expect "README's metrics" "$(exported)" "$(described '`' "$top/README.md")"
vg_expect "the manual page's metrics" "$(exported)" "$(described '^\.It Sy ' "$top/docs/vpcgated.8")"
vg_expect "README's commands" 13 "$(commands | wc -l)"
while read -r program line; do
	# shellcheck disable=SC2086 # words of a command line
	vg_check "$program $line" vg_cli $line
done < <(commands)
vg_done
