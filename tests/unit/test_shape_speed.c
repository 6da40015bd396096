/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon reads answers between two events: large ones mustn't hold it up. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>
#include "core/shapes.h"
#include "tests/unit/listing_text.h"

#define BOUND_MS 50
/* On a slow machine, or a busy one: so many times what the library takes to read JSON alone. */
#define BOUND_FACTOR 2
#define N_SUBNETS 2000
#define N_PREFIXES 1000
#define REGIONS 40

/* The sanitizers take several times as long. */
#ifdef __SANITIZE_ADDRESS__
#define SLOWER 10
#else
#define SLOWER 1
#endif

/* As gcloud prints them, each with an IPv6 and two secondary ranges: 4 ranges that differ. */
static void print_subnets(FILE *file)
{
	for (unsigned i = 0; i < N_SUBNETS; i++)
		fprintf(file,
			"%s\n  {\n"
			"    \"creationTimestamp\": \"2026-05-01T01:02:03.004-07:00\",\n"
			"    \"fingerprint\": \"mJCn0XVsS2Y=\",\n"
			"    \"gatewayAddress\": \"10.%u.%u.1\",\n"
			"    \"id\": \"551234567890123%04u\",\n"
			"    \"internalIpv6Prefix\": \"fd20:1:%x:0:0:0:0:0/64\",\n"
			"    \"ipCidrRange\": \"10.%u.%u.0/24\",\n"
			"    \"ipv6CidrRange\": \"fd20:1:%x:0:0:0:0:0/64\",\n"
			"    \"kind\": \"compute#subnetwork\",\n"
			"    \"name\": \"subnet-%u\",\n"
			"    \"network\": \"https://www.googleapis.com/compute/v1/projects/"
			"host-project/global/networks/prod\",\n"
			"    \"privateIpGoogleAccess\": true,\n"
			"    \"purpose\": \"PRIVATE\",\n"
			"    \"region\": \"https://www.googleapis.com/compute/v1/projects/"
			"host-project/regions/region-%u\",\n"
			"    \"secondaryIpRanges\": [\n"
			"      {\n        \"ipCidrRange\": \"100.%u.%u.0/25\",\n"
			"        \"rangeName\": \"pods\"\n      },\n"
			"      {\n        \"ipCidrRange\": \"100.%u.%u.128/25\",\n"
			"        \"rangeName\": \"services\"\n      }\n    ],\n"
			"    \"selfLink\": \"https://www.googleapis.com/compute/v1/projects/"
			"host-project/regions/region-%u/subnetworks/subnet-%u\",\n"
			"    \"stackType\": \"IPV4_IPV6\"\n  }",
			i ? "," : "[", i / 256, i % 256, i, i, i / 256, i % 256, i, i, i % REGIONS,
			i / 256, i % 256, i / 256, i % 256, i % REGIONS, i);
	fprintf(file, "\n]\n");
}

static void print_cloud(FILE *file)
{
	fprintf(file, "{\n  \"syncToken\": \"1790733903731\",\n"
		      "  \"creationTime\": \"2026-09-29T19:05:03.731656\",\n  \"prefixes\": [");
	for (unsigned i = 0; i < N_PREFIXES; i++)
		fprintf(file,
			"%s{\n    \"ipv4Prefix\": \"34.%u.%u.0/24\",\n"
			"    \"service\": \"Google Cloud\",\n    \"scope\": \"region-%u\"\n  }",
			i ? ", " : "", i / 256, i % 256, i % REGIONS);
	fprintf(file, "]\n}\n");
}

static double library_ms(const char *text, size_t length)
{
	const clock_t began = clock();
	json_t *json = json_loadb(text, length, 0, NULL);

	assert_non_null(json);
	json_decref(json);
	return (double)(clock() - began) * 1000 / CLOCKS_PER_SEC;
}

/* The least of some rounds: others use the processor too. */
static void measure(const char *name, void (*print)(FILE *), size_t n_ranges)
{
	static const struct vg_shape_wish wish = {.expected = VG_SHAPE_MAX};
	_cleanup_free_ char *text = NULL;
	FILE *file;
	double least_ms = 1e9, least_library_ms = 1e9, bound_ms = BOUND_MS * SLOWER;
	size_t length;

	file = open_memstream(&text, &length);
	assert_non_null(file);
	print(file);
	assert_int_equal(fclose(file), 0);
	for (int round = 0; round < 5; round++) {
		_cleanup_(vg_listing_done) struct vg_listing listing = {};
		_cleanup_(vg_page_done) struct vg_page page = {};
		struct vg_diag diag = {};
		const clock_t began = clock();
		double ms;

		if (vg_shape_read(name, text, length, &wish, &listing, &page, &diag) < 0)
			fail_msg("%s: %s", name, diag.text);
		vg_listing_sort(&listing);
		ms = (double)(clock() - began) * 1000 / CLOCKS_PER_SEC;
		least_ms = ms < least_ms ? ms : least_ms;
		ms = library_ms(text, length);
		least_library_ms = ms < least_library_ms ? ms : least_library_ms;
		assert_int_equal(listing.n, n_ranges);
	}
	print_message("%s: %zu bytes in %.1f ms, the library alone %.1f ms\n", name, length,
		      least_ms, least_library_ms);
	if (bound_ms < BOUND_FACTOR * least_library_ms)
		bound_ms = BOUND_FACTOR * least_library_ms;
	if (least_ms > bound_ms)
		fail_msg("%s: %.1f ms instead of at most %.1f", name, least_ms, bound_ms);
}

static void test_subnets(void **state)
{
	(void)state;
	measure("2,000 subnets", print_subnets, 4 * N_SUBNETS);
}

static void test_cloud(void **state)
{
	(void)state;
	measure("1,000 published prefixes", print_cloud, N_PREFIXES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_cloud),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
