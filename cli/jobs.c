/* Verbs that put in jobs: all are sent at once, then the end of each is awaited, and what failed is
 * explained. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "cli/cli.h"

struct jobs_item {
	struct jobs *jobs;
	const char *unit;
	char *path;   /* of the job; NULL before it is known */
	char *result; /* NULL while it runs */
	int status;   /* exit status of the call */
	bool answered;
};

struct jobs {
	struct cli *cli;
	const char *verb; /* "start" */
	struct jobs_item *items;
	size_t n, n_open;
	struct table by_path; /* job path -> item; results that came before their path was known are kept in
				 `early` */
	char **early;	      /* path, result, path, result … */
};

static void jobs_settle(struct jobs_item *item, const char *result)
{
	if (item->result)
		return;
	item->result = strdup(result);
	item->jobs->n_open--;
}

static int jobs_on_removed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	struct jobs *jobs = userdata;
	const char *path, *unit, *result;
	struct jobs_item *item;
	uint32_t id;

	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	item = table_get(&jobs->by_path, path);
	if (item)
		jobs_settle(item, result);
	else if (text_list_append(&jobs->early, path) == 0)
		text_list_append(&jobs->early, result);
	return 0;
}

static void jobs_find_early(struct jobs_item *item)
{
	for (char **early = item->jobs->early; early && early[0] && early[1]; early += 2)
		if (strcmp(early[0], item->path) == 0)
			jobs_settle(item, early[1]);
}

/* The answer to StartUnit and its like: a job, or an error. */
static int jobs_on_answer(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *_error)
{
	struct jobs_item *item = userdata;
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	const char *path;

	item->answered = true;
	if (error || sd_bus_message_read(reply, "o", &path) < 0) {
		item->status =
			call_report(item->jobs->cli, -EIO, error, "%s %s", item->jobs->verb, item->unit);
		item->jobs->n_open--;
		return 0;
	}
	item->path = strdup(path);
	if (!item->path || strcmp(path, "/") == 0 || item->jobs->cli->no_block ||
	    table_put(&item->jobs->by_path, item->path, item) == -ENOMEM)
		jobs_settle(item, "done");
	else
		jobs_find_early(item);
	return 0;
}

static int jobs_send(struct jobs *jobs, const char *method)
{
	for (size_t i = 0; i < jobs->n; i++) {
		int r = sd_bus_call_method_async(jobs->cli->bus, NULL, NAMES_SERVICE, NAMES_PATH,
						 NAMES_MANAGER, method, jobs_on_answer, &jobs->items[i], "ss",
						 jobs->items[i].unit, jobs->cli->job_mode);

		if (r < 0)
			return r;
	}
	return 0;
}

