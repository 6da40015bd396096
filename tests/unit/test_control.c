/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/wait.h>
#include "service/control.c"
#include "service/listener.c"
#include "service/offload.c"

#define HUGE_ANSWER ((size_t)32 << 20)

/* Both ends of the control socket: the server on a loop here, a client in a child process. */
struct rig {
	char dir[64], path[96];
	sd_event *event;
	struct vg_control *control;
	unsigned answered;
	bool later;	   /* a request was left for later */
	uint64_t ticket;   /* the last one's */
	struct ucred peer; /* the last one's */
};

static char *answer(void *context, const struct ucred *peer, uint64_t ticket, const char *request,
		    size_t length, bool *ret_later)
{
	struct rig *rig = context;
	char *text;

	rig->peer = *peer;
	assert_int_equal(peer->uid, geteuid());
	rig->answered++;
	if (length >= 5 && memmem(request, length, "later", 5)) {
		rig->ticket = ticket;
		rig->later = true;
		*ret_later = true;
		return NULL;
	}
	if (length == 4 && memcmp(request, "huge", 4) == 0) {
		text = malloc(HUGE_ANSWER + 1);
		memset(text, 'x', HUGE_ANSWER);
		strcpy(text + HUGE_ANSWER - 1, "\n");
		return text;
	}
	if (asprintf(&text, "{\"version\":1,\"ok\":%s,\"error\":\"%zu bytes\"}\n",
		     memmem(request, length, "fail", 4) ? "false" : "true", length) < 0)
		return NULL;
	return text;
}

static bool asks_long(void *context, const char *request, size_t length)
{
	(void)context;
	return length == 4 && memcmp(request, "long", 4) == 0;
}

static void write_long(void *context, const char *request, size_t length, FILE *out)
{
	(void)context;
	(void)request;
	(void)length;
	for (size_t i = 0; i < HUGE_ANSWER - 1; i++)
		fputc('x', out);
	fputc('\n', out);
}

