/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "service/offload.h"

static void run_child(int fd, void (*write)(const void *what, FILE *out), const void *what,
		      pid_t parent)
{
	FILE *out;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	setpriority(PRIO_PROCESS, 0, 19);
	/* The lock on the folder of the pins among them. */
	close_range(0, fd - 1, 0);
	close_range(fd + 1, ~0U, 0);
	fcntl(fd, F_SETFL, 0);
	out = fdopen(fd, "w");
	if (!out)
		_exit(1);
	write(what, out);
	_exit(fflush(out) == 0 ? 0 : 1);
}

int vg_offload(sd_event *event, int fd, void (*write)(const void *what, FILE *out),
	       const void *what, sd_event_child_handler_t ended, void *context,
	       sd_event_source **ret_child)
{
	const pid_t parent = getpid(), pid = fork();
	int r;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(fd, write, what, parent);
	r = sd_event_add_child(event, ret_child, pid, WEXITED, ended, context);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	sd_event_source_set_child_process_own(*ret_child, true);
	return 0;
}
