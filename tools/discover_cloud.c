/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `vpcgate discover` learns from the kernel, the metadata server and Google's APIs. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include "discovery/client.h"
#include "share/cleanup.h"
#include "tools/discover.h"

#define METADATA_PATH "/computeMetadata/v1/"
#define METADATA_TIMEOUT_MS 5000 /* it answers within milliseconds, or there is none */
#define MAX_TEXT_BYTES 255
#define MAX_NICS_BYTES (1u << 20)

struct asking;

/* One question to the metadata server. */
struct question {
	const char *path;
	char **text; /* where the answer goes; NULL: it is the NICs */
	struct asking *asking;
	struct vg_client_call *call; /* NULL once it is over */
};

/* One feed. */
struct inquiry {
	struct vg_found_feed *found;
	struct asking *asking;
	struct vg_fetch *fetch; /* NULL once it is over */
};

struct asking {
	sd_event *event;
	struct vg_client *client;
	struct vg_cloud *cloud;
	const struct vg_discovery_settings *settings;
	struct vg_found *found;
	uint64_t deadline_us; /* CLOCK_MONOTONIC */
	unsigned pending;
	bool answered;			 /* by the metadata server, at least once */
	char silence[VG_DIAG_TEXT_SIZE]; /* why it didn't, the first time */
};

static void asking_done(struct asking *asking)
{
	vg_cloud_close(asking->cloud);
	vg_client_close(asking->client);
	sd_event_unref(asking->event);
}

