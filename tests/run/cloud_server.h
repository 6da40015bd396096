/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/e2e/cloud.py as a child, alone with this process in a network namespace; and an event loop
 * that must not be held up meanwhile.
 */
#ifndef VPCGATE_CLOUD_SERVER_H
#define VPCGATE_CLOUD_SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "share/cleanup.h"

#define CLOUD_HTTP "http://127.0.0.1:8080"
#define CLOUD_TLS "https://127.0.0.1:8443"
#define CLOUD_DNS "203.0.113.2" /* no route leads there, and so each name fails at once */
#define CLOUD_START_S 20

/*
 * A tick is due every 10 ms; what is later than this was held up. Time that this thread was ready to run
 * and had no core doesn't count.
 */
#define TICK_US 10000
#define TICK_LATE_US 200000

static struct {
	char folder[64], ca[96];
	pid_t pid;
	pid_t outside_pid;
	char outside[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* its socket */
} cloud_server;

static sd_event *loop;
static uint64_t tick_due_us, tick_starved_us, tick_late_us;

static inline uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* How much longer than on real hardware all takes: in an emulated machine VG_SLOW says so. */
static inline unsigned slowness(void)
{
	const char *told = getenv("VG_SLOW");

	return told ? (unsigned)strtoul(told, NULL, 10) : 1;
}

static inline void run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command) != 0) /* NOLINT(cert-env33-c): a fixed text */
		fail_msg("failed: %s", command);
}

/* Replaces a file of the server's at once. JSON may be written with ' for ". */
static inline void cloud_write(const char *name, const char *text)
{
	char path[128], aside[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", cloud_server.folder, name);
	snprintf(aside, sizeof(aside), "%s/aside", cloud_server.folder);
	file = fopen(aside, "we");
	assert_non_null(file);
	for (const char *c = text; *c; c++)
		assert_true(fputc(*c == '\'' ? '"' : *c, file) != EOF);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(aside, path), 0);
}

/* The log of requests, emptied: what comes from now on is in it. */
static inline void cloud_forget(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/log.jsonl", cloud_server.folder);
	assert_int_equal(truncate(path, 0), 0);
}

/* How the server behaves and what it holds from now on ("{}": as always), with an empty log. */
static inline void cloud_set(const char *control, const char *world)
{
	cloud_write("control.json", control ?: "{}");
	cloud_write("world.json", world ?: "{}");
	cloud_forget();
}

/* The requests so far: an array of objects, see cloud.py. */
static inline json_t *cloud_log(void)
{
	_cleanup_fclose_ FILE *file = NULL;
	json_t *log = json_array(), *line;
	char path[128];

	snprintf(path, sizeof(path), "%s/log.jsonl", cloud_server.folder);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)))
		json_array_append_new(log, line);
	return log;
}

/* How many requests had `part` in their path. */
static inline size_t cloud_asked(const char *part)
{
	json_t *log = cloud_log(), *line;
	size_t i, n = 0;

	json_array_foreach(log, i, line) {
		if (strstr(json_string_value(json_object_get(line, "path")), part))
			n++;
	}
	json_decref(log);
	return n;
}

static inline void cloud_wait_until_ready(void)
{
	const uint64_t deadline_us = clock_us() + CLOUD_START_S * 1000000ULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/ready", cloud_server.folder);
	while (access(path, F_OK) != 0) {
		if (waitpid(cloud_server.pid, NULL, WNOHANG) != 0 || clock_us() > deadline_us)
			fail_msg("cloud.py doesn't start");
		usleep(10000);
	}
}

/* proc_pid_schedstat(5): so long it has waited for a core, since its start. */
static inline uint64_t starved_us(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/thread-self/schedstat", "re");
	unsigned long long starved_ns;

	if (!file || fscanf(file, "%*u %llu", &starved_ns) != 1)
		return 0;
	return starved_ns / 1000;
}

static inline void next_tick(void)
{
	tick_due_us = clock_us() + TICK_US;
	tick_starved_us = starved_us();
}

