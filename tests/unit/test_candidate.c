/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "service/candidate.c"
#include "tests/unit/policy_text.h"

#define CONFIG(vpc, to)                                                    \
	"sources: {vpc: " vpc "}\ninterfaces: [ens4]\ningress: internal\n" \
	"services: [{name: lb, to: " to ", ingress: all}]\n"

static void other_ranges_make_other_policies(void **state)
{
	static const struct {
		const char *name, *config;
		bool equal;
	} cases[] = {
		{"the same", CONFIG("[10.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1]"), true},
		{"another prefix", CONFIG("[11.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1]"), false},
		{"another length", CONFIG("[10.0.0.0/9, \"fd20::100/120\"]", "[192.0.2.1]"), false},
		{"another IPv6 prefix", CONFIG("[10.0.0.0/8, \"fd21::100/120\"]", "[192.0.2.1]"),
		 false},
		{"its lower half", CONFIG("[10.0.0.0/8, \"fd20::200/120\"]", "[192.0.2.1]"), false},
		{"another IPv6 length", CONFIG("[10.0.0.0/8, \"fd20::100/121\"]", "[192.0.2.1]"),
		 false},
		{"one more", CONFIG("[10.0.0.0/8, 11.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1]"),
		 false},
		{"one less", CONFIG("[10.0.0.0/8]", "[192.0.2.1]"), false},
		{"another destination", CONFIG("[10.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.2]"),
		 false},
		{"one more destination",
		 CONFIG("[10.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1, 192.0.2.2]"), false},
		{"a destination to come",
		 CONFIG("[10.0.0.0/8, \"fd20::100/120\"]", "[192.0.2.1, gcp:forwarded-ips]"),
		 false},
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = policy_from(cases[0].config);

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_policy_free_p) struct vg_policy *other = policy_from(cases[i].config);

		if (vg_candidate_equal(policy, other) != cases[i].equal)
			fail_msg("%s", cases[i].name);
	}
}

static const char *config_text;

static int read_config_text(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	(void)context;
	if (strcmp(path, "/gone.yaml") == 0)
		return -ENOENT;
	*ret_text = strdup(config_text);
	*ret_length = strlen(config_text);
	return 0;
}

static void configs_become_tables(void **state)
{
	static const struct vg_reader reader = {.read = read_config_text};
	_cleanup_(vg_candidate_done) struct vg_candidate candidate = {};
	struct vg_diag diag = {0};
	const struct vg_policy *first;

	(void)state;
	config_text = "interfaces: [ens4]\nwrong: 1\n";
	assert_int_equal(vg_candidate_read("/gone.yaml", &reader, VG_CANDIDATE_STRICT, &candidate,
					   &diag),
			 -ENOENT);
	assert_string_equal(diag.file, "/gone.yaml");
	assert_int_equal(vg_candidate_read("/etc/v.yaml", &reader, VG_CANDIDATE_STRICT, &candidate,
					   &diag),
			 -EINVAL);
	assert_int_equal(diag.at.line, 2);
	assert_null(candidate.policy);
	config_text = CONFIG("[10.0.0.0/8]", "[192.0.2.1]");
	assert_int_equal(vg_candidate_read("/etc/v.yaml", &reader, VG_CANDIDATE_STRICT, &candidate,
					   &diag),
			 0);
	assert_non_null(candidate.config);
	assert_null(candidate.tables);
	assert_int_equal(vg_candidate_compile(&candidate, &diag), 0);
	assert_true(candidate.cost.table_bytes > 0);
	/* Built anew, it is to be compiled anew. */
	first = candidate.policy;
	assert_int_equal(vg_candidate_build(&candidate, candidate.config, &reader,
					    VG_CANDIDATE_STRICT, &diag),
			 0);
	assert_ptr_not_equal(candidate.policy, first);
	assert_null(candidate.tables);
	assert_int_equal(candidate.cost.table_bytes, 0);
}

/* ---- files with older copies ---- */

/* Two files, each of which may be damaged, and have a copy. */
struct shelf {
	const char *texts[2], *copies[2];
	bool used[2];
	size_t last;
	unsigned begun, fallen_back;
	bool lenient;
};

static int take_shelved(void *context, const char *path, vg_take_lines *take, void *to)
{
	struct shelf *shelf = context;
	const size_t i = strcmp(path, "/b") == 0;
	const char *text = shelf->used[i] ? shelf->copies[i] : shelf->texts[i];
	_cleanup_free_ char *copy = NULL;

	shelf->last = i;
	if (!text)
		return -ENOENT;
	copy = strdup(text);
	return take(to, copy, strlen(copy));
}