/* Runs the loop until all is answered or it is too late. */
static int wait_for_answers(struct asking *asking)
{
	uint64_t now_us;
	int r;

	while (asking->pending) {
		r = sd_event_now(asking->event, CLOCK_MONOTONIC, &now_us);
		if (r >= 0 && now_us >= asking->deadline_us)
			return 0;
		if (r >= 0)
			r = sd_event_run(asking->event, asking->deadline_us - now_us);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the metadata server ---- */

static void read_nics(struct asking *asking, const struct vg_client_answer *answer)
{
	struct vg_found *found = asking->found;
	struct vg_diag diag = {};

	if (answer->error < 0)
		snprintf(found->metadata_reason, sizeof(found->metadata_reason), "%s",
			 answer->text);
	else if (answer->status != 200 || answer->length > MAX_NICS_BYTES)
		snprintf(found->metadata_reason, sizeof(found->metadata_reason),
			 "the metadata server answers with HTTP status %u and %zu bytes",
			 answer->status, answer->length);
	else if (vg_metadata_nics_read("", answer->body, answer->length, &found->metadata,
				       &found->n_metadata, &diag) < 0)
		snprintf(found->metadata_reason, sizeof(found->metadata_reason),
			 "what the metadata server says of NICs can't be read: %.400s", diag.text);
}

static void read_text(const struct vg_client_answer *answer, char **text)
{
	if (answer->error == 0 && answer->status == 200 && answer->length &&
	    answer->length <= MAX_TEXT_BYTES)
		*text = strndup(answer->body, strcspn(answer->body, "\r\n"));
}

static void on_answer(void *context, const struct vg_client_answer *answer)
{
	struct question *question = context;
	struct asking *asking = question->asking;

	question->call = NULL;
	asking->pending--;
	if (answer->error == 0)
		asking->answered = true;
	else if (!*asking->silence)
		snprintf(asking->silence, sizeof(asking->silence), "%s", answer->text);
	if (question->text)
		read_text(answer, question->text);
	else
		read_nics(asking, answer);
}

static int ask_question(struct asking *asking, struct question *question, struct vg_diag *diag)
{
	_cleanup_free_ char *url = NULL;
	struct vg_client_question to = {.timeout_ms = METADATA_TIMEOUT_MS, .metadata = true};
	int r;

	if (asprintf(&url, "%s" METADATA_PATH "%s", asking->settings->metadata, question->path) < 0)
		return -ENOMEM;
	to.url = url;
	/* Not for http, where a file that can't be read would be no reason to fail. */
	if (!strncmp(url, "https:", strlen("https:")))
		to.ca = asking->settings->ca;
	question->asking = asking;
	r = vg_client_ask(asking->client, &to, on_answer, question, &question->call, diag);
	if (r == 0)
		asking->pending++;
	return r;
}

static int ask_metadata(struct asking *asking, struct vg_diag *diag)
{
	struct vg_found *found = asking->found;
	struct question questions[] = {
		{.path = "instance/network-interfaces/?recursive=true&alt=json"},
		{.path = "instance/name", .text = &found->name},
		{.path = "instance/zone", .text = &found->zone},
		{.path = "project/project-id", .text = &found->project},
		{.path = "project/numeric-project-id", .text = &found->project_number},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < VG_ARRAY_SIZE(questions); i++)
		r = ask_question(asking, &questions[i], diag);
	if (r == 0)
		r = wait_for_answers(asking);
	for (size_t i = 0; i < VG_ARRAY_SIZE(questions); i++)
		vg_client_cancel(questions[i].call);
	if (r == 0 && questions[0].call)
		snprintf(found->metadata_reason, sizeof(found->metadata_reason),
			 "the metadata server didn't answer in time");
	asking->pending = 0;
	return r;
}

/* ---- the APIs ---- */

/* Without the full stop: a sentence goes on behind it. */
static void copy_clause(char *out, size_t size, const char *text)
{
	size_t n = (size_t)snprintf(out, size, "%s", text);

	for (n = n < size ? n : size - 1; n && (out[n - 1] == '.' || out[n - 1] == ' '); n--)
		out[n - 1] = '\0';
}

/* Adds the regions that are missing, which the daemon asks for again. */
static void note_unread(struct vg_found_feed *found, const struct vg_fetch_result *result)
{
	const size_t used = strlen(found->note), size = sizeof(found->note) - used;
	const char *scope = result->n_unread ? result->unread[0] : "";

	if (!result->n_unread)
		return;
	snprintf(found->note + used, size, "%sthe API couldn't read %.64s%s now", used ? "; " : "",
		 strcmp(scope, VG_LISTING_ANY_SCOPE) != 0 ? scope : "some regions",
		 result->n_unread > 1 ? " and others" : "");
}

static void on_listing(void *context, struct vg_fetch_result *result)
{
	struct inquiry *inquiry = context;

	inquiry->fetch = NULL;
	inquiry->asking->pending--;
	if (result->error < 0) {
		copy_clause(inquiry->found->reason, sizeof(inquiry->found->reason),
			    *result->reason ? result->reason : strerror(-result->error));
		return;
	}
	inquiry->found->read = true;
	inquiry->found->listing = result->listing;
	result->listing = (struct vg_listing){};
	copy_clause(inquiry->found->note, sizeof(inquiry->found->note), result->note);
	note_unread(inquiry->found, result);
}

/* Those whose MAC addresses the daemon will ask for, too. */
static int configure_cloud(struct asking *asking)
{
	char macs[VG_MAX_INTERFACES][18];
	struct vg_cloud_nics nics = {.macs = macs};

	for (size_t i = 0; i < asking->found->n_nics; i++) {
		if (*asking->found->nics[i].host.mac)
			memcpy(macs[nics.n++], asking->found->nics[i].host.mac, sizeof(macs[0]));
	}
	nics.all = !nics.n;
	return vg_cloud_configure(asking->cloud, asking->settings, &nics);
}

static int ask_feed(struct asking *asking, const char *text, struct inquiry *inquiry)
{
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_feed feed;
	int r;

	r = vg_feed_parse(text, &feed, wrong, sizeof(wrong));
	if (r < 0)
		return r;
	*inquiry = (struct inquiry){&asking->found->feeds[feed.kind], asking, NULL};
	r = vg_fetch_begin(asking->cloud, &feed, NULL, on_listing, inquiry, &inquiry->fetch);
	if (r == 0)
		asking->pending++;
	vg_feed_done(&feed);
	return r;
}

static int ask_apis(struct asking *asking)
{
	static const char *const feeds[] = {"gcp:subnets", "gcp:connectors", "gcp:peering-routes"};
	struct inquiry inquiries[VG_ARRAY_SIZE(feeds)] = {};
	int r;

	r = configure_cloud(asking);
	for (size_t i = 0; r == 0 && i < VG_ARRAY_SIZE(feeds); i++)
		r = ask_feed(asking, feeds[i], &inquiries[i]);
	if (r == 0)
		r = wait_for_answers(asking);
	for (size_t i = 0; i < VG_ARRAY_SIZE(feeds); i++) {
		if (!inquiries[i].fetch)
			continue;
		vg_fetch_cancel(inquiries[i].fetch);
		snprintf(inquiries[i].found->reason, sizeof(inquiries[i].found->reason),
			 "no whole answer within %d s", VG_DISCOVER_TIMEOUT_MS / 1000);
	}
	return r;
}

/* ---- all of it ---- */

static int open_asking(struct asking *asking, struct vg_diag *diag)
{
	uint64_t now_us;
	int r;

	r = sd_event_new(&asking->event);
	if (r >= 0)
		r = sd_event_now(asking->event, CLOCK_MONOTONIC, &now_us);
	if (r < 0)
		return r;
	asking->deadline_us = now_us + VG_DISCOVER_TIMEOUT_MS * 1000ULL;
	r = vg_client_open(asking->event, NULL, &asking->client, diag);
	return r < 0 ? r : vg_cloud_open(asking->client, &asking->cloud);
}

static int choose_nics(struct vg_found *found, const char *interface)
{
	_cleanup_free_ struct vg_host_nic *hosts = NULL;
	size_t n;
	int r;

	r = vg_host_nics_read(&hosts, &n);
	if (r < 0)
		return r;
	return vg_found_choose_nics(found, hosts, n, interface);
}

static int refuse_nics(int error, const char *interface, struct vg_diag *diag)
{
	const struct vg_position nowhere = {};

	if (error == -ENODEV && interface)
		return vg_diag_set(diag, ENODEV, "", nowhere,
				   "no interface '%s' here; `ip link` lists those that are",
				   interface);
	if (error == -ENODEV)
		return vg_diag_set(diag, ENODEV, "", nowhere,
				   "no interface here has a MAC address that the metadata server "
				   "names, nor a default route: name one with --interface");
	return vg_diag_set(diag, -error, "", nowhere, "cannot list the interfaces: %s",
			   strerror(-error));
}

int vg_discover_ask(const struct vg_discovery_settings *settings, const char *interface,
		    struct vg_found *ret_found, struct vg_diag *diag)
{
	_cleanup_(vg_found_done) struct vg_found found = {.time_s = time(NULL)};
	_cleanup_(asking_done) struct asking all = {.settings = settings, .found = &found};
	const struct vg_position nowhere = {};
	struct utsname system;
	int r;

	signal(SIGPIPE, SIG_IGN); /* as the client wants it */
	if (uname(&system) == 0)
		snprintf(found.kernel, sizeof(found.kernel), "%s", system.release);
	r = open_asking(&all, diag);
	if (r == 0)
		r = ask_metadata(&all, diag);
	if (r < 0)
		return r;
	if (!all.answered)
		return vg_diag_set(diag, ENXIO, "", nowhere, "%s", all.silence);
	r = choose_nics(&found, interface);
	if (r < 0)
		return refuse_nics(r, interface, diag);
	r = vg_found_read_metadata(&found);
	if (r == 0)
		r = ask_apis(&all);
	if (r < 0)
		return r;
	*ret_found = found;
	found = (struct vg_found){};
	return 0;
}
