/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include "discovery/store.h"
#include "service/daemon.h"
#include "share/cleanup.h"
#include "share/log.h"
#include "share/wire.h"

#define CONFIG_DEFAULT "/etc/vpcgate/vpcgate.yaml"

enum {
	EXIT_FAILED = 1,  /* after it had started: worth another start */
	EXIT_REFUSED = 2, /* it could not start, and would not the next time either */
};

static const char help[] =
	"Usage: vpcgated [OPTION]...\n"
	"Filter what enters network interfaces by Cloud Run's ingress settings.\n"
	"\n"
	"  --config FILE             the policy (" CONFIG_DEFAULT ")\n"
	"  --bpffs DIR               where programs, maps and links are pinned (" VG_BPFFS_DEFAULT
	")\n"
	"  --socket PATH             where vpcgate asks (" VG_SOCKET_DEFAULT ")\n"
	"  --state DIR               where answers of feeds are kept (" VG_STATE_DEFAULT ")\n"
	"  --outside PATH            the socket of a vpcgate-outside that asks servers and listens in\n"
	"                            place of this process\n"
	"  --log-format text|json    log lines for people and the journal, or JSON (text)\n"
	"  --log-level LEVEL         error, warning, info or debug (info)\n"
	"  --help                    print this text\n"
	"  --version                 print the version\n"
	"\n"
	"SIGHUP reads the config again; SIGTERM and SIGINT end the daemon. The filter stays in\n"
	"force either way; `vpcgate detach` takes it off.\n";

struct arguments {
	struct vg_daemon_options options;
	enum vg_log_level level;
	enum vg_log_format format;
};

/* The index of `text` among `names`, or a usage error. */
static int parse_choice(const char *option, const char *text, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], text) == 0)
			return i;
	fprintf(stderr, "vpcgated: --%s can't be '%s'; it is one of", option, text);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s%s", i ? ", " : " ", names[i]);
	fputs("\n", stderr);
	return -EINVAL;
}

static int parse_option(int option, const char *name, struct arguments *arguments)
{
	static const char *const formats[] = {[VG_LOG_TEXT] = "text", [VG_LOG_JSON] = "json"};
	static const char *const levels[] = {
		[VG_LOG_ERR] = "error",
		[VG_LOG_WARN] = "warning",
		[VG_LOG_INFO] = "info",
		[VG_LOG_DEBUG] = "debug",
	};
	int r = 0;

	switch (option) {
	case 'c':
		arguments->options.config = optarg;
		break;
	case 'b':
		arguments->options.bpffs = optarg;
		break;
	case 's':
		arguments->options.socket = optarg;
		break;
	case 'd':
		arguments->options.state = optarg;
		break;
	case 'o':
		arguments->options.outside = optarg;
		break;
	case 'f':
		r = parse_choice(name, optarg, formats, VG_ARRAY_SIZE(formats));
		if (r >= 0)
			arguments->format = r;
		break;
	case 'l':
		r = parse_choice(name, optarg, levels, VG_ARRAY_SIZE(levels));
		if (r >= 0)
			arguments->level = r;
		break;
	default:
		fputs("Try 'vpcgated --help'.\n", stderr);
		return -EINVAL;
	}
	return r < 0 ? r : 0;
}

/* 0: go on; 1: done, as after --help; negative: a usage error, which has been printed. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"bpffs", required_argument, NULL, 'b'},
		{"socket", required_argument, NULL, 's'},
		{"state", required_argument, NULL, 'd'},
		{"outside", required_argument, NULL, 'o'},
		{"log-format", required_argument, NULL, 'f'},
		{"log-level", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int option, index = 0, r = 0;

	while (r >= 0 && (option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option == 'h' || option == 'v') {
			fputs(option == 'h' ? help : "vpcgated " VG_VERSION "\n", stdout);
			return 1;
		}
		r = parse_option(option, options[index].name, arguments);
	}
	if (r >= 0 && optind < argc) {
		fprintf(stderr, "vpcgated: '%s' is not expected; there are only options\n",
			argv[optind]);
		r = -EINVAL;
	}
	return r;
}

/* libbpf and the verifier send several lines at once. */
static void log_kernel_side(const char *text)
{
	while (*text) {
		const int length = strcspn(text, "\n");

		if (length)
			vg_log_debug("%.*s", length, text);
		text += length + (text[length] == '\n');
	}
}

/* Signals arrive through the event loop; a peer that closes early is an errno, not a signal. */
static void prepare_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct arguments arguments = {
		.options = {CONFIG_DEFAULT, VG_BPFFS_DEFAULT, VG_SOCKET_DEFAULT, VG_STATE_DEFAULT,
			    NULL},
		.level = VG_LOG_INFO,
		.format = VG_LOG_TEXT,
	};
	struct vg_daemon *daemon;
	int r;

	r = parse_arguments(argc, argv, &arguments);
	if (r)
		return r < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
	vg_log_init(arguments.level, arguments.format);
	vg_dataplane_set_log(log_kernel_side);
	prepare_signals();
	r = vg_daemon_open(&arguments.options, &daemon);
	if (r < 0)
		return r == -EAGAIN ? EXIT_FAILED : EXIT_REFUSED;
	r = vg_daemon_run(daemon);
	vg_daemon_close(daemon);
	return r < 0 ? EXIT_FAILED : EXIT_SUCCESS;
}
