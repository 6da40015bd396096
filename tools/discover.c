/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* vpcgate discover: a starting config for this machine, or for the network that files describe. */
#include <errno.h>
#include <string.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "tools/discover.h"
#include "tools/vpcgate.h"

/* Options that don't go together. */
static enum vg_exit check_options(const struct vg_cli *cli)
{
	if (!cli->n_from && cli->network)
		return vg_cli_error(
			"--network chooses among the networks of files: give --from too, or "
			"leave it out");
	if (cli->n_from && (cli->metadata || cli->compute || cli->vpcaccess || cli->ca))
		return vg_cli_error("with --from no server is asked: leave --metadata, --compute, "
				    "--vpcaccess and --ca out");
	return VG_EXIT_DONE;
}

/*
 * The config's own reader judges the URLs, and fills in what isn't given. `ca` is absolute, as the
 * config wants it.
 */
static int read_servers(const struct vg_discover_servers *servers, struct vg_config **ret_config,
			struct vg_diag *diag)
{
	static const char around[] = "interfaces: [ens4]\ningress: all\n";
	_cleanup_free_ char *text = NULL;
	struct vg_writer writer = {};
	size_t length = 0;

	writer.out = open_memstream(&text, &length);
	if (!writer.out)
		return -ENOMEM;
	fputs(around, writer.out);
	vg_write_servers(&writer, servers);
	if (fclose(writer.out) != 0)
		return -ENOMEM;
	return writer.error < 0 ? writer.error
				: vg_config_parse("", text, length, ret_config, diag);
}

static enum vg_exit refuse(int error, const struct vg_diag *diag)
{
	char line[VG_DIAG_FILE_SIZE + VG_DIAG_TEXT_SIZE];

	if (error == -ENOMEM || !*diag->text)
		return vg_cli_error("cannot discover: %s", strerror(-error));
	vg_diag_format(diag, line, sizeof(line));
	return vg_cli_error("%s", line);
}

static enum vg_exit refuse_silence(const struct vg_discovery_settings *settings,
				   const struct vg_diag *diag)
{
	return vg_cli_error(
		"no metadata server answers at %s, so that this seems to be no Google Cloud VM: work "
		"from files, with `gcloud compute networks subnets list --format=json >subnets.json`, "
		"then `vpcgate discover --from subnets.json` (%s)",
		settings->metadata, *diag->text ? diag->text : "no answer in time");
}

static enum vg_exit discover_servers(const struct vg_cli *cli,
				     const struct vg_discover_servers *servers,
				     struct vg_found *ret_found)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	struct vg_diag diag = {};
	int r;

	r = read_servers(servers, &config, &diag);
	if (r == -EILSEQ)
		return vg_cli_error("the URLs and the path of --ca have to be UTF-8 text");
	if (r < 0)
		return *diag.text ? vg_cli_error("--%s", diag.text) : refuse(r, &diag);
	r = vg_discover_ask(&config->discovery, cli->interface, ret_found, &diag);
	if (r == -ENXIO)
		return refuse_silence(&config->discovery, &diag);
	return r < 0 ? refuse(r, &diag) : VG_EXIT_DONE;
}

static enum vg_exit discover_files(const struct vg_cli *cli, struct vg_found *ret_found)
{
	struct vg_diag diag = {};
	int r;

	r = vg_discover_read(cli->from, cli->n_from, cli->network, cli->interface, ret_found,
			     &diag);
	return r < 0 ? refuse(r, &diag) : VG_EXIT_DONE;
}

/* One line each, in printable ASCII: a server's words go to a terminal here. */
static void tell_gap(const char *what, const char *how, const char *text)
{
	_cleanup_free_ char *line = NULL;

	if (!*text || asprintf(&line, "note: %s%s%s", what, how, text) < 0)
		return;
	for (char *c = line; *c; c++)
		*c = *c >= ' ' && *c <= '~' ? *c : '?';
	vg_cli_error("%s", line);
}

static void tell_gaps(const struct vg_found *found)
{
	static const char *const names[VG_FEED_KIND_MAX] = {
		[VG_FEED_SUBNETS] = "gcp:subnets",
		[VG_FEED_METADATA] = "gcp:metadata",
		[VG_FEED_CONNECTORS] = "gcp:connectors",
		[VG_FEED_PEERING_ROUTES] = "gcp:peering-routes",
	};

	for (size_t kind = 0; kind < VG_FEED_KIND_MAX; kind++) {
		if (!names[kind])
			continue;
		tell_gap(names[kind], " could not be read: ", found->feeds[kind].reason);
		tell_gap(names[kind], ": ", found->feeds[kind].note);
	}
	for (size_t i = 0; i < found->n_files; i++)
		tell_gap(found->files[i], ": ", found->notes[i]);
}

/* What is printed is what `validate` accepts, or nothing is. */
static int check_config(const char *text, size_t length, struct vg_diag *diag)
{
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	int r;

	r = vg_config_parse("the new config", text, length, &config, diag);
	return r < 0 ? r : vg_policy_build(config, &vg_file_reader, &policy, diag);
}

static enum vg_exit print_config(const struct vg_found *found,
				 const struct vg_discover_servers *servers)
{
	_cleanup_free_ char *text = NULL;
	struct vg_diag diag = {};
	size_t length;
	int r;

	r = vg_discover_write(found, servers, &text, &length);
	if (r == 0)
		r = check_config(text, length, &diag);
	if (r < 0)
		return refuse(r, &diag);
	fwrite(text, 1, length, stdout);
	tell_gaps(found);
	return VG_EXIT_DONE;
}

enum vg_exit vg_cli_discover(const struct vg_cli *cli)
{
	_cleanup_(vg_found_done) struct vg_found found = {};
	_cleanup_free_ char *ca = NULL;
	struct vg_discover_servers servers = {cli->metadata, cli->compute, cli->vpcaccess, NULL};
	enum vg_exit result = check_options(cli);

	if (result == VG_EXIT_DONE && cli->ca) {
		servers.ca = ca = realpath(cli->ca, NULL);
		if (!ca)
			return vg_cli_error("cannot read %s: %s", cli->ca, strerror(errno));
	}
	if (result == VG_EXIT_DONE)
		result = cli->n_from ? discover_files(cli, &found)
				     : discover_servers(cli, &servers, &found);
	return result == VG_EXIT_DONE ? print_config(&found, &servers) : result;
}
