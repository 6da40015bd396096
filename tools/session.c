/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/prefix.h"
#include "share/cleanup.h"
#include "share/file.h"
#include "tools/session.h"

#define TOLD "SSH_CONNECTION=" /* what sshd gives to those that it starts */
#define SERVER "sshd"	       /* also "sshd-session", as since OpenSSH 9.8 */
#define MAX_FDS 32	       /* its connection is among the first ones that it opens */
#define ESTABLISHED 1

struct process {
	char name[32];
	int parent;
};

/* ---- the connection of an sshd ---- */

/* "123 (name) S 1 ..."; a name may have parentheses of its own. */
static int parse_process(const char *text, struct process *ret_process)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close || strlen(close) < strlen(") S 1"))
		return -EBADMSG;
	snprintf(ret_process->name, sizeof(ret_process->name), "%.*s", (int)(close - open - 1),
		 open + 1);
	ret_process->parent = (int)strtol(close + strlen(") S "), NULL, 10);
	return 0;
}

static int read_process(int pid, struct process *ret_process)
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	size_t length;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = vg_file_read(path, &text, &length);
	return r < 0 ? r : parse_process(text, ret_process);
}

/* The inode of a socket, or 0. */
static unsigned long socket_inode(int pid, int fd)
{
	char path[48], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	return strncmp(target, "socket:[", 8) == 0 ? strtoul(target + 8, NULL, 10) : 0;
}

/* As /proc/net/tcp has it: 32-bit words in network order, printed as numbers of this host. */
static bool format_address(const char *hex, char out[INET6_ADDRSTRLEN])
{
	const size_t words = strlen(hex) / 8;
	struct in6_addr address = {0};
	char word[9] = "";

	for (size_t i = 0; i < words && i < 4; i++) {
		memcpy(word, hex + 8 * i, 8);
		address.s6_addr32[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	if (words == 4 && IN6_IS_ADDR_V4MAPPED(&address))
		return inet_ntop(AF_INET, &address.s6_addr32[3], out, INET6_ADDRSTRLEN);
	return inet_ntop(words == 4 ? AF_INET6 : AF_INET, &address, out, INET6_ADDRSTRLEN);
}

/* "  0: 0100007F:0016 0200007F:D431 01 00000000:00000000 00:00000000 00000000 0 0 12345 ..." */
static char *match_line(const char *line, unsigned long inode)
{
	char local_hex[33], remote_hex[33], local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
	unsigned local_port, remote_port, state;
	unsigned long found;
	char *session;

	if (sscanf(line, " %*[0-9]: %32[0-9A-F]:%4x %32[0-9A-F]:%4x %2x %*s %*s %*s %*s %*s %lu",
		   local_hex, &local_port, remote_hex, &remote_port, &state, &found) != 6 ||
	    found != inode || state != ESTABLISHED || !format_address(local_hex, local) ||
	    !format_address(remote_hex, remote) ||
	    asprintf(&session, "%s %u %s %u", remote, remote_port, local, local_port) < 0)
		return NULL;
	return session;
}

static char *find_connection(int pid, const char *table, unsigned long inode)
{
	_cleanup_free_ char *text = NULL;
	char path[48], *session = NULL;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, table);
	if (vg_file_read(path, &text, &length) < 0)
		return NULL;
	for (char *rest = text, *line; !session && (line = strsep(&rest, "\n"));)
		session = match_line(line, inode);
	return session;
}

static char *connection_of(int pid)
{
	char *session = NULL;

	for (int fd = 0; !session && fd < MAX_FDS; fd++) {
		const unsigned long inode = socket_inode(pid, fd);

		if (!inode)
			continue;
		session = find_connection(pid, "tcp", inode);
		if (!session)
			session = find_connection(pid, "tcp6", inode);
	}
	return session;
}

/* ---- what sshd has told ---- */

/* The same without the zones of link-local addresses, which are names of this host's NICs. */
static char *normalise(const char *told)
{
	char remote[VG_PREFIX_TEXT_SIZE], local[VG_PREFIX_TEXT_SIZE], *session;
	struct vg_address ignored;
	unsigned remote_port, local_port;

	if (sscanf(told, "%63s %5u %63s %5u", remote, &remote_port, local, &local_port) != 4)
		return NULL;
	remote[strcspn(remote, "%")] = '\0';
	local[strcspn(local, "%")] = '\0';
	if (vg_address_parse(remote, &ignored) < 0 || vg_address_parse(local, &ignored) < 0 ||
	    asprintf(&session, "%s %u %s %u", remote, remote_port, local, local_port) < 0)
		return NULL;
	return session;
}

/* `text` is NAME=VALUE with a NUL behind each. */
static char *find_told(const char *text, size_t length)
{
	for (const char *at = text; at < text + length; at += strlen(at) + 1)
		if (strncmp(at, TOLD, strlen(TOLD)) == 0)
			return normalise(at + strlen(TOLD));
	return NULL;
}

static char *told_to(int pid)
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	return vg_file_read(path, &text, &length) < 0 ? NULL : find_told(text, length);
}

char *vg_session_find(void)
{
	struct process process;
	char *session = NULL;
	int pid = getpid();

	while (!session && pid > 1 && read_process(pid, &process) == 0) {
		session = told_to(pid);
		if (!session && strncmp(process.name, SERVER, strlen(SERVER)) == 0)
			session = connection_of(pid);
		pid = process.parent;
	}
	return session;
}