static void begin_shelf(void *context, bool lenient)
{
	struct shelf *shelf = context;

	shelf->begun++;
	shelf->lenient = lenient;
	shelf->used[0] = shelf->used[1] = false;
}

static bool fall_back_to_copy(void *context, const struct vg_diag *diag)
{
	struct shelf *shelf = context;
	const size_t i = strcmp(diag->file, "/a") == 0	 ? 0
			 : strcmp(diag->file, "/b") == 0 ? 1
							 : shelf->last;

	if (!shelf->copies[i] || shelf->used[i])
		return false;
	shelf->fallen_back++;
	return shelf->used[i] = true;
}

static void damaged_files_are_read_as_they_were(void **state)
{
	static const struct {
		const char *name, *texts[2], *copies[2];
		const char *strict,
			*lenient;  /* what is wrong; lenient NULL: nothing, or a copy helps */
		const char *stale; /* then; NULL: nothing */
		unsigned fallen_back;
	} cases[] = {
		{"both fine", {"10.0.0.0/8", "11.0.0.0/8"}, {}, NULL, NULL, NULL, 0},
		{"no prefix",
		 {"10.0.0.0/8", "nonsense"},
		 {"10.0.0.0/8", "11.0.0.0/8"},
		 "'nonsense' is not",
		 NULL,
		 "'nonsense' is not",
		 1},
		{"gone",
		 {NULL, "11.0.0.0/8"},
		 {"10.0.0.0/8"},
		 "can't read '/a'",
		 NULL,
		 "can't read '/a'",
		 1},
		{"both damaged",
		 {"what", "nonsense"},
		 {"10.0.0.0/8", "11.0.0.0/8"},
		 "'what' is not",
		 NULL,
		 "'what' is not",
		 2},
		{"one without a copy",
		 {"what", "nonsense"},
		 {"10.0.0.0/8"},
		 "'what' is not",
		 "'what' is not",
		 NULL,
		 1},
		{"a copy that is no better",
		 {"what", "11.0.0.0/8"},
		 {"neither"},
		 "'what' is not",
		 "'what' is not",
		 NULL,
		 1},
	};

	(void)state;
	config_text = CONFIG("['file:/a', 'file:/b']", "[192.0.2.1]");
	for (size_t i = 0; i < 2 * VG_ARRAY_SIZE(cases); i++) {
		const bool lenient = i % 2;
		const char *wrong = lenient ? cases[i / 2].lenient : cases[i / 2].strict;
		const char *stale = lenient ? cases[i / 2].stale : NULL;
		_cleanup_(vg_candidate_done) struct vg_candidate candidate = {};
		struct shelf shelf = {.last = 7};
		const struct vg_reader reader = {.read = read_config_text,
						 .read_lines = take_shelved,
						 .begin = begin_shelf,
						 .fall_back = fall_back_to_copy,
						 .context = &shelf};
		struct vg_diag diag = {0};
		int r;

		memcpy(shelf.texts, cases[i / 2].texts, sizeof(shelf.texts));
		memcpy(shelf.copies, cases[i / 2].copies, sizeof(shelf.copies));
		r = vg_candidate_read("/etc/v.yaml", &reader,
				      lenient ? VG_CANDIDATE_LENIENT : VG_CANDIDATE_STRICT,
				      &candidate, &diag);
		if ((r < 0) != !!wrong || (wrong && !strstr(diag.text, wrong)))
			fail_msg("%s, %d: %d, '%s'", cases[i / 2].name, lenient, r, diag.text);
		if (!strstr(candidate.stale.text, stale ?: "") || !*candidate.stale.text != !stale)
			fail_msg("%s, %d: stale '%s'", cases[i / 2].name, lenient,
				 candidate.stale.text);
		assert_int_equal(shelf.begun, 1);
		assert_int_equal(shelf.lenient, lenient);
		assert_int_equal(shelf.fallen_back, lenient ? cases[i / 2].fallen_back : 0);
		if (r >= 0)
			assert_int_equal(candidate.policy->n_prefixes4 > 1, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_ranges_make_other_policies),
		cmocka_unit_test(configs_become_tables),
		cmocka_unit_test(damaged_files_are_read_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
