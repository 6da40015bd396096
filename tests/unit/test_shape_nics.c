/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include "core/shapes.h"
#include "tests/unit/listing_text.h"

#define MAX_NICS 3

struct expected_nic {
	const char *mac, *network, *project;
	unsigned mtu;
	const char *subnet, *forwarded;
};

static const struct {
	const char *name, *text; /* NULL: tests/data/nics.json */
	struct expected_nic nics[MAX_NICS + 1];
} cases[] = {
	{"nics.json",
	 NULL,
	 {{"42:01:0a:0a:00:46", "prod", "628944397724", 1460,
	   "10.10.0.0/20=subnet 10.24.3.0/24=subnet 10.10.2.5/32=subnet",
	   "203.0.113.80/32 10.10.15.200/32 2001:db8:1:0:8000::/96 203.0.113.81/32"},
	  {"42:01:0a:80:00:09", "default", "628944397724", 8896, "10.128.0.0/20=subnet", ""}}},
	{"none", "[]", {{}}},
	{"of IPv6 alone",
	 "[{\"mac\": \"42:01:0a:80:00:46\", \"ip\": \"\", \"ipv6s\": [\"fd20::1\"], "
	 "\"forwardedIpv6s\": [\"2001:db8::1\"]}]",
	 {{"42:01:0a:80:00:46", NULL, NULL, 0, "", "2001:db8::1/128"}}},
	{"masks",
	 "[{\"ip\": \"10.1.2.3\", \"subnetmask\": \"255.255.255.255\"}, "
	 "{\"ip\": \"10.1.2.3\", \"subnetmask\": \"255.255.255.252\"}, "
	 "{\"ip\": \"240.1.2.3\", \"subnetmask\": \"240.0.0.0\", \"ipAliases\": [\"10.0.0.7\"]}]",
	 {{"", NULL, NULL, 0, "10.1.2.3/32=subnet", ""},
	  {"", NULL, NULL, 0, "10.1.2.0/30=subnet", ""},
	  {"", NULL, NULL, 0, "240.0.0.0/4=subnet 10.0.0.7/32=subnet", ""}}},
	{"networks",
	 "[{\"mac\": null, \"network\": \"prod\"}, "
	 "{\"mac\": null, \"network\": \"https://x/projects/example.com:a-1/global/networks/b-2\"}]",
	 {{"", "prod", NULL, 0, "", ""}, {"", "b-2", "example.com:a-1", 0, "", ""}}},
};

static void check_text(const char *name, size_t i, const char *is, const char *expected)
{
	if (!is != !expected || (is && strcmp(is, expected) != 0))
		fail_msg("%s, NIC %zu: '%s' instead of '%s'", name, i, is ? is : "none",
			 expected ? expected : "none");
}

static void check_nic(const char *name, size_t i, const struct vg_metadata_nic *nic,
		      const struct expected_nic *expected)
{
	char text[LISTING_TEXT_SIZE];

	check_text(name, i, nic->mac, expected->mac);
	check_text(name, i, nic->network, expected->network);
	check_text(name, i, nic->network_project, expected->project);
	check_text(name, i, text_of(&nic->subnet, text), expected->subnet);
	check_text(name, i, text_of(&nic->forwarded, text), expected->forwarded);
	if (nic->mtu != expected->mtu)
		fail_msg("%s, NIC %zu: MTU %u", name, i, nic->mtu);
}

static void read_data(char *text, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen("tests/data/nics.json", "re");
	size_t n;

	if (!file)
		fail_msg("tests/data/nics.json: %s (run from the top folder)", strerror(errno));
	n = fread(text, 1, size - 1, file);
	assert_true(n < size - 1);
	text[n] = '\0';
}

static void test_nics(void **state)
{
	char data[4096];

	(void)state;
	read_data(data, sizeof(data));
	for (size_t c = 0; c < VG_ARRAY_SIZE(cases); c++) {
		const char *text = cases[c].text ? cases[c].text : data;
		struct vg_metadata_nic *nics = NULL;
		struct vg_diag diag = {};
		size_t n = 0, expected = 0;

		if (vg_metadata_nics_read("nics", text, strlen(text), &nics, &n, &diag) < 0)
			fail_msg("%s: %s", cases[c].name, diag.text);
		while (cases[c].nics[expected].mac)
			expected++;
		if (n != expected)
			fail_msg("%s: %zu NICs instead of %zu", cases[c].name, n, expected);
		for (size_t i = 0; i < n; i++)
			check_nic(cases[c].name, i, &nics[i], &cases[c].nics[i]);
		vg_metadata_nics_free(nics, n);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *wrong;
	} refusals[] = {
		{"[{\"ipCidrRange\": \"10.0.0.0/8\"}]",
		 "subnets, where network interfaces (of the metadata server) were expected"},
		{"[{\"mac\": \"42:01:0a:80:00:46\"}, {\"mac\": \"x\"}]",
		 "[1].mac: 'x' is no MAC address like 42:01:0a:80:00:46"},
		{"<html>", "HTML, not JSON: is that the right address, or a login page?"},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(refusals); i++) {
		struct vg_metadata_nic *nics = NULL;
		struct vg_diag diag = {};
		size_t n = 0;

		assert_int_equal(vg_metadata_nics_read("nics", refusals[i].text,
						       strlen(refusals[i].text), &nics, &n, &diag),
				 -EINVAL);
		assert_null(nics);
		assert_string_equal(diag.text, refusals[i].wrong);
	}
	vg_metadata_nics_free(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nics),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
