/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include "service/exporter.c"

struct rig {
	sd_event *event;
	struct vg_exporter *exporter;
	unsigned ready_status;
};

static unsigned make_page(char **ret_text, size_t *ret_length, const char *text, unsigned status)
{
	*ret_text = strdup(text);
	*ret_length = strlen(text);
	return status;
}

static unsigned metrics(void *context, char **ret_text, size_t *ret_length)
{
	(void)context;
	return make_page(ret_text, ret_length, "vpcgate_build_info 1\n", 200);
}

static unsigned ready(void *context, char **ret_text, size_t *ret_length)
{
	const struct rig *rig = context;

	if (!rig->ready_status)
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	return make_page(ret_text, ret_length, "page\n", rig->ready_status);
}

static int rig_open(struct rig *rig, const char *address, unsigned port)
{
	const struct vg_exporter_pages pages = {metrics, ready, rig};
	char name[VG_LISTENING_NAME_SIZE];
	int fd, r;

	r = vg_listening_open(address, port, &fd);
	if (r >= 0)
		r = vg_listening_check(fd, address, port, name);
	return r < 0 ? r : vg_exporter_open(rig->event, fd, name, &pages, &rig->exporter);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->ready_status = 200;
	assert_int_equal(sd_event_new(&rig->event), 0);
	assert_int_equal(rig_open(rig, "127.0.0.1", 0), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	vg_exporter_close(rig->exporter);
	sd_event_unref(rig->event);
	free(rig);
	return 0;
}

static unsigned port_of(const struct rig *rig)
{
	return strtoul(strrchr(vg_exporter_endpoint(rig->exporter), ':') + 1, NULL, 10);
}

static int connect_to(const struct rig *rig)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port_of(rig)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Sends bytes and returns all that comes back until the server closes. */
static char *exchange(const struct rig *rig, const char *request)
{
	static char answer[65536];
	size_t length = 0;
	ssize_t n;
	int fd = connect_to(rig);

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	shutdown(fd, SHUT_WR);
	do {
		sd_event_run(rig->event, 1000);
		n = recv(fd, answer + length, sizeof(answer) - 1 - length, MSG_DONTWAIT);
		if (n > 0)
			length += n;
	} while (n > 0 || (n < 0 && errno == EAGAIN));
	answer[length] = '\0';
	close(fd);
	return answer;
}

#define REQUEST(line) line " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static const struct {
	const char *name;
	const char *request;
	unsigned ready_status;
	const char *start; /* of the answer */
	const char *end;
	const char *header; /* somewhere in it, or NULL */
} cases[] = {
	{"metrics", REQUEST("GET /metrics"), 200, "HTTP/1.1 200 ", "\r\n\r\nvpcgate_build_info 1\n",
	 "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
	{"healthy", REQUEST("GET /healthz"), 503, "HTTP/1.1 200 ", "\r\n\r\nok\n", NULL},
	{"ready", REQUEST("GET /readyz"), 200, "HTTP/1.1 200 ", "\r\n\r\npage\n", NULL},
	{"not ready", REQUEST("GET /readyz"), 503, "HTTP/1.1 503 ", "\r\n\r\npage\n", NULL},
	{"no memory", REQUEST("GET /readyz"), 0, "HTTP/1.1 500 ", "\r\n\r\nno memory\n", NULL},
	{"HEAD", REQUEST("HEAD /metrics"), 200, "HTTP/1.1 200 ", "\r\n\r\n",
	 "Content-Length: 21\r\n"},
	{"query", REQUEST("GET /metrics?x=1"), 200, "HTTP/1.1 200 ", "_info 1\n", NULL},
	{"root", REQUEST("GET /"), 200, "HTTP/1.1 404 ", "/readyz\n", NULL},
	{"below", REQUEST("GET /metrics/x"), 200, "HTTP/1.1 404 ", "/readyz\n", NULL},
	{"POST", "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 200,
	 "HTTP/1.1 405 ", "only GET and HEAD\n", "Allow: GET, HEAD\r\n"},
	{"DELETE", REQUEST("DELETE /"), 200, "HTTP/1.1 405 ", "only GET and HEAD\n", NULL},
	{"HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", 200, "HTTP/1.", "ok\n", NULL},
};

static void pages_are_served(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const char *answer;
		size_t length, end = strlen(cases[i].end);

		rig->ready_status = cases[i].ready_status;
		answer = exchange(rig, cases[i].request);
		length = strlen(answer);
		if (strncmp(answer, cases[i].start, strlen(cases[i].start)) != 0 || length < end ||
		    strcmp(answer + length - end, cases[i].end) != 0 ||
		    (cases[i].header && !strstr(answer, cases[i].header)))
			fail_msg("%s: got '%s'", cases[i].name, answer);
	}
}

static void connection_is_kept(void **state)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	struct rig *rig = *state;
	char answer[1024] = "";
	int fd = connect_to(rig);

	for (int i = 0; i < 3; i++) {
		ssize_t n = -1;

		assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
		for (int turn = 0; n < 0 && turn < 1000; turn++) {
			sd_event_run(rig->event, 1000);
			n = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);
		}
		assert_true(n > 0);
		answer[n] = '\0';
		assert_non_null(strstr(answer, "ok\n"));
	}
	close(fd);
}

/* Half-open connections, more than there are places, and then a client that means it. */
static void silent_clients_leave_the_loop_free(void **state)
{
	struct rig *rig = *state;
	int fds[VG_EXPORTER_CONNECTIONS - 1];

	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++) {
		fds[i] = connect_to(rig);
		assert_int_equal(send(fds[i], "GET /me", 7, 0), 7);
		sd_event_run(rig->event, 1000);
	}
	assert_non_null(strstr(exchange(rig, REQUEST("GET /healthz")), "ok\n"));
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void nonsense_ends_the_connection(void **state)
{
	struct rig *rig = *state;

	exchange(rig, "nonsense\r\n\r\n");
	exchange(rig, "\x16\x03\x01 GET");
	assert_non_null(strstr(exchange(rig, REQUEST("GET /healthz")), "ok\n"));
}

static void taken_port_is_an_error(void **state)
{
	struct rig *rig = *state;
	struct rig second = *rig;

	assert_int_equal(rig_open(&second, "127.0.0.1", port_of(rig)), -EADDRINUSE);
}

static void endpoint_shows_the_port(void **state)
{
	struct rig *rig = *state;
	struct rig six = *rig;

	assert_memory_equal(vg_exporter_endpoint(rig->exporter), "127.0.0.1:", 10);
	assert_true(port_of(rig) > 0);
	assert_null(vg_exporter_endpoint(NULL));
	if (rig_open(&six, "::1", 0) == -EAFNOSUPPORT)
		return;
	assert_memory_equal(vg_exporter_endpoint(six.exporter), "[::1]:", 6);
	vg_exporter_close(six.exporter);
}

static void address_may_come_later(void **state)
{
	struct rig *rig = *state;
	struct rig later = *rig;

	/* TEST-NET-1: no address of this machine. */
	assert_int_equal(rig_open(&later, "192.0.2.1", 0), 0);
	vg_exporter_close(later.exporter);
	assert_int_equal(rig_open(&later, "nowhere", 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages_are_served, setup, teardown),
		cmocka_unit_test_setup_teardown(connection_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(silent_clients_leave_the_loop_free, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nonsense_ends_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_port_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(endpoint_shows_the_port, setup, teardown),
		cmocka_unit_test_setup_teardown(address_may_come_later, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
