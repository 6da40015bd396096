/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where metrics are served once the policy says so, and what is left when it can't be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "service/exporter.c"
#include "service/serving.c"

struct rig {
	sd_event *event;
	struct vg_serving serving;
	unsigned port; /* that nobody listens on */
	int held;      /* a socket of somebody else's, or -1 */
	char folder[32], outside[64];
	int listening, peer; /* as vpcgate-outside, or -1 */
};

static unsigned page(void *context, char **ret_text, size_t *ret_length)
{
	(void)context;
	*ret_text = strdup("page\n");
	*ret_length = strlen(*ret_text);
	return 200;
}

static const struct vg_exporter_pages pages = {page, page, NULL};

static int hold(const char *address, unsigned port)
{
	int fd;

	assert_int_equal(vg_listening_open(address, port, &fd), 0);
	return fd;
}

/* 127.0.0.1 and 0.0.0.0 can both have it now. */
static unsigned free_port(void)
{
	_cleanup_close_ int fd = hold("0.0.0.0", 0);
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->held = rig->listening = rig->peer = -1;
	rig->port = free_port();
	assert_int_equal(sd_event_new(&rig->event), 0);
	assert_int_equal(vg_serving_open(rig->event, NULL, &pages, &rig->serving), 0);
	*state = rig;
	return 0;
}

