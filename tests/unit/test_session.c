/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/session.c"

static const char *or_none(const char *text)
{
	return text ? text : "none";
}

static void processes_are_parsed(void **state)
{
	static const struct {
		const char *text, *name; /* NULL: it is no such line */
		int parent;
	} cases[] = {
		{"123 (sshd) S 7 123 123 0 -1 4194560", "sshd", 7},
		{"123 (sshd-session) S 456 123", "sshd-session", 456},
		{"9 (a) b) (c) R 8 9", "a) b) (c", 8},
		{"9 (1 (sshd) S 3) S 8 9", "1 (sshd) S 3", 8},
		{"1 (systemd) S 0 1", "systemd", 0},
		{"9 () S 8 9", "", 8},
		{"", NULL, 0},
		{"9 sshd S 8", NULL, 0},
		{"9 (sshd", NULL, 0},
		{"9 (sshd)", NULL, 0},
		{"9 (sshd) S ", NULL, 0},
	};
	struct process process;

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const int r = parse_process(cases[i].text, &process);

		if (!cases[i].name && r == -EBADMSG)
			continue;
		if (r < 0 || !cases[i].name || strcmp(process.name, cases[i].name) != 0 ||
		    process.parent != cases[i].parent)
			fail_msg("'%s': %d", cases[i].text, r);
	}
}

/* Words of /proc/net/tcp are as the host has numbers: these are of a little-endian one. */
static void connections_are_found(void **state)
{
	static const char rest[] = "00000000:00000000 02:000A7D8C 00000000     0        0";
	static const struct {
		const char *line, *session; /* of inode 4711 */
	} cases[] = {
		{"   0: 0200800A:0016 0A7100CB:C350 01 %s 4711 4 ffff0000 20 4 29 10 -1",
		 "203.0.113.10 50000 10.128.0.2 22"},
		{"  12: 000020FD000002000000000002000000:0016 "
		 "B80D01200000AD0B000000000A000000:C350 01 %s 4711 1",
		 "2001:db8:bad::a 50000 fd20:0:2::2 22"},
		{"   1: 0000000000000000FFFF00000200800A:0016 "
		 "0000000000000000FFFF00000A7100CB:C350 01 %s 4711 1",
		 "203.0.113.10 50000 10.128.0.2 22"},
		{"   0: 0200800A:0016 0A7100CB:C350 01 %s 4712 4", NULL}, /* another's */
		{"   0: 0200800A:0016 0A7100CB:C350 01 %s 47110 4", NULL},
		{"   0: 00000000:0016 00000000:0000 0A %s 4711 1", NULL}, /* listens */
		{"   0: 0200800A:0016 0A7100CB:C350 08 %s 4711 1", NULL}, /* was closed by them */
		{"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when", NULL},
		{"", NULL},
	};
	char line[512];

	(void)state;
	if (htole32(1) != 1)
		skip();
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *session = NULL;
		const char *marker = strstr(cases[i].line, "%s");
		const int length = marker ? (int)(marker - cases[i].line) : 0;

		snprintf(line, sizeof(line), "%.*s%s%s", length, cases[i].line, marker ? rest : "",
			 marker ? marker + 2 : cases[i].line);
		session = match_line(line, 4711);
		assert_string_equal(or_none(session), or_none(cases[i].session));
	}
}

static void what_sshd_told_is_found(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		const char *session;
	} cases[] = {
#define TEXT(text) text, sizeof(text)
		{TEXT("HOME=/root\0SSH_CONNECTION=203.0.113.10 50000 10.128.0.2 22\0A=b"),
		 "203.0.113.10 50000 10.128.0.2 22"},
		{TEXT("SSH_CONNECTION=2001:db8::1 50000 fd20::2 22"),
		 "2001:db8::1 50000 fd20::2 22"},
		{TEXT("SSH_CONNECTION=fe80::1%ens4 50000 fe80::2%ens4 22"),
		 "fe80::1 50000 fe80::2 22"},
		{TEXT("OLD_SSH_CONNECTION=203.0.113.10 50000 10.128.0.2 22"), NULL},
		{TEXT("OLD_SSH_CONNECTION=\0SSH_CONNECTION=203.0.113.10 50000 10.128.0.2 22"),
		 "203.0.113.10 50000 10.128.0.2 22"},
		{TEXT("A=SSH_CONNECTION=203.0.113.10 50000 10.128.0.2 22"), NULL},
		{TEXT("SSH_CONNECTION="), NULL},
		{TEXT("SSH_CONNECTION=203.0.113.10 50000 10.128.0.2"), NULL},
		{TEXT("SSH_CONNECTION=203.0.113.10 ssh 10.128.0.2 22"), NULL},
		{TEXT("SSH_CONNECTION=UNKNOWN 65535 UNKNOWN 65535"), NULL},
		{TEXT("SSH_CONNECTION=203.0.113.10 50000 nowhere 22"), NULL},
		{"", 0, NULL},
#undef TEXT
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *session = find_told(cases[i].text, cases[i].length);

		assert_string_equal(or_none(session), or_none(cases[i].session));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_are_parsed),
		cmocka_unit_test(connections_are_found),
		cmocka_unit_test(what_sshd_told_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
