/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/config.h"
#include "tools/discover_found.c"
#include "tools/discover_native.c"
#include "tools/discover_nics.c"
#include "tools/discover_text.c"

#define MAC "42:01:0a:80:00:02"

/* ---- texts from outside ---- */

struct output {
	struct vg_writer writer;
	char *text;
	size_t length;
};

static void output_begin(struct output *output)
{
	*output = (struct output){};
	output->writer.out = open_memstream(&output->text, &output->length);
	assert_non_null(output->writer.out);
}

static void output_end(struct output *output)
{
	assert_int_equal(fclose(output->writer.out), 0);
}

static void test_comments(void **state)
{
	static const struct {
		const char *name, *lead, *text, *expected;
	} cases[] = {
		{"plain", "# ", "one two", "# one two\n"},
		{"nothing", "# ", "", "# \n"},
		{"line breaks of any kind", "  # ",
		 "a\nb\rc\xc2\x85"
		 "d\xe2\x80\xa8"
		 "e\x0b",
		 "  # a?b?c??d???e?\n"},
		{"blanks are one", "# ", "a  b   c", "# a b c\n"},
		{"wrapped under its lead", "#   1. ",
		 "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		 "0123456789 01234 0123456789",
		 "#   1. 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
		 "0123456789 0123456789 01234\n#      0123456789\n"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		struct output output;

		output_begin(&output);
		vg_write_comment(&output.writer, cases[i].lead, "%s", cases[i].text);
		output_end(&output);
		if (strcmp(output.text, cases[i].expected) != 0)
			fail_msg("%s: '%s'", cases[i].name, output.text);
		free(output.text);
	}
}

/* What is written as an interface's name is read as one. */
static void test_scalars(void **state)
{
	static const char *const texts[] = {
		"ens4",	     "eth0.100", "br-1_2", "no",  "Off",    "null",  "123", "0x1f",
		"1e3",	     "-",	 "*",	   "&a",  "!x",	    "%y",    "a:b", "a#",
		"'",	     "\"",	 "a\\b",   "{a}", "[",	    "a,b",   "?",   "|",
		"\xc3\xa9n", "~",	 "=",	   "<<",  "a'b\"c", "x\x7f",
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(texts); i++) {
		_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
		struct vg_diag diag = {};
		struct output output;

		output_begin(&output);
		fputs("ingress: all\ninterfaces: [", output.writer.out);
		vg_write_scalar(&output.writer, texts[i]);
		fputs("]\n", output.writer.out);
		output_end(&output);
		if (output.writer.error < 0 ||
		    vg_config_parse("c", output.text, output.length, &config, &diag) < 0)
			fail_msg("'%s': %d, %s in: %s", texts[i], output.writer.error, diag.text,
				 output.text);
		assert_string_equal(config->interfaces[0].pattern.text, texts[i]);
		/* Those that other readers take for something else are quoted. */
		if (!strstr(output.text, "[\"") != (i < 3))
			fail_msg("'%s' in: %s", texts[i], output.text);
		free(output.text);
	}
}

static void test_scalars_that_yaml_cannot_hold(void **state)
{
	struct output output;

	(void)state;
	output_begin(&output);
	vg_write_scalar(&output.writer, "a\xff");
	output_end(&output);
	assert_int_equal(output.writer.error, -EILSEQ);
	free(output.text);
}

static void test_names(void **state)
{
	char name[VG_DISCOVER_NAME_SIZE], text[1000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(strlen(vg_discover_name(text, name)), VG_DISCOVER_NAME_SIZE - 1);
	assert_string_equal(name + VG_DISCOVER_NAME_SIZE - 4, "...");
	text[VG_DISCOVER_NAME_SIZE - 1] = '\0';
	assert_string_equal(vg_discover_name(text, name), text);
	assert_string_equal(vg_discover_name("a\nb\x1b\xc3\xa9", name), "a?b???");
	assert_string_equal(vg_discover_name("", name), "");
}

/* ---- NICs ---- */

static void test_routes(void **state)
{
	static const char head[] =
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";
	static const char route[] =
		"ens4\t00000000\t0100800A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		"ens5\t000A0A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		"ens7\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
		"ens8\t00000000\t0100800A\t0003\t0\t0\t100\t00000080\t0\t0\t0\n";
	static const char ipv6[] =
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000002 00000000 00000003     ens6\n"
		"00000000000000000000000000000000 60 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000002 00000000 00000003     ens8\n"
		"20010000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000002 00000000 00000003     ens5\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200     ens7\n";
	_cleanup_free_ char *text = NULL;
	struct vg_host_nic nics[] = {{.name = "ens4"},
				     {.name = "ens5"},
				     {.name = "ens6"},
				     {.name = "ens7"},
				     {.name = "ens8"}};

	(void)state;
	assert_true(asprintf(&text, "%s%s", head, route) > 0);
	vg_host_nics_routes(nics, VG_ARRAY_SIZE(nics), text, ipv6);
	assert_true(nics[0].default_route);
	assert_false(nics[1].default_route);
	assert_true(nics[2].default_route);
	assert_false(nics[3].default_route);
	assert_false(nics[4].default_route);
	vg_host_nics_routes(nics, VG_ARRAY_SIZE(nics), NULL, NULL);
	vg_host_nics_routes(nics, VG_ARRAY_SIZE(nics), "", "\n\n");
	assert_false(nics[1].default_route);
}

#define MAC2 "42:01:0a:80:00:03"

static const struct {
	const char *name;
	struct vg_host_nic hosts[4];
	const char *macs[2]; /* of the metadata */
	const char *wanted;
	int r;
	enum vg_found_by by;
	const char *chosen;
} choices[] = {
	{"by MAC address, whatever the route",
	 {{.name = "eth0", .mac = "02:00:00:00:00:01", .default_route = true},
	  {.name = "ens4", .mac = MAC}},
	 {MAC},
	 NULL,
	 0,
	 VG_FOUND_BY_METADATA,
	 "ens4"},
	{"two of them, in the kernel's order",
	 {{.name = "ens4", .mac = MAC2}, {.name = "ens5", .mac = MAC}},
	 {MAC, MAC2},
	 NULL,
	 0,
	 VG_FOUND_BY_METADATA,
	 "ens4 ens5"},
	{"a VLAN above it that came first",
	 {{.name = "v1", .mac = MAC}, {.name = "ens4", .mac = MAC, .device = true}},
	 {MAC},
	 NULL,
	 0,
	 VG_FOUND_BY_METADATA,
	 "ens4"},
	{"copies without a bus: the first",
	 {{.name = "ens4", .mac = MAC}, {.name = "v1", .mac = MAC}},
	 {MAC},
	 NULL,
	 0,
	 VG_FOUND_BY_METADATA,
	 "ens4"},
	{"no MAC address is like another without one",
	 {{.name = "tun0"}, {.name = "ens4", .default_route = true}},
	 {""},
	 NULL,
	 0,
	 VG_FOUND_BY_DEFAULT_ROUTE,
	 "ens4"},
	{"none that the metadata names",
	 {{.name = "eth0", .mac = MAC, .default_route = true}, {.name = "eth1"}},
	 {MAC2},
	 NULL,
	 0,
	 VG_FOUND_BY_DEFAULT_ROUTE,
	 "eth0"},
	{"named",
	 {{.name = "eth0", .default_route = true}, {.name = "eth1"}},
	 {NULL},
	 "eth1",
	 0,
	 VG_FOUND_BY_NAME,
	 "eth1"},
	{"named, and not there",
	 {{.name = "eth0", .default_route = true}},
	 {NULL},
	 "eth1",
	 -ENODEV,
	 VG_FOUND_BY_NAME,
	 ""},
	{"nothing to go by",
	 {{.name = "eth0"}},
	 {NULL},
	 NULL,
	 -ENODEV,
	 VG_FOUND_BY_DEFAULT_ROUTE,
	 ""},
};

static void test_choice_of_nics(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(choices); i++) {
		struct vg_metadata_nic metadata[2] = {};
		struct vg_found found = {.metadata = metadata};
		char chosen[64] = "";
		size_t n = 0;
		int r;

		while (n < VG_ARRAY_SIZE(choices[i].hosts) && *choices[i].hosts[n].name)
			n++;
		for (; found.n_metadata < 2 && choices[i].macs[found.n_metadata];
		     found.n_metadata++)
			strcpy(metadata[found.n_metadata].mac, choices[i].macs[found.n_metadata]);
		r = vg_found_choose_nics(&found, choices[i].hosts, n, choices[i].wanted);
		for (size_t j = 0; j < found.n_nics; j++) {
			strcat(strcat(chosen, j ? " " : ""), found.nics[j].host.name);
			if (found.found_by == VG_FOUND_BY_METADATA)
				assert_string_equal(found.nics[j].host.mac,
						    found.nics[j].metadata->mac);
		}
		if (r != choices[i].r || found.found_by != choices[i].by ||
		    strcmp(chosen, choices[i].chosen) != 0)
			fail_msg("%s: %d, by %d: '%s'", choices[i].name, r, found.found_by, chosen);
		free(found.nics);
	}
}

static const struct {
	const char *name;
	struct vg_host_nic nic;
	const char *kernel;
	const char *says[2];
} natives[] = {
	{"gve, old",
	 {.facts.driver = "gve", .facts.version = "1.0.0", .facts.mtu = 1460},
	 "6.1.0-28-cloud",
	 {"Generic XDP is to be expected"}},
	{"gve, GQI alone",
	 {.facts.driver = "gve", .facts.version = "1.0.0", .facts.mtu = 1460},
	 "6.8.0-1042",
	 {"queue format GQI"}},
	{"gve, 6.10 is after 6.4",
	 {.facts.driver = "gve", .facts.version = "1.0.0"},
	 "6.10.1",
	 {"queue format GQI"}},
	{"gve, both formats",
	 {.facts.driver = "gve", .facts.version = "1.0.0"},
	 "6.15.0",
	 {"XDP in the driver is to be expected: gve has it in both"}},
	{"gve, Google's own",
	 {.facts.driver = "gve", .facts.version = "1.4.7"},
	 "5.15.0",
	 {"XDP in the driver is to be expected (gve 1.4.7"}},
	{"gve, jumbo",
	 {.name = "ens4", .facts.driver = "gve", .facts.version = "1.0.0", .facts.mtu = 8896},
	 "6.15.0",
	 {"up to an MTU of 2032; this is 8896: `ip link set dev ens4 mtu 2032`"}},
	{"gve, 2032 is not too large",
	 {.facts.driver = "gve", .facts.version = "1.0.0", .facts.mtu = 2032},
	 "6.15.0",
	 {"XDP in the driver", "!up to an MTU"}},
	{"gve, all queues taken",
	 {.facts.driver = "gve",
	  .name = "ens4",
	  .facts.rx = 8,
	  .facts.tx = 8,
	  .facts.max_rx = 8,
	  .facts.max_tx = 8},
	 "6.15.0",
	 {"ethtool -L ens4 rx 4 tx 4"}},
	{"gve, unequal queues",
	 {.facts.driver = "gve",
	  .name = "ens4",
	  .facts.rx = 4,
	  .facts.tx = 2,
	  .facts.max_rx = 8,
	  .facts.max_tx = 8},
	 "6.15.0",
	 {"ethtool -L ens4 rx 4 tx 4"}},
	{"gve, fewer TX queues at most",
	 {.facts.driver = "gve",
	  .name = "ens4",
	  .facts.rx = 4,
	  .facts.tx = 4,
	  .facts.max_rx = 8,
	  .facts.max_tx = 6},
	 "6.15.0",
	 {"ethtool -L ens4 rx 3 tx 3"}},
	{"gve, half of the queues",
	 {.facts.driver = "gve",
	  .facts.rx = 4,
	  .facts.tx = 4,
	  .facts.max_rx = 8,
	  .facts.max_tx = 8},
	 "6.15.0",
	 {"XDP in the driver", "!ethtool"}},
	{"gve, one queue",
	 {.facts.driver = "gve",
	  .facts.rx = 1,
	  .facts.tx = 1,
	  .facts.max_rx = 1,
	  .facts.max_tx = 1},
	 "6.15.0",
	 {"queue count of 2", "!ethtool"}},
	{"virtio_net", {.facts.driver = "virtio_net"}, "6.15.0", {"Generic XDP"}},
	{"another", {.facts.driver = "mlx5_core"}, "6.15.0", {"not known"}},
	{"no driver", {.facts.mtu = 1460}, "6.15.0", {"!XDP"}},
};

static void test_native(void **state)
{
	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(natives); i++) {
		struct output output;

		output_begin(&output);
		vg_write_native(&output.writer, &natives[i].nic, natives[i].kernel);
		output_end(&output);
		/* As one line. */
		for (char *c; (c = strstr(output.text, "\n  #"));)
			memmove(c, c + 4, strlen(c + 4) + 1);
		for (size_t j = 0; j < 2 && natives[i].says[j]; j++) {
			const char *says = natives[i].says[j];
			const bool absent = *says == '!';

			if (!strstr(output.text, says + absent) != absent)
				fail_msg("%s: '%s' in: %s", natives[i].name, says, output.text);
		}
		free(output.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_scalars_that_yaml_cannot_hold),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_choice_of_nics),
		cmocka_unit_test(test_native),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