static inline int on_tick(sd_event_source *source, uint64_t now_us, void *context)
{
	const uint64_t due_us = tick_due_us + starved_us() - tick_starved_us;

	(void)now_us;
	(void)context;
	if (clock_us() > due_us + tick_late_us)
		tick_late_us = clock_us() - due_us;
	next_tick();
	sd_event_source_set_time(source, tick_due_us);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

/* Group setup: needs root. */
static inline int cloud_up(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	run("ip link set lo up");
	snprintf(cloud_server.folder, sizeof(cloud_server.folder), "/tmp/vpcgate-cloud.XXXXXX");
	if (!mkdtemp(cloud_server.folder))
		return -1;
	cloud_write("resolv.conf", "nameserver " CLOUD_DNS "\n");
	run("mount --bind %s/resolv.conf /etc/resolv.conf", cloud_server.folder);
	snprintf(cloud_server.ca, sizeof(cloud_server.ca), "%s/ca.pem", cloud_server.folder);
	signal(SIGPIPE, SIG_IGN);
	cloud_server.pid = fork();
	if (cloud_server.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("python3", "python3", "tests/e2e/cloud.py", cloud_server.folder, "--http",
		       "127.0.0.1:8080", "--https", "0.0.0.0:8443", "--https", "0.0.0.0:8444",
		       NULL);
		_exit(127);
	}
	cloud_wait_until_ready();
	return sd_event_new(&loop);
}

static inline void cloud_kill(pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static inline int cloud_down(void **state)
{
	(void)state;
	loop = sd_event_unref(loop);
	cloud_kill(cloud_server.outside_pid);
	cloud_kill(cloud_server.pid);
	cloud_server.outside_pid = 0;
	run("umount /etc/resolv.conf");
	run("rm -rf --one-file-system %s", cloud_server.folder);
	return 0;
}

/* As systemd does for vpcgate-outside.socket. */
static inline void outside_start(int fd)
{
	char program[128], pid[16];

	snprintf(program, sizeof(program), "%s/vpcgate-outside", getenv("VG_BUILD") ?: "build");
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("https_proxy", "http://127.0.0.1:1", 1); /* which it must not heed */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, 3);
	execl(program, program, NULL);
	_exit(127);
}

/* cloud_up(), and a vpcgate-outside beside it, by which the clients are to ask. */
static inline int cloud_up_outside(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (cloud_up(state) < 0)
		return -1;
	snprintf(cloud_server.outside, sizeof(cloud_server.outside), "%s/outside",
		 cloud_server.folder);
	strcpy(address.sun_path, cloud_server.outside);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0)
		return -1;
	cloud_server.outside_pid = fork();
	if (cloud_server.outside_pid == 0)
		outside_start(fd);
	return 0;
}

/* What vg_client_open() takes. */
static inline const char *cloud_outside(void)
{
	return cloud_server.outside_pid > 0 ? cloud_server.outside : NULL;
}

/* A group of tests that ask in this process, and then by vpcgate-outside. */
#define CLOUD_RUN(tests)                                                      \
	(cmocka_run_group_tests_name("direct", tests, cloud_up, cloud_down) + \
	 cmocka_run_group_tests_name("outside", tests, cloud_up_outside, cloud_down))

/* Nothing may hold the loop up, which a tick every 10 ms shows. */
static inline void loop_run(const bool *done, uint64_t time_us)
{
	const uint64_t deadline_us = clock_us() + time_us;
	sd_event_source *tick = NULL;

	tick_late_us = 0;
	next_tick();
	assert_true(sd_event_add_time(loop, &tick, CLOCK_MONOTONIC, tick_due_us, 1, on_tick,
				      NULL) >= 0);
	while (!*done && clock_us() < deadline_us)
		assert_true(sd_event_run(loop, TICK_US) >= 0);
	sd_event_source_disable_unref(tick);
	if (tick_late_us > TICK_LATE_US * slowness())
		fail_msg("the loop was held up for %llu ms",
			 (unsigned long long)tick_late_us / 1000);
}

/* Runs the loop until `*done`, or for that time on real hardware. True where it is done. */
static inline bool loop_until(const bool *done, unsigned at_most_ms)
{
	loop_run(done, at_most_ms * 1000ULL * slowness());
	return *done;
}

static inline void loop_for(unsigned ms)
{
	const bool never = false;

	loop_run(&never, ms * 1000ULL);
}

#endif