/* With a vpcgate-outside, which this test is. */
static int setup_outside(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct rig *rig;

	setup(state);
	rig = *state;
	strcpy(rig->folder, "/tmp/vpcgate-serving.XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->outside, sizeof(rig->outside), "%s/socket", rig->folder);
	strcpy(address.sun_path, rig->outside);
	rig->listening = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(rig->listening, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(rig->listening, 1), 0);
	vg_serving_close(&rig->serving);
	assert_int_equal(vg_serving_open(rig->event, rig->outside, &pages, &rig->serving), 0);
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	int *fds[] = {&rig->held, &rig->listening, &rig->peer};

	vg_serving_close(&rig->serving);
	sd_event_unref(rig->event);
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	if (*rig->folder) {
		unlink(rig->outside);
		rmdir(rig->folder);
	}
	free(rig);
	return 0;
}

static void expect_endpoint(struct rig *rig, const char *address, unsigned port)
{
	const char *endpoint = vg_exporter_endpoint(rig->serving.exporter);
	char expected[VG_LISTENING_NAME_SIZE];

	snprintf(expected, sizeof(expected), "%s:%u", address, port);
	if (!endpoint || strcmp(endpoint, expected) != 0)
		fail_msg("served on %s, not on %s", endpoint ?: "nothing", expected);
}

static void expect_error(const struct rig *rig, const char *text)
{
	if (!strstr(rig->serving.error, text))
		fail_msg("'%s' is not in '%s'", text, rig->serving.error);
}

static bool answers(unsigned port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static void moves(void **state)
{
	struct rig *rig = *state;
	const unsigned other = free_port();

	assert_null(vg_exporter_endpoint(rig->serving.exporter));
	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	expect_endpoint(rig, "127.0.0.1", rig->port);
	assert_true(answers(rig->port));
	vg_serving_move(&rig->serving, "127.0.0.1", other);
	expect_endpoint(rig, "127.0.0.1", other);
	assert_true(answers(other));
	assert_false(answers(rig->port));
	vg_serving_move(&rig->serving, NULL, 0);
	assert_null(rig->serving.exporter);
	assert_false(answers(other));
	assert_string_equal(rig->serving.error, "");
}

static void stays_where_it_is_served(void **state)
{
	struct rig *rig = *state;
	const unsigned other = free_port();

	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	rig->held = hold("127.0.0.1", other);
	vg_serving_move(&rig->serving, "127.0.0.1", other);
	expect_endpoint(rig, "127.0.0.1", rig->port);
	assert_true(answers(rig->port));
	expect_error(rig, "can't listen on 127.0.0.1 port");
	expect_error(rig, "it stays on 127.0.0.1:");
	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	assert_string_equal(rig->serving.error, "");
}

/* The two can't be held together, so that the old one goes first. */
static void from_one_address_to_all(void **state)
{
	struct rig *rig = *state;

	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	vg_serving_move(&rig->serving, "0.0.0.0", rig->port);
	expect_endpoint(rig, "0.0.0.0", rig->port);
	assert_string_equal(rig->serving.error, "");
	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	expect_endpoint(rig, "127.0.0.1", rig->port);
	assert_true(answers(rig->port));
}

static void back_where_all_can_t_be_had(void **state)
{
	struct rig *rig = *state;

	rig->held = hold("127.0.0.2", rig->port);
	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	vg_serving_move(&rig->serving, "0.0.0.0", rig->port);
	expect_endpoint(rig, "127.0.0.1", rig->port);
	assert_true(answers(rig->port));
	expect_error(rig, "can't listen on 0.0.0.0 port");
	expect_error(rig, "it stays on 127.0.0.1:");
}

static void run_until_served(struct rig *rig, int limit_s)
{
	for (int i = 0; i < limit_s * 10 && !rig->serving.exporter; i++)
		sd_event_run(rig->event, 100000);
}

static void tries_again_where_there_is_none(void **state)
{
	struct rig *rig = *state;

	rig->held = hold("127.0.0.1", rig->port);
	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	assert_null(rig->serving.exporter);
	expect_error(rig, "there are no metrics, it is tried again every 10 s");
	close(rig->held);
	rig->held = -1;
	run_until_served(rig, 3 * VG_SERVING_RETRY_S);
	expect_endpoint(rig, "127.0.0.1", rig->port);
	assert_string_equal(rig->serving.error, "");
}

/* Takes the question and answers it: with an errno, or 0 and a socket. */
static void answer(struct rig *rig, unsigned error, int fd)
{
	struct vg_bytes question = {};
	struct vg_message message;
	size_t sent = 0;

	for (int i = 0; i < 10; i++)
		sd_event_run(rig->event, 1000);
	rig->peer = accept(rig->listening, NULL, NULL);
	assert_true(rig->peer >= 0);
	while (vg_message_receive(rig->peer, 4096, &question, NULL) == -EAGAIN)
		;
	vg_bytes_done(&question);
	vg_message_begin(&message);
	vg_message_put_number(&message, error);
	assert_int_equal(vg_message_end(&message), 0);
	assert_int_equal(vg_message_send(rig->peer, &message, &sent, fd), 0);
	vg_message_done(&message);
	if (fd >= 0)
		close(fd);
	close(rig->peer);
	rig->peer = -1;
	for (int i = 0; i < 100 && rig->serving.call; i++)
		sd_event_run(rig->event, 10000);
}

static void what_outside_listens_on_is_served(void **state)
{
	struct rig *rig = *state;

	vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
	assert_null(rig->serving.exporter);
	answer(rig, 0, hold("127.0.0.1", rig->port));
	expect_endpoint(rig, "127.0.0.1", rig->port);
}

/* A socket that listens elsewhere, none at all, and an errno that there isn't. */
static void what_outside_must_not_give_is_refused(void **state)
{
	static const char *const nonsense = "can't listen on 127.0.0.1 port";
	struct rig *rig = *state;

	for (int i = 0; i < 4; i++) {
		vg_serving_move(&rig->serving, "127.0.0.1", rig->port);
		if (i == 0)
			answer(rig, 0, hold("127.0.0.2", rig->port));
		else if (i == 1)
			answer(rig, 0, -1);
		else if (i == 2)
			answer(rig, UINT32_MAX, -1);
		else
			answer(rig, EADDRINUSE, -1);
		assert_null(rig->serving.exporter);
		expect_error(rig, nonsense);
		expect_error(rig, i < 3 ? vg_outside_nonsense : "Address already in use");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(moves, setup, teardown),
		cmocka_unit_test_setup_teardown(stays_where_it_is_served, setup, teardown),
		cmocka_unit_test_setup_teardown(from_one_address_to_all, setup, teardown),
		cmocka_unit_test_setup_teardown(back_where_all_can_t_be_had, setup, teardown),
		cmocka_unit_test_setup_teardown(tries_again_where_there_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(what_outside_listens_on_is_served, setup_outside,
						teardown),
		cmocka_unit_test_setup_teardown(what_outside_must_not_give_is_refused,
						setup_outside, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