static int jobs_wait(struct jobs *jobs)
{
	while (jobs->n_open > 0) {
		int r = sd_bus_process(jobs->cli->bus, NULL);

		if (r == 0)
			r = sd_bus_wait(jobs->cli->bus, UINT64_MAX);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- what went wrong --------------------------------------------------------------------------------- */

static const char *jobs_explain_result(const char *result)
{
	static const struct {
		const char *result, *text;
	} texts[] = {
		{"resources", "of unavailable resources or another system error"},
		{"protocol", "the service did not take the steps required by its unit configuration"},
		{"timeout", "a timeout was exceeded"},
		{"exit-code", "the control process exited with error code"},
		{"signal", "a fatal signal was delivered to the control process"},
		{"core-dump", "a fatal signal was delivered causing the control process to dump core"},
		{"watchdog", "the service failed to send watchdog ping"},
		{"start-limit-hit", "start of the service was attempted too often"},
		{"oom-kill", "the service used too much memory"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(texts[i].result, result) == 0)
			return texts[i].text;
	return NULL;
}

static void jobs_print_failure(struct jobs *jobs, const char *unit)
{
	int status;
	struct json_object *properties = properties_of_unit(jobs->cli, unit, &status);
	const char *text = properties ? jobs_explain_result(properties_text(properties, "Result")) : NULL;
	const char *failure = properties ? properties_text(properties, "LastFailure") : "";

	fprintf(stderr, "Job for %s failed%s%s.\n", unit, text ? " because " : "", text ? text : "");
	if (failure[0])
		fprintf(stderr, "%s\n", failure);
	fprintf(stderr, "See \"svcctl status %s\" and \"svcctl logs %s\" for details.\n", unit, unit);
	json_object_put(properties);
}

static int jobs_judge(struct jobs *jobs, const struct jobs_item *item)
{
	const char *result = item->result ? item->result : "failed";

	if (item->status != CLI_OK || strcmp(result, "done") == 0 || strcmp(result, "skipped") == 0)
		return item->status;
	if (jobs->cli->quiet)
		return CLI_FAILED;
	if (strcmp(result, "canceled") == 0)
		fprintf(stderr, "Job for %s canceled.\n", item->unit);
	else if (strcmp(result, "timeout") == 0)
		fprintf(stderr, "Job for %s timed out.\n", item->unit);
	else if (strcmp(result, "dependency") == 0)
		fprintf(stderr,
			"A dependency job for %s failed. See \"svcctl list-units --failed\" for details.\n",
			item->unit);
	else if (strcmp(result, "invalid") == 0)
		fprintf(stderr, "%s is not active, cannot %s.\n", item->unit, jobs->verb);
	else if (strcmp(result, "assert") == 0)
		fprintf(stderr, "Assertion failed on job for %s.\n", item->unit);
	else
		jobs_print_failure(jobs, item->unit);
	return CLI_FAILED;
}

/* --- --wait ------------------------------------------------------------------------------------------ */

static int jobs_on_change(_unused_ sd_bus_message *message, _unused_ void *userdata,
			  _unused_ sd_bus_error *error)
{
	return 0; /* it wakes jobs_await_end() */
}

/* Until UNIT is down again. An exit status. */
static int jobs_await_end(struct jobs *jobs, const char *unit)
{
	sd_bus *bus = jobs->cli->bus;
	_cleanup_free_ char *path = call_unit_path(unit);

	while (path) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		_cleanup_free_ char *state = NULL;
		int r = sd_bus_get_property_string(bus, NAMES_SERVICE, path, NAMES_UNIT, "ActiveState",
						   &error, &state);

		if (r < 0)
			return call_report(jobs->cli, r, &error, "wait for %s", unit);
		if (strcmp(state, "failed") == 0)
			return CLI_FAILED;
		if (strcmp(state, "inactive") == 0)
			return CLI_OK;
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
		if (r < 0)
			return call_report(jobs->cli, r, NULL, "wait for %s", unit);
	}
	return CLI_FAILED;
}

static int jobs_subscribe(struct jobs *jobs)
{
	struct cli *cli = jobs->cli;
	const char *sender = cli->is_system_bus ? NAMES_SERVICE : NULL;
	int r = sd_bus_match_signal(cli->bus, NULL, sender, NAMES_PATH, NAMES_MANAGER, "JobRemoved",
				    jobs_on_removed, jobs);

	if (r >= 0 && cli->wait)
		r = sd_bus_match_signal(cli->bus, NULL, sender, NULL, "org.freedesktop.DBus.Properties",
					"PropertiesChanged", jobs_on_change, NULL);
	if (r >= 0 && cli->wait)
		r = call_manager(cli, "Subscribe", NULL, NULL, NULL);
	return r;
}

/* --- the verbs --------------------------------------------------------------------------------------- */

static int jobs_run_all(struct jobs *jobs, const char *method)
{
	int status = CLI_OK, r = jobs_subscribe(jobs);

	if (r >= 0)
		r = jobs_send(jobs, method);
	if (r >= 0)
		r = jobs_wait(jobs);
	if (r < 0)
		return call_report(jobs->cli, r, NULL, "%s units", jobs->verb);
	for (size_t i = 0; i < jobs->n; i++) {
		int one = jobs_judge(jobs, &jobs->items[i]);

		if (one == CLI_OK && jobs->cli->wait && !jobs->cli->no_block &&
		    strcmp(jobs->verb, "stop") != 0)
			one = jobs_await_end(jobs, jobs->items[i].unit);
		status = cli_worse(status, one);
	}
	return status;
}

static int jobs_run(struct cli *cli, const char *verb, const char *method, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	struct jobs jobs = {.cli = cli, .verb = verb};
	int status = call_expand(cli, arguments, &units) < 0 ? CLI_FAILED : CLI_OK;

	jobs.n = jobs.n_open = text_list_length(units);
	jobs.items = calloc(jobs.n + 1, sizeof *jobs.items);
	if (!jobs.items)
		return CLI_FAILED;
	for (size_t i = 0; i < jobs.n; i++)
		jobs.items[i] = (struct jobs_item){.jobs = &jobs, .unit = units[i]};
	if (status == CLI_OK && jobs.n > 0)
		status = jobs_run_all(&jobs, method);
	for (size_t i = 0; i < jobs.n; i++) {
		free(jobs.items[i].path);
		free(jobs.items[i].result);
	}
	free(jobs.items);
	table_free(&jobs.by_path);
	text_list_free(jobs.early);
	return status;
}

int jobs_verb_start(struct cli *cli, char **arguments)
{
	return jobs_run(cli, "start", "StartUnit", arguments);
}

int jobs_verb_stop(struct cli *cli, char **arguments)
{
	return jobs_run(cli, "stop", "StopUnit", arguments);
}

int jobs_verb_restart(struct cli *cli, char **arguments)
{
	return jobs_run(cli, "restart", "RestartUnit", arguments);
}

int jobs_verb_try_restart(struct cli *cli, char **arguments)
{
	return jobs_run(cli, "try-restart", "TryRestartUnit", arguments);
}

int jobs_verb_reload(struct cli *cli, char **arguments)
{
	return jobs_run(cli, "reload", "ReloadUnit", arguments);
}

int jobs_verb_reload_or_restart(struct cli *cli, char **arguments)
{
	return jobs_run(cli, "reload-or-restart", "ReloadOrRestartUnit", arguments);
}

int jobs_verb_try_reload_or_restart(struct cli *cli, char **arguments)
{
	return jobs_run(cli, "try-reload-or-restart", "ReloadOrTryRestartUnit", arguments);
}