static int rig_listen(struct rig *rig, struct vg_diag *diag)
{
	const struct vg_control_handler handler = {answer, rig, asks_long, write_long};

	return vg_control_open(rig->event, rig->path, &handler, &rig->control, diag);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct vg_diag diag = {0};

	strcpy(rig->dir, "/tmp/vpcgate-control.XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->path, sizeof(rig->path), "%s/run/control.sock", rig->dir);
	assert_int_equal(sd_event_new(&rig->event), 0);
	if (rig_listen(rig, &diag) < 0)
		fail_msg("%s", diag.text);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	char folder[80];

	vg_control_close(rig->control);
	sd_event_unref(rig->event);
	snprintf(folder, sizeof(folder), "%s/run", rig->dir);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(rmdir(rig->dir), 0);
	free(rig);
	return 0;
}

/* Runs the loop until `client` is done in a child; its exit status is the result. */
static int run_client(struct rig *rig, int (*client)(const struct rig *rig))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(client(rig));
	while (waitpid(pid, &status, WNOHANG) == 0)
		assert_true(sd_event_run(rig->event, 10000) >= 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int connect_raw(const struct rig *rig)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, rig->path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd;
}

static int call(const struct rig *rig, const char *command, struct vg_diag *diag)
{
	json_auto_t *request = json_pack("{ss}", "command", command), *got = NULL;

	return vg_wire_call(rig->path, request, 5000, &got, diag);
}

static int client_asks(const struct rig *rig)
{
	return call(rig, "status", NULL) == 0 ? 0 : 1;
}

static int client_fails(const struct rig *rig)
{
	struct vg_diag diag = {0};

	return call(rig, "fail", &diag) == -EREMOTEIO && strstr(diag.text, " bytes") ? 0 : 1;
}

static void who_asks_is_known(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(run_client(rig, client_asks), 0);
	assert_int_equal(rig->peer.uid, geteuid());
	assert_int_equal(rig->peer.gid, getegid());
	assert_true(rig->peer.pid > 0 && rig->peer.pid != getpid());
}

/* One byte at a time, with the newline last. */
static int client_dribbles(const struct rig *rig)
{
	char text[64];
	int fd = connect_raw(rig);

	for (const char *c = "hello\n"; *c; c++) {
		if (write(fd, c, 1) != 1)
			return 1;
		usleep(1000);
	}
	return read(fd, text, sizeof(text)) > 0 && strstr(text, "5 bytes") ? 0 : 2;
}

static int client_sends_too_much(const struct rig *rig)
{
	static char text[VG_WIRE_REQUEST_MAX];
	char got[256] = "";
	int fd = connect_raw(rig);

	memset(text, 'x', sizeof(text));
	if (write(fd, text, sizeof(text)) != sizeof(text))
		return 1;
	return read(fd, got, sizeof(got) - 1) > 0 && strstr(got, "at most 65536 bytes") ? 0 : 2;
}

static int client_sends_the_most(const struct rig *rig)
{
	static char text[VG_WIRE_REQUEST_MAX];
	char got[256] = "";
	int fd = connect_raw(rig);

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	if (write(fd, text, sizeof(text)) != sizeof(text))
		return 1;
	return read(fd, got, sizeof(got) - 1) > 0 && strstr(got, "65535 bytes") ? 0 : 2;
}

/* More half-open connections than there are places, and one that takes no answer. */
static int client_survives_others(const struct rig *rig)
{
	int silent = connect_raw(rig), fd;

	if (write(silent, "huge\n", 5) != 5)
		return 1;
	for (int i = 0; i < 3 * VG_CONTROL_WRITERS; i++) {
		fd = connect_raw(rig);
		if (fd < 0 || write(fd, "half", 4) != 4)
			return 2;
	}
	for (int i = 0; i < 3; i++)
		if (call(rig, "status", NULL) < 0)
			return 3;
	return 0;
}

static int client_leaves(const struct rig *rig)
{
	int fd;

	for (int i = 0; i < 40; i++) {
		fd = connect_raw(rig);
		if (fd < 0 || write(fd, "huge\n", i % 6) != i % 6)
			return 1;
		close(fd);
	}
	return client_asks(rig);
}

static int read_slowly(const struct rig *rig, const char *request)
{
	static char text[1 << 20];
	size_t total = 0;
	ssize_t n;
	int fd = connect_raw(rig);

	if (write(fd, request, 5) != 5)
		return 1;
	usleep(50000);
	while ((n = read(fd, text, sizeof(text))) > 0)
		total += n;
	return total == HUGE_ANSWER ? 0 : 2;
}

static int client_reads_slowly(const struct rig *rig)
{
	return read_slowly(rig, "huge\n");
}

static int client_reads_at_length(const struct rig *rig)
{
	return read_slowly(rig, "long\n");
}

static void clients_are_served(void **state)
{
	static const struct {
		const char *name;
		int (*client)(const struct rig *rig);
	} cases[] = {
		{"a request", client_asks},
		{"an error", client_fails},
		{"a dribble", client_dribbles},
		{"the longest request", client_sends_the_most},
		{"a request that is too long", client_sends_too_much},
		{"other clients that hang", client_survives_others},
		{"other clients that leave", client_leaves},
		{"a large answer", client_reads_slowly},
		{"a long answer", client_reads_at_length},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		int status = run_client(*state, cases[i].client);

		if (status)
			fail_msg("%s: failed at step %d", cases[i].name, status);
	}
}

static int client_waits(const struct rig *rig)
{
	struct vg_diag diag = {0};

	return call(rig, "later", &diag) == -EREMOTEIO && strcmp(diag.text, "done") == 0 ? 0 : 1;
}

static void run_until_later(struct rig *rig)
{
	rig->later = false;
	while (!rig->later)
		assert_true(sd_event_run(rig->event, 10000) >= 0);
}

static void answers_may_come_later(void **state)
{
	static const char done[] = "{\"version\":1,\"ok\":false,\"error\":\"done\"}\n";
	struct rig *rig = *state;
	pid_t pid = fork();
	uint64_t ticket;
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(client_waits(rig));
	run_until_later(rig);
	ticket = rig->ticket;
	/* Others are served meanwhile, and an answer to somebody else goes nowhere. */
	assert_int_equal(run_client(rig, client_asks), 0);
	vg_control_answer(rig->control, ticket + 100, strdup("wrong\n"));
	vg_control_answer(rig->control, ticket, strdup(done));
	while (waitpid(pid, &status, WNOHANG) == 0)
		assert_true(sd_event_run(rig->event, 10000) >= 0);
	assert_int_equal(status, 0);
	vg_control_answer(rig->control, ticket, strdup(done));
}

static void who_is_gone_waits_for_nothing(void **state)
{
	struct rig *rig = *state;
	int fd = connect_raw(rig);

	assert_int_equal(write(fd, "later\n", 6), 6);
	run_until_later(rig);
	assert_non_null(rig->control->places[0].control);
	/* What is still sent is not read. */
	assert_int_equal(write(fd, "more\n", 5), 5);
	assert_true(sd_event_run(rig->event, 100000) >= 0);
	assert_non_null(rig->control->places[0].control);
	close(fd);
	assert_true(sd_event_run(rig->event, 1000000) > 0);
	assert_null(rig->control->places[0].control);
	vg_control_answer(rig->control, rig->ticket, strdup("x\n"));
	/* Whoever waits too long is cut off as well. */
	fd = connect_raw(rig);
	assert_int_equal(write(fd, "later\n", 6), 6);
	run_until_later(rig);
	sd_event_source_set_time_relative(rig->control->places[0].deadline, 0);
	assert_true(sd_event_run(rig->event, 1000000) > 0);
	assert_null(rig->control->places[0].control);
	close(fd);
	/* No memory for the answer. */
	fd = connect_raw(rig);
	assert_int_equal(write(fd, "later\n", 6), 6);
	run_until_later(rig);
	vg_control_answer(rig->control, rig->ticket, NULL);
	assert_null(rig->control->places[0].control);
	close(fd);
}

static void slow_clients_are_cut_off(void **state)
{
	struct rig *rig = *state;
	int fd = connect_raw(rig);
	struct connection *connection = &rig->control->places[0];

	assert_true(sd_event_run(rig->event, 1000000) > 0);
	assert_ptr_equal(connection->control, rig->control);
	/* The deadline itself, without waiting for it. */
	sd_event_source_set_time_relative(connection->deadline, 0);
	assert_true(sd_event_run(rig->event, 1000000) > 0);
	assert_null(connection->control);
	close(fd);
}

/* A client of this user, on a pair of its own. Returns its end. */
static int connect_as(struct rig *rig, uid_t user)
{
	const struct ucred peer = {.uid = user};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(connection_open(rig->control, rig->event, ends[0], &peer) >= 0);
	return ends[1];
}

static size_t count(const struct rig *rig, uid_t user)
{
	size_t n = 0;

	for (size_t i = 0; i < VG_ARRAY_SIZE(rig->control->places); i++)
		n += rig->control->places[i].control && rig->control->places[i].peer.uid == user;
	return n;
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void root_and_the_daemons_user_may_write(void **state)
{
	(void)state;
	assert_true(vg_control_may_write(&(struct ucred){.uid = 0}));
	assert_true(vg_control_may_write(&(struct ucred){.uid = geteuid()}));
	assert_false(vg_control_may_write(&(struct ucred){.uid = geteuid() + 1, .gid = 0}));
}

static void readers_take_no_places_of_others(void **state)
{
	struct rig *rig = *state;
	const uid_t mine = geteuid(), flood = mine + 1, modest = mine + 2;
	int writer, other, first, fds[200];

	writer = connect_as(rig, mine);
	other = connect_as(rig, modest);
	first = connect_as(rig, flood);
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		fds[i] = connect_as(rig, flood);
	assert_int_equal(count(rig, flood), VG_CONTROL_PER_READER);
	assert_false(is_closed(other));
	/* Of one user the oldest goes, and the newest stays. */
	assert_true(is_closed(first));
	assert_false(is_closed(fds[VG_ARRAY_SIZE(fds) - 1]));
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		close(fds[i]);
	/* More users than there are places for. */
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		fds[i] = connect_as(rig, mine + 3 + i);
	assert_true(is_closed(other));
	assert_false(is_closed(writer));
	assert_int_equal(count(rig, mine), 1);
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++) {
		assert_int_equal(is_closed(fds[i]), i < VG_ARRAY_SIZE(fds) - VG_CONTROL_READERS);
		close(fds[i]);
	}
	close(writer);
	close(other);
	close(first);
}

static void who_waits_for_a_change_keeps_the_place(void **state)
{
	struct rig *rig = *state;
	char text[16] = "";
	int fds[3 * VG_CONTROL_WRITERS], waiting = connect_as(rig, geteuid());

	assert_int_equal(write(waiting, "later\n", 6), 6);
	run_until_later(rig);
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		fds[i] = connect_as(rig, geteuid());
	vg_control_answer(rig->control, rig->ticket, strdup("done\n"));
	assert_int_equal(recv(waiting, text, sizeof(text), MSG_DONTWAIT), 5);
	assert_string_equal(text, "done\n");
	close(waiting);
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static size_t count_children(const struct rig *rig)
{
	size_t n = 0;

	for (size_t i = 0; i < VG_ARRAY_SIZE(rig->control->places); i++)
		n += rig->control->places[i].child != NULL;
	return n;
}

static void long_answers_hold_nobody_up(void **state)
{
	struct rig *rig = *state;
	int fds[2 * VG_CONTROL_PER_READER], status;

	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++) {
		fds[i] = connect_as(rig, geteuid() + 1);
		assert_int_equal(write(fds[i], "long\n", 5), 5);
		while (!rig->control->places[VG_CONTROL_WRITERS].child ||
		       sd_event_run(rig->event, 0) > 0)
			assert_true(sd_event_run(rig->event, 10000) >= 0);
	}
	assert_int_equal(rig->answered, 0);
	assert_int_equal(count_children(rig), VG_CONTROL_PER_READER);
	assert_int_equal(run_client(rig, client_asks), 0);
	/* They end with their clients, and leave no zombies. */
	for (size_t i = 0; i < VG_ARRAY_SIZE(fds); i++)
		close(fds[i]);
	while (count_children(rig))
		assert_true(sd_event_run(rig->event, 1000000) > 0);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void socket_is_for_owner_and_group(void **state)
{
	struct rig *rig = *state;
	struct stat st;

	assert_int_equal(stat(rig->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void second_daemon_is_refused(void **state)
{
	struct rig *rig = *state;
	struct rig second = *rig;
	struct vg_diag diag = {0};

	assert_int_equal(rig_listen(&second, &diag), -EADDRINUSE);
	assert_non_null(strstr(diag.text, rig->path));
	assert_int_equal(run_client(rig, client_asks), 0);
}

static void stale_socket_is_replaced(void **state)
{
	struct rig *rig = *state;
	struct vg_control *killed = rig->control;
	struct vg_diag diag = {0};

	/* As after kill -9: the name stays, nobody listens. */
	sd_event_source_disable_unref(killed->io);
	close(killed->listener.fd);
	free(killed);
	rig->control = NULL;
	if (rig_listen(rig, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(run_client(rig, client_asks), 0);
}

static void socket_of_another_is_not_removed(void **state)
{
	struct rig *rig = *state;
	struct vg_control *old = rig->control;
	struct vg_diag diag = {0};

	assert_int_equal(unlink(rig->path), 0);
	if (rig_listen(rig, &diag) < 0)
		fail_msg("%s", diag.text);
	vg_control_close(old);
	assert_int_equal(run_client(rig, client_asks), 0);
}

static void other_files_are_left_alone(void **state)
{
	struct rig *rig = *state;
	struct rig other = *rig;
	struct vg_diag diag = {0};
	FILE *file;

	snprintf(other.path, sizeof(other.path), "%s/file", rig->dir);
	file = fopen(other.path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(rig_listen(&other, &diag), -EEXIST);
	assert_int_equal(unlink(other.path), 0);
}

static void nobody_listens(void **state)
{
	struct rig *rig = *state;
	struct vg_diag diag = {0};

	assert_int_equal(run_client(rig, client_asks), 0);
	vg_control_close(rig->control);
	rig->control = NULL;
	assert_int_equal(call(rig, "status", &diag), -ENOENT);
	assert_non_null(strstr(diag.text, "no daemon listens on"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clients_are_served, setup, teardown),
		cmocka_unit_test_setup_teardown(who_asks_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_may_come_later, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_gone_waits_for_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_clients_are_cut_off, setup, teardown),
		cmocka_unit_test(root_and_the_daemons_user_may_write),
		cmocka_unit_test_setup_teardown(readers_take_no_places_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waits_for_a_change_keeps_the_place, setup,
						teardown),
		cmocka_unit_test_setup_teardown(long_answers_hold_nobody_up, setup, teardown),
		cmocka_unit_test_setup_teardown(socket_is_for_owner_and_group, setup, teardown),
		cmocka_unit_test_setup_teardown(second_daemon_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_socket_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(socket_of_another_is_not_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(other_files_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_listens, setup, teardown),
	};
	sigset_t set;

	/* As vpcgated does it, for sd-event. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
